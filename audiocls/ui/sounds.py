"""What a visitor gives, read within limits, and what is said of it. It knows no page and no model."""

import html
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from audiocls.audio.decoding import decode, probe
from audiocls.errors import AudioReadError
from audiocls.inference.answers import Answer
from audiocls.ui import texts
from audiocls.ui.card import escaped
from audiocls.ui.limits import LARGEST_SOUND_BYTES, LONGEST_SOUND_SECONDS

# What the endpoint gives.
SCORES_SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"label": {"type": "string"}, "score": {"type": "number"}},
        "required": ["label", "score"],
    },
    "description": "labels and scores, best first",
}


def verdict(answer: Answer) -> str:
    """What is said above the scores of a sound that is none of the classes; empty for one that is."""
    if answer.label is not None:
        return ""
    if answer.reason == "silent":
        return texts.SILENT
    return texts.NONE_OF_THESE.format(closest=escaped(answer.closest), score=answer.closest_score)


def read_sound(path: str, sampling_rate: int) -> np.ndarray:
    """Decode what a visitor gave, within the app's limits: float32 (time,), mono, at `sampling_rate` Hz.

    Raises:
        gr.Error: it is too large, too long or unreadable; the message is for the visitor.
    """
    size = Path(path).stat().st_size
    if size > LARGEST_SOUND_BYTES:
        raise told(texts.TOO_LARGE.format(size=size / 1e6, limit=LARGEST_SOUND_BYTES / 1e6))
    try:
        seconds = probe(path).seconds
        if seconds is None or seconds <= LONGEST_SOUND_SECONDS:
            waveform = decode(path, sampling_rate)
            seconds = len(waveform) / sampling_rate
    except AudioReadError as error:
        raise told(texts.UNREADABLE.format(reason=html.escape(error.reason))) from error
    if seconds > LONGEST_SOUND_SECONDS:
        raise told(texts.TOO_LONG.format(minutes=seconds / 60, limit=LONGEST_SOUND_SECONDS / 60))
    return waveform


def told(message: str) -> gr.Error:
    """An error for the visitor, not for the log."""
    return gr.Error(message, print_exception=False)
