"""The view of a sound: waveform, log-mel spectrogram, parts marked over them, a playhead; a click plays.

One gradio component with a script of its own (`sound_view.js`), which fetches nothing. A sound of up to a minute stands
in the page and plays there; of a longer one the tab gives the parts that are asked for. It decides nothing.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from audiocls.audio.decoding import decode
from audiocls.corpus.overview import Overview
from audiocls.evaluation.page_media import sound_address, spectrogram_address
from audiocls.evaluation.spectrogram import log_mel_spectrogram
from audiocls.ui.limits import LONGEST_HEARD_SECONDS, MOST_MARKS
from audiocls.ui.scripted import scripted_view
from audiocls.ui.sounds import told
from audiocls.ui.texts import sound_view as texts

COLUMNS = 1024  # of the spectrogram; twice of the widest page's pixels gain nothing
STRETCHES = 700  # of the waveform
SHOWN_HZ = (60, 125, 250, 500, 1000, 2000, 4000, 8000, 16000, 32000)
CLOSEST = 0.1  # of the height: frequencies nearer to each other are not both written
HEARD_RATE = 32000  # of a file that is played as it is: what most can hear, in half the bytes

_NUMBERS = count(1)
_SCRIPT, _STYLE = Path(__file__).with_name("sound_view.js"), Path(__file__).with_name("sound_view.css")
_TEMPLATE = f"""<div class="sv"><p class="sv-empty">{texts.EMPTY}</p><div class="sv-shown" hidden>
<div class="sv-body"><div class="sv-hz" aria-hidden="true"></div><div class="sv-scroll"><div class="sv-plot">
<svg class="sv-wave" preserveAspectRatio="none" aria-hidden="true"><path fill="currentColor"></path></svg>
<img class="sv-picture" alt="{texts.WORDS["picture"]}">
<div class="sv-seek" role="slider" tabindex="0" aria-label="{texts.WORDS["position"]}" aria-valuemin="0"
 aria-valuemax="0" aria-valuenow="0"></div>
<div class="sv-marks" role="group" aria-label="{texts.WORDS["marks"]}"></div>
<div class="sv-head"></div><div class="sv-ticks" aria-hidden="true"></div>
</div></div></div>
<div class="sv-controls"><button type="button" class="sv-play">{texts.WORDS["play"]}</button>
<span class="sv-time"></span><button type="button" class="sv-wider">{texts.WORDS["wider"]}</button>
<button type="button" class="sv-closer">{texts.WORDS["closer"]}</button>
<span class="sv-said" role="status"></span></div></div></div>"""


@dataclass(frozen=True)
class Mark:
    """A part of a sound to show over its picture, in seconds and Hz; without frequencies over its whole height.

    score: 0 to 1, shown behind the label. strength: 0 to 1, how strongly it is filled.
    """

    start: float
    end: float
    label: str = ""
    score: float | None = None
    low_hz: float | None = None
    high_hz: float | None = None
    strength: float = 1.0


# hear(start, end, request, *inputs) -> (waveform float32 (time,), rate in Hz); raises gr.Error for the visitor.
Hear = Callable[..., tuple[np.ndarray, int]]


def sound_view(
    label: str, elem_id: str, *, hear: Hear | None = None, inputs: Sequence[Any] = (), visible: bool = True
) -> gr.HTML:
    """An empty view; its value is what `picture_of` and its like give, None empties it again.

    `.select` is fired when a mark is chosen; `event._data["index"]` tells which. `chosen(index)` as an update of it
    chooses and plays one from elsewhere on the page.

    Args:
        hear: gives a part of a sound that is too long to stand in the page; called with start and end in seconds, at
            most LONGEST_HEARD_SECONDS apart, the request, and the values of `inputs`. Anybody may call it with any
            numbers: whose sound it gives must follow from the request.
    """
    given = {"WORDS": texts.WORDS, "HEARS": hear is not None, "LONGEST": LONGEST_HEARD_SECONDS}
    view = scripted_view(
        _SCRIPT,
        _STYLE,
        _TEMPLATE,
        given,
        label,
        elem_id=elem_id,
        elem_classes=["sound-view"],
        visible=visible,
        part=None,
        shown=None,
    )
    if hear is not None:
        view.hear(
            _heard(hear),
            list(inputs),
            view,
            api_visibility="private",
            show_progress="hidden",
            concurrency_limit=2,
            concurrency_id="hear",
        )
    return view


def chosen(index: int) -> gr.HTML:
    """The update of a view that chooses and plays a mark, also the same once more."""
    return gr.HTML(shown={"index": index, "number": next(_NUMBERS)})


def picture_of(
    waveform: np.ndarray, sampling_rate: int, marks: Sequence[Mark] = (), *, sound: Path | None = None
) -> dict[str, Any]:
    """What a view shows of a sound in memory, mono float32 (time,), with the sound itself where it is short enough.

    Args:
        sound: the file it is from: that is played, not what the model was given.

    Raises:
        AudioReadError: `sound` cannot be read.
    """
    decibels, band_hz = log_mel_spectrogram(waveform, sampling_rate)
    seconds = len(waveform) / sampling_rate
    address = None
    if seconds <= LONGEST_HEARD_SECONDS:
        rate = HEARD_RATE if sound is not None else sampling_rate
        address = sound_address(waveform if sound is None else decode(sound, rate), rate)
    starts = np.linspace(0, len(waveform), min(STRETCHES, max(1, len(waveform))), endpoint=False).astype(int)
    highs, lows = np.maximum.reduceat(waveform, starts), np.minimum.reduceat(waveform, starts)
    return _value(seconds, decibels, band_hz, lows, highs, marks, address)


def picture_of_overview(overview: Overview, seconds: float, marks: Sequence[Mark] = ()) -> dict[str, Any]:
    """What a view shows of a recording of any length that an `Overview` has seen; its parts are heard by `hear`."""
    highs = overview.envelope()
    if len(highs) > STRETCHES:
        highs = np.maximum.reduceat(highs, np.linspace(0, len(highs), STRETCHES, endpoint=False).astype(int))
    return _value(seconds, overview.spectrogram(), overview.band_hz, -highs, highs, marks, None)


def with_marks(value: dict[str, Any], marks: Sequence[Mark]) -> dict[str, Any]:
    """The same picture with other marks."""
    return value | {"marks": _shown_marks(marks, np.array(value["bands"]), value["seconds"])}


def _value(
    seconds: float,
    decibels: np.ndarray,
    band_hz: np.ndarray,
    lows: np.ndarray,
    highs: np.ndarray,
    marks: Sequence[Mark],
    sound: str | None,
) -> dict[str, Any]:
    loudest = max(float(np.abs(lows).max(initial=0)), float(highs.max(initial=0)), 1e-4)
    return {
        "number": next(_NUMBERS),
        "seconds": seconds,
        "picture": spectrogram_address(decibels, COLUMNS),
        "lows": np.rint(95 * lows / loudest).astype(int).tolist(),
        "highs": np.rint(95 * highs / loudest).astype(int).tolist(),
        "hz": _frequencies(band_hz),
        "bands": [round(float(hz), 1) for hz in band_hz],
        "marks": _shown_marks(marks, band_hz, seconds),
        "sound": sound,
    }


def _frequencies(band_hz: np.ndarray) -> list[tuple[float, str]]:
    """Where on the height, 0 to 1, which frequencies are written."""
    written: list[tuple[float, str]] = []
    for hz in SHOWN_HZ:
        place = _place(hz, band_hz)
        if band_hz[0] <= hz <= band_hz[-1] and (not written or place - written[-1][0] >= CLOSEST):
            written.append((place, f"{hz / 1000:g} kHz" if hz >= 1000 else f"{hz} Hz"))
    return written


def _place(hz: float, band_hz: np.ndarray) -> float:
    return round(float(np.interp(hz, band_hz, np.arange(len(band_hz))) + 0.5) / len(band_hz), 4)


def _shown_marks(marks: Sequence[Mark], band_hz: np.ndarray, seconds: float) -> list[dict[str, Any]]:
    """Marks as the script takes them: within the sound, frequencies as places on the height."""
    return [
        {
            "start": round(min(max(mark.start, 0.0), seconds), 4),
            "end": round(min(max(mark.end, mark.start, 0.0), seconds), 4),
            "label": mark.label,
            "score": None if mark.score is None else round(float(mark.score), 4),
            "low": None if mark.low_hz is None else _place(mark.low_hz, band_hz),
            "high": None if mark.high_hz is None else _place(mark.high_hz, band_hz),
            "strength": round(float(mark.strength), 3),
        }
        for mark in marks[:MOST_MARKS]
    ]


def _heard(hear: Hear) -> Callable[..., gr.HTML]:
    """The event behind a view of a long sound: a part of it, or why there is none."""

    def heard(event: gr.EventData, request: gr.Request, *inputs: Any) -> gr.HTML:
        asked = event._data if isinstance(event._data, dict) else {}
        answer = {"number": asked.get("number"), "of": asked.get("of")}
        try:
            start, end = _part(asked)
            waveform, rate = hear(start, end, request, *inputs)
        except gr.Error as error:
            return gr.HTML(part=answer | {"problem": str(error.message)})
        stop = start + len(waveform) / rate
        return gr.HTML(part=answer | {"start": start, "end": stop, "sound": sound_address(waveform, rate)})

    return heard


def _part(asked: dict[str, Any]) -> tuple[float, float]:
    """Start and end in seconds that a page asks for, within limits."""
    start, end = asked.get("start"), asked.get("end")
    if not isinstance(start, int | float) or not isinstance(end, int | float):
        raise told(texts.NOT_A_PART)
    if not (math.isfinite(start) and math.isfinite(end) and 0 <= start < end):
        raise told(texts.NOT_A_PART)
    return float(start), min(float(end), float(start) + LONGEST_HEARD_SECONDS)
