"""The tab that hears the microphone as it comes: the label now, the last minute, how often each label was heard."""

from typing import Any

import gradio as gr
from gradio.context import Context

from audiocls.errors import AudioclsError
from audiocls.inference.classifier import AudioClassifier
from audiocls.ui.context import AppContext, Navigation, Tab
from audiocls.ui.limits import (
    LISTENERS_AT_ONCE,
    LONGEST_LISTENING_SECONDS,
    LOST_AFTER_SECONDS,
)
from audiocls.ui.live.listening import Listeners, Listening, ended, is_over, read_piece
from audiocls.ui.live.view import live_view
from audiocls.ui.texts import live as texts


def build(context: AppContext, navigation: Navigation, classifier: AudioClassifier) -> Tab:
    """Add the tab to the Blocks that are being built."""
    listeners = Listeners()
    gr.Markdown(texts.ABOUT.format(minutes=LONGEST_LISTENING_SECONDS / 60))
    view = live_view(texts.VIEW, "live-view")
    listening = gr.State(None, time_to_live=LONGEST_LISTENING_SECONDS + LOST_AFTER_SECONDS)

    def start(chosen: str, request: gr.Request) -> tuple[Listening | None, dict[str, Any]]:
        return begin(context, listeners, chosen, request)

    def hear_on(event: gr.EventData, now: Listening | None, chosen: str, request: gr.Request) -> Any:
        return go_on(context, listeners, event._data, now, chosen, request)

    def stop(request: gr.Request) -> None:
        listeners.leave(request.session_hash)

    def leave(request: gr.Request) -> None:
        listeners.leave(request.session_hash)

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "trigger_mode": "multiple"}
    view.begin(start, navigation.chosen, [listening, view], concurrency_limit=None, **quiet)
    view.piece(
        hear_on,
        [listening, navigation.chosen],
        view,
        concurrency_limit=LISTENERS_AT_ONCE,
        concurrency_id="live",
        **quiet,
    )
    view.finish(stop, None, listening, concurrency_limit=None, **quiet)
    if Context.root_block is not None:
        Context.root_block.unload(leave)
    return Tab()


def begin(
    context: AppContext, listeners: Listeners, chosen: str, request: gr.Request
) -> tuple[Listening | None, dict[str, Any]]:
    """A page starts its microphone: what it will hear with, or why it cannot; and what the view shows."""
    session = request.session_hash
    if not session or not listeners.admit(session):
        return None, ended("busy")
    try:
        now = Listening(context.classifier(chosen, request), chosen)
    except gr.Error:
        listeners.leave(session)
        return None, ended("model")
    return now, now.told()


def go_on(
    context: AppContext,
    listeners: Listeners,
    piece: Any,
    now: Listening | None,
    chosen: str,
    request: gr.Request,
) -> Any:
    """The next piece of sound; what the view shows. Pieces without a start, or after a stop, are not heard."""
    if now is None or not isinstance(piece, dict):
        return ended("expired")
    try:
        waveform, rate = read_piece(piece.get("sound"), piece.get("rate"))
        if is_over(now):
            return ended("ended")
        if not listeners.admit(request.session_hash or ""):
            return ended("busy")
        if chosen != now.model:  # another model was opened meanwhile
            now.change(context.classifier(chosen, request), chosen)
        now.push(waveform, rate)
    except gr.Error:
        return ended("model")
    except AudioclsError:
        return ended("unreadable")
    return now.told()
