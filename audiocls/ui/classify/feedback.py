"""What a visitor says of an answer: right, or wrong and what is right. The sound is kept with it, to train on.

Who sits at this machine may, and others where the app was started with a folder for it; every call looks at that.
"""

import html
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from audiocls.errors import AudioclsError
from audiocls.feedback.corrections import Corrections
from audiocls.feedback.labels import NEGATIVE
from audiocls.inference.answers import NONE_OF_THESE
from audiocls.inference.classifier import AudioClassifier
from audiocls.ui.card import escaped
from audiocls.ui.classify.heard import Heard, Questions
from audiocls.ui.context import AppContext
from audiocls.ui.limits import LONGEST_CLASS_NAME, MOST_CORRECTIONS_OTHERS, MOST_RIGHT_LABELS
from audiocls.ui.serving.visitors import Visitor
from audiocls.ui.sounds import told
from audiocls.ui.texts import classify as texts

FEEDBACK = Path("feedback")


class FeedbackRow(NamedTuple):
    """The parts that change with an answer: `outputs` takes what `fresh` gives."""

    outputs: list[Any]


def feedback_folder(context: AppContext, visitor: Visitor) -> Path | None:
    """Where this visitor's corrections go; None where they are not kept."""
    return context.feedback or (FEEDBACK if visitor.local else None)


def feedback_row(context: AppContext, questions: gr.State) -> FeedbackRow:
    """Add the buttons to the Blocks that are being built, hidden until there is an answer."""

    def corrections(visitor: Visitor, model: AudioClassifier) -> Corrections:
        root = feedback_folder(context, visitor)
        if root is None:
            raise told(texts.NOT_ALLOWED)
        return Corrections(root, model.name, model.multi_label)

    def keep(labels: list[str], asked: Questions, request: gr.Request) -> tuple[Any, ...]:
        visitor = context.visitor(request)
        heard = asked.heard
        if heard is None:
            raise told(texts.NOTHING_TO_KEEP)
        model = context.classifier(heard.model, request)
        kept_there = corrections(visitor, model)
        if not heard.path.is_file():
            raise told(texts.SOUND_GONE)
        try:
            if not visitor.local and kept_there.count() >= MOST_CORRECTIONS_OTHERS:
                raise told(texts.FULL)
            scores = dict(zip(model.labels, heard.answer.scores.tolist(), strict=True))
            correction = kept_there.keep(heard.path, labels, model.labels, str(heard.answer), scores)
            number = kept_there.count()
        except AudioclsError as error:
            raise told(texts.NOT_KEPT.format(reason=html.escape(str(error)))) from error
        heard.corrected = correction.key
        named = ", ".join(NONE_OF_THESE if label == NEGATIVE else label for label in correction.labels)
        where = texts.FOLDER.format(folder=_shown(kept_there.folder)) if visitor.local else texts.FOLDER_OTHERS
        said = texts.KEPT.format(
            labels=escaped(named), again=texts.KEPT_AGAIN * correction.replaced, count=_sounds(number), folder=where
        )
        return gr.Column(visible=False), gr.Markdown(said, visible=True), gr.Button(visible=True)

    def right(asked: Questions, request: gr.Request) -> tuple[Any, ...]:
        if asked.heard is None:
            raise told(texts.NOTHING_TO_KEEP)
        return keep(asked.heard.answer.labels or [NONE_OF_THESE], asked, request)

    def wrong(asked: Questions, request: gr.Request) -> tuple[Any, Any]:
        if asked.heard is None:
            raise told(texts.NOTHING_TO_KEEP)
        model = context.classifier(asked.heard.model, request)
        field = gr.Dropdown(
            [*model.labels, NONE_OF_THESE],
            value=[] if model.multi_label else None,
            multiselect=model.multi_label,
            info=texts.RIGHT_LABELS_INFO if model.multi_label else texts.RIGHT_LABEL_INFO,
        )
        return gr.Column(visible=True), field

    def correct(typed: str | list[str] | None, asked: Questions, request: gr.Request) -> tuple[Any, ...]:
        given = typed if isinstance(typed, list) else [typed or ""]
        labels = [str(label)[: 10 * LONGEST_CLASS_NAME] for label in given[:MOST_RIGHT_LABELS] if str(label).strip()]
        if not labels:
            raise told(texts.CHOOSE_LABEL)
        return keep(labels, asked, request)

    def undo(asked: Questions, request: gr.Request) -> tuple[Any, Any]:
        heard = asked.heard
        if heard is None or heard.corrected is None:  # what this page kept, and nothing else
            raise told(texts.NOTHING_TO_KEEP)
        kept_there = corrections(context.visitor(request), context.classifier(heard.model, request))
        try:
            kept_there.undo(heard.corrected)
            number = kept_there.count()
        except AudioclsError as error:
            raise told(texts.NOT_KEPT.format(reason=html.escape(str(error)))) from error
        heard.corrected = None
        return gr.Markdown(texts.UNDONE.format(count=_sounds(number)), visible=True), gr.Button(visible=False)

    with gr.Column(visible=False, elem_id="feedback") as row:
        question = gr.Markdown(texts.ASKED, elem_id="feedback-question")
        with gr.Row(elem_id="feedback-buttons"):
            right_button = gr.Button(texts.RIGHT, size="sm", min_width=100, elem_id="feedback-right")
            wrong_button = gr.Button(texts.WRONG, size="sm", min_width=100, elem_id="feedback-wrong")
        with gr.Column(visible=False, elem_id="feedback-correction") as correction:
            field = gr.Dropdown(
                [],
                label=texts.RIGHT_LABEL,
                info=texts.RIGHT_LABEL_INFO,
                allow_custom_value=True,
                elem_id="feedback-label",
            )
            keep_button = gr.Button(texts.KEEP, variant="primary", size="sm", elem_id="feedback-keep")
        said = gr.Markdown(visible=False, elem_id="feedback-said")
        undo_button = gr.Button(texts.UNDO, size="sm", visible=False, elem_id="feedback-undo")

    kept = [correction, said, undo_button]
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": 4}
    right_button.click(right, [questions], kept, **quiet)
    wrong_button.click(wrong, [questions], [correction, field], **quiet)
    keep_button.click(correct, [field, questions], kept, **quiet)
    undo_button.click(undo, [questions], [said, undo_button], **quiet)
    return FeedbackRow([row, question, *kept])


def fresh(context: AppContext, visitor: Visitor, heard: Heard | None) -> list[Any]:
    """The row for a new answer, an update for each of `FeedbackRow.outputs`."""
    asked = heard is not None and heard.answer.reason != "silent" and feedback_folder(context, visitor) is not None
    return [
        gr.Column(visible=asked),
        texts.ASKED if visitor.local else texts.ASKED_OTHERS,
        gr.Column(visible=False),
        gr.Markdown(visible=False),
        gr.Button(visible=False),
    ]


def _sounds(number: int) -> str:
    return texts.SOUNDS[number != 1].format(number=number)


def _shown(folder: Path) -> str:
    here = Path.cwd()
    absolute = folder.resolve()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)
