"""The tab that hears the microphone as it comes: the label now, the last minute, how often each label was heard."""

from typing import Any

import gradio as gr
from gradio.context import Context

from audiocls.errors import AudioclsError
from audiocls.inference.classifier import AudioClassifier
from audiocls.ui.context import AppContext, Navigation, Tab
from audiocls.ui.limits import (
    LISTENERS_AT_ONCE,
    LISTENING_STEP_SECONDS,
    LONGEST_LISTENING_SECONDS,
    LOST_AFTER_SECONDS,
)
from audiocls.ui.listening import Listeners, Listening, is_over, read_piece
from audiocls.ui.live_view import live_view
from audiocls.ui.texts import live as texts


def build(context: AppContext, navigation: Navigation, classifier: AudioClassifier) -> Tab:
    """Add the tab to the Blocks that are being built."""
    listeners = Listeners()
    gr.Markdown(texts.ABOUT.format(minutes=LONGEST_LISTENING_SECONDS / 60))
    microphone = gr.Audio(
        sources=["microphone"],
        streaming=True,
        type="filepath",
        label=texts.MICROPHONE,
        waveform_options=gr.WaveformOptions(show_recording_waveform=False),
        elem_id="live-microphone",
    )
    view = live_view(texts.VIEW, "live-view", "live-microphone")
    listening = gr.State(None, time_to_live=LONGEST_LISTENING_SECONDS + LOST_AFTER_SECONDS)

    def start(chosen: str, request: gr.Request) -> tuple[Listening | None, dict[str, Any]]:
        return begin(context, listeners, chosen, request)

    def hear_on(path: str | None, now: Listening | None, chosen: str, request: gr.Request) -> Any:
        return go_on(context, listeners, path, now, chosen, request)

    def stop(request: gr.Request) -> tuple[None, dict[str, Any]]:
        listeners.leave(request.session_hash)
        return None, {"ended": "stopped"}

    def leave(request: gr.Request) -> None:
        listeners.leave(request.session_hash)

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    microphone.start_recording(start, navigation.chosen, [listening, view], concurrency_limit=None, **quiet)
    microphone.stream(
        hear_on,
        [microphone, listening, navigation.chosen],
        view,
        stream_every=LISTENING_STEP_SECONDS,
        time_limit=round(LONGEST_LISTENING_SECONDS + LOST_AFTER_SECONDS),
        # an event goes on as long as its page listens, and one that was lost until the time is over
        concurrency_limit=3 * LISTENERS_AT_ONCE,
        concurrency_id="live",
        **quiet,
    )
    microphone.stop_recording(stop, None, [listening, view], concurrency_limit=None, **quiet)
    if Context.root_block is not None:
        Context.root_block.unload(leave)
    return Tab()


def begin(
    context: AppContext, listeners: Listeners, chosen: str, request: gr.Request
) -> tuple[Listening | None, dict[str, Any]]:
    """A page starts its microphone: what it will hear with, or why it cannot; and what the view shows."""
    session = request.session_hash
    if not session or not listeners.admit(session):
        return None, {"ended": "busy"}
    try:
        now = Listening(context.classifier(chosen, request), chosen)
    except gr.Error:
        listeners.leave(session)
        return None, {"ended": "model"}
    return now, now.told()


def go_on(
    context: AppContext,
    listeners: Listeners,
    path: str | None,
    now: Listening | None,
    chosen: str,
    request: gr.Request,
) -> Any:
    """The next piece of sound; what the view shows. Pieces without a start, or after a stop, are not heard."""
    if path is None:
        return gr.skip()
    try:
        waveform, rate = read_piece(path)
        if now is None:
            return gr.skip()
        if is_over(now):
            return {"ended": "ended"}
        if not listeners.admit(request.session_hash or ""):
            return {"ended": "busy"}
        if chosen != now.model:  # another model was opened meanwhile
            now.change(context.classifier(chosen, request), chosen)
        now.push(waveform, rate)
    except gr.Error:
        return {"ended": "model"}
    except AudioclsError:
        return {"ended": "unreadable"}
    return now.told()
