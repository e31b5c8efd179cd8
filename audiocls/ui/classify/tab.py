"""The tab that classifies one sound: the answer first, then its picture, then the parts that decided."""

import shutil
from pathlib import Path
from typing import Any

import gradio as gr

from audiocls.attribution.explain import explain
from audiocls.errors import AudioclsError
from audiocls.inference.classifier import AudioClassifier
from audiocls.ui import texts
from audiocls.ui.classify.examples import example_sounds
from audiocls.ui.classify.heard import Heard, Questions, marks_of, told_of
from audiocls.ui.context import AppContext, Navigation, Tab
from audiocls.ui.hearing import hear
from audiocls.ui.limits import EXPLANATIONS_AT_ONCE, SHOWN_LABELS
from audiocls.ui.parts import answer_bars, sound_input
from audiocls.ui.serving.visitors import Visitor
from audiocls.ui.sound_view import picture_of, sound_view, with_marks
from audiocls.ui.sounds import read_sound, told, verdict
from audiocls.ui.texts import classify as tab_texts


def build(context: AppContext, navigation: Navigation, classifier: AudioClassifier) -> Tab:
    """Add the tab to the Blocks that are being built."""
    questions = gr.State(Questions())
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            audio, button = sound_input()
            names = list(example_sounds(classifier))
            examples = gr.Dataset(
                components=["textbox"],
                samples=[[name] for name in names],
                type="index",
                label=texts.EXAMPLES,
                visible=bool(names),
                elem_id="examples",
            )
        with gr.Column(scale=3, min_width=320):
            hint, bars = answer_bars(classifier)
            feedback, fresh = _feedback(context, questions)
    view = sound_view(tab_texts.VIEW, "sound-view")
    line = gr.Markdown(elem_id="explanation")

    def answer(path: str | None, chosen: str, asked: Questions, request: gr.Request) -> list[Any]:
        """Label bars and hint for a sound, or nothing where it was taken away; nothing changes if it is late."""
        number = asked.ask()
        visitor = context.visitor(request)
        if path is None:
            asked.heard = None
            return [None, gr.Markdown(visible=False), *fresh(context, visitor, None), None, ""]
        model = context.classifier(chosen, request)
        answered = hear(model, read_sound(path, model.sampling_rate))
        if not asked.is_last(number):
            return [gr.skip() for _ in shown]
        before = asked.heard
        asked.heard = Heard(Path(path), chosen, number, answered)
        same = before is not None and before.path == asked.heard.path
        scores = dict(zip(model.labels, answered.scores.tolist(), strict=True))
        return [
            gr.Label(
                scores,
                show_heading=answered.label is not None,
                label=texts.ANSWER_LABEL_MULTI if model.multi_label else texts.ANSWER_LABEL,
                num_top_classes=min(SHOWN_LABELS, len(model.labels)),
            ),
            gr.Markdown(verdict(answered), visible=answered.label is None),
            *fresh(context, visitor, asked.heard),
            gr.skip() if same else None,
            tab_texts.EXPLAINING if answered.reason != "silent" else "",
        ]

    def answer_on_request(path: str | None, chosen: str, asked: Questions, request: gr.Request) -> list[Any]:
        if path is None:
            gr.Info(texts.NOTHING_YET)
        return answer(path, chosen, asked, request)

    def example(number: int, chosen: str, request: gr.Request) -> str:
        return _example(context, chosen, number, request)

    shown = [bars, hint, *feedback, view, line]
    given = [audio, navigation.chosen, questions]
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    first = gr.on(
        [audio.change, navigation.chosen.change], answer, given, shown, api_visibility="private",
        show_progress_on=[bars], trigger_mode="multiple",
    )  # fmt: skip
    again = button.click(answer_on_request, given, shown, api_visibility="private", show_progress_on=[bars])
    for event in (first, again):  # "multiple": gradio would drop what a later sound needs while an earlier is at work
        event.then(_pictured(context), [questions], [view], trigger_mode="multiple", **quiet).then(
            _explained(context), [questions], [view, line], concurrency_limit=EXPLANATIONS_AT_ONCE,
            concurrency_id="explain", trigger_mode="multiple", **quiet,
        )  # fmt: skip
    examples.click(example, [examples, navigation.chosen], [audio], trigger_mode="always_last", **quiet)

    def show(model: AudioClassifier, visitor: Visitor) -> list[Any]:
        names = list(example_sounds(model))
        return [gr.Dataset(samples=[[name] for name in names], visible=bool(names))]

    return Tab([examples], show)


def _feedback(context: AppContext, questions: gr.State) -> tuple[list[Any], Any]:
    """The buttons that say whether an answer is right, where anybody may: their parts, and what fills them."""
    if context.feedback is None and not context.rights.local:
        return [], lambda *_: []
    from audiocls.ui.classify.feedback import (  # what reaches beyond this machine's app, such as a Space's
        feedback_row,
        fresh,
    )

    return feedback_row(context, questions).outputs, fresh


def _pictured(context: AppContext) -> Any:
    def pictured(asked: Questions, request: gr.Request) -> Any:
        """The picture of the sound that was answered last."""
        heard = asked.heard
        if heard is None or heard.picture is not None:
            return gr.skip()
        rate = context.classifier(heard.model, request).sampling_rate
        heard.picture = picture_of(read_sound(str(heard.path), rate), rate, sound=heard.path)
        return heard.picture if asked.is_last(heard.number) else gr.skip()

    return pictured


def _explained(context: AppContext) -> Any:
    def explained(asked: Questions, request: gr.Request) -> tuple[Any, Any]:
        """The marks over it and the line below; none of them once another sound was asked about."""
        heard = asked.heard
        if heard is None or heard.explained or heard.answer.reason == "silent" or not asked.is_last(heard.number):
            return gr.skip(), gr.skip()
        if heard.picture is None:  # asked in the row of events of an earlier sound; its own comes when it is drawn
            return gr.skip(), gr.skip()
        heard.explained = True
        model = context.classifier(heard.model, request)
        try:
            waveform = read_sound(str(heard.path), model.sampling_rate)
            found = explain(model, waveform, heard.answer.label or heard.answer.closest)
        except (AudioclsError, RuntimeError, ValueError):
            return gr.skip(), tab_texts.NOT_EXPLAINED
        if not asked.is_last(heard.number) or heard.picture is None:
            return gr.skip(), gr.skip()
        return with_marks(heard.picture, marks_of(found)), told_of(found)

    return explained


def _example(context: AppContext, chosen: str, number: Any, request: gr.Request) -> str:
    """An example of the open model as a file of the visitor's own, which can be played and corrected."""
    model = context.classifier(chosen, request)
    found = list(example_sounds(model).values())
    if not isinstance(number, int) or not 0 <= number < len(found):
        raise told(tab_texts.EXAMPLE_GONE)
    visitor = context.visitor(request)
    if visitor.session is None:
        raise told(tab_texts.EXAMPLE_GONE)
    copy = context.workspaces.folder(visitor) / found[number].name
    shutil.copyfile(found[number], copy)
    return str(copy)
