"""The page: a model to choose, and tabs for what can be done with it. It wires tabs together and knows none of them."""

import html
import json
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import gradio as gr

from audiocls.inference.classifier import AudioClassifier
from audiocls.ui import texts
from audiocls.ui.api.endpoints import build_endpoints
from audiocls.ui.card import escaped, score_line
from audiocls.ui.context import AppContext, Navigation, Tab
from audiocls.ui.limits import CACHE_SECONDS
from audiocls.ui.serving.visitors import Visitor

# What stands in the address of the page, so that a link opens a model and a tab: ?model=runs/my_sounds&tab=live
MODEL_ADDRESS = """(name) => {
    const address = new URL(window.location);
    const first = %s;
    if (name && name !== first) address.searchParams.set("model", name); else address.searchParams.delete("model");
    history.replaceState(null, "", address);
}"""
# The first tab is selected as the page comes up, before what its address asks for was opened.
TAB_ADDRESS = """() => {
    if (!window.audioclsArrived) return;
    const address = new URL(window.location);
    address.searchParams.set("tab", "%s");
    history.replaceState(null, "", address);
}"""
ARRIVED = "() => { setTimeout(() => { window.audioclsArrived = true; }, 300); }"


def build_app(context: AppContext, tabs: Sequence[str] = tuple(texts.TABS), note: str = "") -> gr.Blocks:
    """The app's page; launch it with `audiocls.ui.app.launch`.

    Args:
        tabs: which, by the names of `texts.TABS`.
        note: Markdown to stand above them.
    """
    first = context.shelf.first

    def introduction(classifier: AudioClassifier) -> str:
        told = texts.INTRODUCTION.format(name=escaped(classifier.name), number=len(classifier.labels))
        return f"{told} {score_line(classifier.metrics)}"

    def shown(classifier: AudioClassifier, visitor: Visitor) -> list[Any]:
        return [introduction(classifier), *(update for tab in built for update in tab.show(classifier, visitor))]

    def open_model(name: str | None, chosen: str, request: gr.Request) -> tuple[Any, ...]:
        """Another model in all tabs; the one before stays where it cannot be opened."""
        name = (name or "").strip() or context.shelf.first_name
        kept = [gr.skip()] * (1 + len(outputs))
        if name == chosen:
            return gr.skip(), *kept
        try:
            classifier = context.classifier(name, request)
        except gr.Error as error:
            gr.Warning(texts.NOT_OPENED.format(reason=error.message, kept=html.escape(chosen)))
            return gr.Dropdown(value=chosen), *kept
        return gr.skip(), name, *shown(classifier, context.visitor(request))

    def arrive(request: gr.Request) -> tuple[Any, ...]:
        """What the address of the page asks for: a model, a tab."""
        visitor = context.visitor(request)
        asked = dict(request.query_params)
        wanted = asked.get("model")
        if wanted and wanted != context.shelf.first_name:
            choice = gr.Dropdown(context.shelf.choices(visitor), value=wanted)
        else:
            choice = gr.Dropdown(context.shelf.choices(visitor))
        tab = gr.Tabs(selected=asked["tab"]) if asked.get("tab") in tabs else gr.skip()
        return choice, tab

    def leave(request: gr.Request) -> None:
        context.forget(request.session_hash)

    title = f"{texts.TITLE}: {first.name}"
    with gr.Blocks(title=title, analytics_enabled=False, delete_cache=(CACHE_SECONDS, CACHE_SECONDS)) as blocks:
        build_endpoints(context, blocks)  # first, for the names are theirs
        with gr.Row(elem_id="header"):
            with gr.Column(scale=3, min_width=300):
                gr.Markdown(f"# {texts.TITLE}", elem_id="title")
                about = gr.Markdown(introduction(first), elem_id="introduction")
            with gr.Column(scale=2, min_width=300):
                picker = gr.Dropdown(
                    context.shelf.choices(),
                    value=context.shelf.first_name,
                    label=texts.MODEL_PICKER,
                    info=texts.MODEL_PICKER_INFO if context.rights.local else texts.MODEL_PICKER_INFO_OTHERS,
                    allow_custom_value=True,
                    elem_id="model-picker",
                )
        if note:
            gr.Markdown(note, elem_id="note")
        chosen = gr.State(context.shelf.first_name)
        built: list[Tab] = []
        with gr.Tabs(elem_id="tabs") as bar:
            navigation = Navigation(picker, chosen, bar)
            for name in tabs:
                with gr.Tab(texts.TABS[name], id=name, elem_id=f"tab-{name}") as tab:
                    built.append(import_module(f"audiocls.ui.{name}.tab").build(context, navigation, first))
                tab.select(None, js=TAB_ADDRESS % name, api_visibility="private")
        outputs = [about, *(output for each in built for output in each.outputs)]

        opened = picker.change(
            open_model,
            [picker, chosen],
            [picker, chosen, *outputs],
            api_visibility="private",
            show_progress="hidden",
            concurrency_limit=None,
        )
        opened.then(None, picker, js=MODEL_ADDRESS % json.dumps(context.shelf.first_name), api_visibility="private")
        arrival = blocks.load(arrive, None, [picker, bar], api_visibility="private", show_progress="hidden")
        arrival.then(None, js=ARRIVED, api_visibility="private")
        blocks.unload(leave)
    return blocks
