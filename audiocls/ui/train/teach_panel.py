"""The part of the page where sounds come from: recorded here into classes, a zip, or a folder of this machine."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from audiocls.errors import AudioclsError, AudioReadError
from audiocls.ui.context import AppContext
from audiocls.ui.limits import LARGEST_TRAINING_ZIP_BYTES, LONGEST_CLASS_NAME, MOST_TRAINING_FILES
from audiocls.ui.serving.visitors import Visitor
from audiocls.ui.sounds import told
from audiocls.ui.texts import UNREADABLE
from audiocls.ui.texts import train as texts
from audiocls.ui.train.material import (
    NAMED,
    RECORDED,
    ZIPPED,
    Material,
    named_material,
    taught_material,
    zip_material,
)
from audiocls.ui.train.taught import TaughtSounds, advice
from audiocls.ui.train.views import clips_html

Permitted = Callable[[gr.Request], Visitor]
# Clicks on the buttons of the list; what had the focus has it again when the list was drawn anew.
CLICKS = """
let place = -1;
element.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-action]");
    if (!button) return;
    place = [...element.querySelectorAll("button[data-action]")].indexOf(button);
    trigger("select", {action: button.dataset.action, key: button.dataset.key});
});
watch("value", () => {
    if (place < 0) return;
    const buttons = [...element.querySelectorAll("button[data-action]")];
    if (buttons.length) buttons[Math.min(place, buttons.length - 1)].focus();
    place = -1;
});
"""


@dataclass(frozen=True)
class TeachPanel:
    """source, zip, named: the inputs that `material` takes, in this order. changes: events after which it is stale."""

    source: gr.Radio
    zip: gr.File
    named: gr.Textbox
    clips: gr.HTML
    hint: gr.Markdown
    context: AppContext

    @property
    def inputs(self) -> list[Any]:
        return [self.source, self.zip, self.named]

    def material(self, source: str, path: str | None, name: str | None, visitor: Visitor) -> Material:
        """What the visitor gave.

        Raises:
            AudioclsError: nothing yet, or it cannot be used.
        """
        workspace = self.context.workspaces.folder(visitor)
        if source == RECORDED:
            return taught_material(taught_of(self.context, visitor), workspace)
        if source == ZIPPED:
            return zip_material(path, workspace)
        return named_material(name, visitor)

    def shown(self, visitor: Visitor) -> tuple[str, str]:
        """For `clips` and `hint`."""
        found = taught_of(self.context, visitor).by_class()
        return clips_html(found), advice(found)


def taught_of(context: AppContext, visitor: Visitor) -> TaughtSounds:
    """What a visitor taught so far."""
    return TaughtSounds(context.workspaces.folder(visitor) / "taught")


def teach_panel(context: AppContext, permitted: Permitted) -> TeachPanel:
    """Add the part to the Blocks that are being built."""
    sources = [(texts.SOURCE_RECORD, RECORDED), (texts.SOURCE_ZIP, ZIPPED)]
    if context.rights.local:
        sources.append((texts.SOURCE_NAMED, NAMED))
    source = gr.Radio(sources, value=RECORDED, label=texts.SOURCE, elem_id="train-source")
    with gr.Row(elem_id="train-recorded") as recorded:
        with gr.Column(scale=2, min_width=320):
            name = gr.Textbox(
                label=texts.CLASS_NAME,
                info=texts.CLASS_NAME_INFO,
                placeholder=texts.CLASS_NAME_PLACEHOLDER,
                max_length=LONGEST_CLASS_NAME,
                elem_id="train-class",
            )
            lesson = gr.Audio(
                sources=["microphone", "upload"],
                type="filepath",
                label=texts.LESSON,
                editable=False,
                buttons=[],
                elem_id="train-lesson",
            )
            add = gr.Button(texts.ADD, elem_id="train-add")
        with gr.Column(scale=3, min_width=320):
            gr.Markdown(f"**{texts.CLIPS_LABEL}**")
            clips = gr.HTML(clips_html({}), js_on_load=CLICKS, elem_id="train-clips")
            hint = gr.Markdown(advice({}), elem_id="train-advice")
            player = gr.Audio(
                label=texts.CLIP_PLAYER,
                interactive=False,
                autoplay=True,
                visible=False,
                buttons=[],
                elem_id="train-player",
            )
    with gr.Column(visible=False, elem_id="train-zipped") as zipped:
        upload = gr.File(file_types=[".zip"], type="filepath", label=texts.ZIP, elem_id="train-zip")
        gr.Markdown(texts.ZIP_INFO.format(megabytes=LARGEST_TRAINING_ZIP_BYTES / 1e6, files=MOST_TRAINING_FILES))
    named = gr.Textbox(
        label=texts.NAMED,
        info=texts.NAMED_INFO,
        placeholder="data/my_sounds",
        visible=False,
        elem_id="train-named",
        html_attributes=gr.InputHTMLAttributes(autocapitalize="none", autocorrect="off", spellcheck=False),
    )
    panel = TeachPanel(source, upload, named, clips, hint, context)

    def show_source(chosen: str) -> tuple[Any, ...]:
        return tuple(gr.update(visible=chosen == each) for each in (RECORDED, ZIPPED, NAMED))

    def learn(label: str, recording: str | None, request: gr.Request) -> tuple[Any, ...]:
        """Cut the recording into clips of the named class."""
        visitor = permitted(request)
        if not recording:
            raise told(texts.NO_RECORDING)
        try:
            taught_of(context, visitor).add(label, Path(recording))
        except AudioclsError as error:
            raise told(reason_of(error)) from error
        return None, *panel.shown(visitor)

    def learn_if_named(label: str, recording: str | None, request: gr.Request) -> tuple[Any, ...]:
        """A recording that just ended is added at once, if its sound has a name."""
        if not (label or "").strip():
            gr.Info(texts.NO_NAME)
            return gr.skip(), gr.skip(), gr.skip()
        return learn(label, recording, request)

    def choose(event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        """Hear a clip, or delete one or all of a class."""
        visitor = permitted(request)
        taught = taught_of(context, visitor)
        chosen = event._data or {}
        if chosen.get("action") == "play":
            clip = taught.find(chosen.get("key"))
            return gr.skip(), gr.skip(), gr.Audio(str(clip.path), visible=True) if clip else gr.skip()
        if chosen.get("action") == "delete":
            taught.delete(chosen.get("key"))
        return *panel.shown(visitor), gr.Audio(None, visible=False)

    quiet: dict[str, Any] = {"api_visibility": "private", "concurrency_limit": 2}
    source.change(show_source, source, [recorded, zipped, named], api_visibility="private", show_progress="hidden")
    given, results = [name, lesson], [lesson, clips, hint]
    add.click(learn, given, results, show_progress_on=[clips], **quiet)
    for event in (lesson.stop_recording, lesson.upload):
        event(learn_if_named, given, results, show_progress_on=[clips], **quiet)
    clips.select(choose, None, [clips, hint, player], show_progress="hidden", **quiet)
    return panel


def reason_of(error: AudioclsError) -> str:
    """An error for a visitor: of a sound, the cause alone and not where it lies."""
    return UNREADABLE.format(reason=error.reason) if isinstance(error, AudioReadError) else str(error)
