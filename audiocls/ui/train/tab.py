"""The tab that trains a model: sounds in, a look at them, a training that can be watched, a model that opens."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.context import get_blocks_context, get_render_context

from audiocls.errors import AudioclsError, UsageError
from audiocls.inference.classifier import AudioClassifier
from audiocls.model_folder import RUNS, default_output_dir, run_name
from audiocls.ui.classify.feedback import FEEDBACK
from audiocls.ui.context import AppContext, Navigation, Tab
from audiocls.ui.limits import MOST_BUDGET_MINUTES, MOST_BUDGET_MINUTES_OTHERS
from audiocls.ui.serving.visitors import Visitor
from audiocls.ui.sounds import told
from audiocls.ui.texts import train as texts
from audiocls.ui.train.choices import MOST_TEST_SHARE, Choices, can_add_corrections, kinds, kinds_note
from audiocls.ui.train.material import Material
from audiocls.ui.train.run_panel import run_panel
from audiocls.ui.train.teach_panel import reason_of, teach_panel
from audiocls.ui.train.trainings import Training, Trainings
from audiocls.ui.train.views import audit_html, problem_html

LOOK_SECONDS = 0.2


def build(context: AppContext, navigation: Navigation, classifier: AudioClassifier) -> Tab:
    """Add the tab to the Blocks that are being built."""
    if not (context.rights.local or context.rights.train):
        gr.Markdown(texts.NOT_ALLOWED, elem_id="train-not-allowed")
        return Tab()

    def permitted(request: gr.Request) -> Visitor:
        """Who asks, if they may train."""
        visitor = context.visitor(request)
        if visitor.session is None or not context.rights.may_train(visitor):
            raise told(texts.NOT_ALLOWED)
        return visitor

    def name_of(training: Training) -> str:
        return str(training.target) if training.visitor.local else training.name

    trainings = Trainings(
        lambda each: None if each.visitor.local else context.shelf.add(each.visitor, each.name, each.target)
    )
    context.at_end.append(trainings.close)
    tab = get_render_context()
    gr.Markdown(texts.ABOUT.format(machine=texts.THIS_MACHINE if context.rights.local else texts.APP_MACHINE))
    gr.Markdown(texts.STEP_SOUNDS)
    sounds = teach_panel(context, permitted)
    material = gr.State(None)
    gr.Markdown(texts.STEP_LOOK)
    look_button = gr.Button(texts.LOOK, variant="primary", elem_id="train-look")
    audit = gr.HTML(visible=False, elem_id="train-audit")
    gr.Markdown(texts.STEP_TRAIN)
    form = _form(context)
    train_button = gr.Button(texts.TRAIN, variant="primary", interactive=False, elem_id="train-button")
    run = run_panel(context, navigation, trainings, permitted, name_of)

    async def look(
        source: str, path: str | None, named: str | None, request: gr.Request
    ) -> AsyncIterator[tuple[Any, ...]]:
        visitor = permitted(request)
        yield None, gr.HTML(texts.LOOKING, visible=True), gr.Button(interactive=False), gr.skip()
        try:
            given = await asyncio.to_thread(sounds.material, source, path, named, visitor)
            report = await inspected(context, trainings, given, visitor)
        except AudioclsError as error:
            yield None, gr.HTML(problem_html(reason_of(error)), visible=True), gr.Button(interactive=False), gr.skip()
            return
        told_ = gr.HTML(audit_html(report, given.remark), visible=True)
        yield given, told_, gr.Button(interactive=True), free_name(context, visitor, given.name)

    def stale() -> tuple[Any, ...]:
        return None, gr.HTML(texts.LOOK_STALE), gr.Button(interactive=False)

    def train(
        given: Material | None,
        name: str,
        kind: str,
        minutes: float,
        percent: float,
        corrections: str | None,
        request: gr.Request,
    ) -> list[Any]:
        visitor = permitted(request)
        if given is None:
            raise told(texts.LOOK_FIRST)
        try:
            extra = corrections_folder(context, visitor, corrections)
            choices = Choices.checked(kind, minutes, percent, visitor, extra)
            target = target_of(context, visitor, name)
            trainings.add(visitor, target, given, choices, context.workspaces.folder(visitor))
        except AudioclsError as error:
            raise told(reason_of(error)) from error
        return run.updates(visitor, None)

    def arrive(request: gr.Request) -> list[Any]:
        """What goes on, found again by a page that is opened; and what was corrected by now."""
        visitor = context.visitor(request)
        if visitor.session is None or not context.rights.may_train(visitor):
            return [gr.skip()] * (1 + len(run.outputs))
        return [corrections_choice(context, visitor), *run.updates(visitor, None)]

    def corrected(request: gr.Request) -> Any:
        """What was corrected since the page came up."""
        return corrections_choice(context, context.visitor(request))

    def leave(request: gr.Request) -> None:
        trainings.forget(request.session_hash)

    look_button.click(
        look,
        sounds.inputs,
        [material, audit, train_button, form[0]],
        api_visibility="private",
        concurrency_limit=2,
        show_progress_on=[audit],
    )
    gr.on(
        [sounds.source.change, sounds.zip.change, sounds.named.change, sounds.clips.change],
        stale,
        None,
        [material, audit, train_button],
        api_visibility="private",
        show_progress="hidden",
    )
    train_button.click(train, [material, *form], run.outputs, api_visibility="private", show_progress_on=[train_button])
    if isinstance(tab, gr.Tab):
        tab.select(corrected, None, form[-1], api_visibility="private", show_progress="hidden")
    page = get_blocks_context()
    if page is not None and isinstance(page.root_block, gr.Blocks):
        page.root_block.load(arrive, None, [form[-1], *run.outputs], api_visibility="private", show_progress="hidden")
        page.root_block.unload(leave)
    return Tab()


def _form(context: AppContext) -> list[Any]:
    """Name, kind, minutes, share kept aside, corrections: the inputs of a training after its sounds."""
    local = context.rights.local
    offered = kinds()
    kind = gr.Radio(offered, value=offered[0][1], label=texts.KIND, info=kinds_note(), elem_id="train-kind")
    with gr.Row(elem_id="train-fields"):
        name = gr.Textbox(
            label=texts.NAME,
            info=texts.NAME_INFO if local else texts.NAME_INFO_OTHERS,
            max_length=80,
            elem_id="train-name",
            html_attributes=gr.InputHTMLAttributes(autocapitalize="none", autocorrect="off", spellcheck=False),
        )
        minutes = gr.Slider(
            0.5,
            MOST_BUDGET_MINUTES if local else MOST_BUDGET_MINUTES_OTHERS,
            value=1,
            step=0.5,
            label=texts.BUDGET,
            info=texts.BUDGET_INFO,
            visible=offered[0][1] == "auto",
            elem_id="train-budget",
        )
    corrections = gr.Dropdown(
        [(texts.CORRECTIONS_NONE, "")],
        value="",
        label=texts.CORRECTIONS,
        info=texts.CORRECTIONS_INFO,
        visible=False,
        elem_id="train-corrections",
    )
    with gr.Accordion(texts.MORE, open=False, elem_id="train-more"):
        share = gr.Slider(
            0,
            100 * MOST_TEST_SHARE,
            value=20,
            step=5,
            label=texts.TEST_SHARE,
            info=texts.TEST_SHARE_INFO,
            elem_id="train-share",
        )
    kind.change(
        lambda chosen: gr.Slider(visible=chosen == "auto"),
        kind,
        minutes,
        api_visibility="private",
        show_progress="hidden",
    )
    return [name, kind, minutes, share, corrections]


async def inspected(context: AppContext, trainings: Trainings, given: Material, visitor: Visitor) -> dict[str, Any]:
    """What `inspect` says of the sounds, from a process of its own.

    Raises:
        UsageError: why it cannot be told.
    """
    workspace = context.workspaces.folder(visitor)
    place = workspace / "audit"
    arguments = ["inspect", given.data, "--output_dir", str(place)]
    errand = trainings.look(visitor, arguments, given.environment(workspace))
    while not errand.ended:
        await asyncio.sleep(LOOK_SECONDS)
    errand.wait(1)
    if (problem := errand.problem) is not None:
        where = given.data if given.held else ""
        raise UsageError((problem.replace(where, texts.YOUR_SOUNDS) if where else problem) or texts.FAILED_UNKNOWN)
    try:
        return dict(json.loads((place / "report.json").read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise UsageError(texts.FAILED_UNKNOWN) from error


def free_name(context: AppContext, visitor: Visitor, stem: str) -> str:
    """A name for the model that is not taken."""
    return default_output_dir(stem, _models_of(context, visitor)).name


def target_of(context: AppContext, visitor: Visitor, name: str) -> Path:
    """The model folder of that name, which is not there yet.

    Raises:
        UsageError: no usable name, or it is taken.
    """
    name = (name or "").strip()
    if not name or run_name(name) != name or name.endswith((".partial", ".replaced")):
        raise UsageError(texts.BAD_NAME)
    target = _models_of(context, visitor) / name
    if target.exists():
        raise UsageError((texts.NAME_TAKEN if visitor.local else texts.NAME_TAKEN_OTHERS).format(name=name))
    if target.with_name(name + ".partial").exists():
        raise UsageError(texts.NAME_INTERRUPTED.format(name=name))
    return target


def _models_of(context: AppContext, visitor: Visitor) -> Path:
    return RUNS if visitor.local else context.workspaces.folder(visitor) / "models"


def corrections_of(context: AppContext) -> list[str]:
    """The models whose answers were corrected."""
    root = context.feedback or FEEDBACK
    return sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []


def corrections_choice(context: AppContext, visitor: Visitor) -> Any:
    """The corrections that this visitor may add to a training; nothing to choose where there are none."""
    names = corrections_of(context) if visitor.local and can_add_corrections() else []
    return gr.Dropdown([(texts.CORRECTIONS_NONE, ""), *((each, each) for each in names)], visible=bool(names))


def corrections_folder(context: AppContext, visitor: Visitor, name: str | None) -> Path | None:
    """The corrections of that name; they are this machine's.

    Raises:
        UsageError: there are none of that name for this visitor.
    """
    if not name:
        return None
    if not visitor.local or not can_add_corrections() or name not in corrections_of(context):
        raise UsageError(texts.NO_SUCH_FOLDER)
    return (context.feedback or FEEDBACK) / name
