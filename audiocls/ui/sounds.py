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


class OverLimit(AudioReadError):
    """A sound that could be read but is too much for the app; `reason` is a sentence for the visitor."""


def read_within_limits(path: str | Path, sampling_rate: int) -> np.ndarray:
    """Decode a file within the app's limits: float32 (time,), mono, at `sampling_rate` Hz.

    Raises:
        OverLimit: it is too large or too long.
        AudioReadError: it cannot be read.
    """
    size = Path(path).stat().st_size if Path(path).is_file() else 0  # decoding says what is wrong with others
    if size > LARGEST_SOUND_BYTES:
        raise OverLimit(str(path), texts.TOO_LARGE.format(size=size / 1e6, limit=LARGEST_SOUND_BYTES / 1e6))
    seconds = probe(path).seconds
    if seconds is None or seconds <= LONGEST_SOUND_SECONDS:
        waveform = decode(path, sampling_rate)
        seconds = len(waveform) / sampling_rate
    if seconds > LONGEST_SOUND_SECONDS:
        raise OverLimit(str(path), texts.TOO_LONG.format(minutes=seconds / 60, limit=LONGEST_SOUND_SECONDS / 60))
    return waveform


def read_sound(path: str | Path, sampling_rate: int) -> np.ndarray:
    """What a visitor gave, as `read_within_limits` reads it.

    Raises:
        gr.Error: it is too large, too long or unreadable; the message is for the visitor.
    """
    try:
        return read_within_limits(path, sampling_rate)
    except OverLimit as error:
        raise told(error.reason) from error
    except AudioReadError as error:
        raise told(texts.UNREADABLE.format(reason=html.escape(error.reason))) from error


class Told(gr.Error):
    """An error for the visitor, not for the log; as text it is the message alone."""

    def __init__(self, message: str) -> None:
        super().__init__(message, print_exception=False)

    def __str__(self) -> str:
        return str(self.message)


def told(message: str) -> gr.Error:
    """An error for the visitor, not for the log."""
    return Told(message)
