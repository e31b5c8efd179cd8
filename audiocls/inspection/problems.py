"""What is wrong with single clips, by kind: the rules, each with its limit, over the measures of all clips."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from audiocls.inspection.records import Columns

SHORTEST_SECONDS = 0.01  # train leaves shorter clips out
SILENT_PEAK_DB = -90.0  # and silent ones
QUIET_LUFS = -50.0
CLIPPED_SAMPLES, CLIPPED_SHARE = 10, 5e-4
LARGEST_OFFSET = 0.01  # of full scale
SILENT_SHARE = 0.5
ENDS_SECONDS = 0.3
LOSSY_RATE = 24_000  # lossy codecs cut at 15 to 20 kHz by design: that is no sign of a higher rate than it was
CANCELLED_DB = 3.0  # beyond what independent channels lose when they are mixed
LONG_SECONDS, LONG_FACTOR = 600.0, 20.0
LOSSY = ("VORBIS", "OPUS", "LAYER", "aac", "mp3", "opus", "vorbis", "wma", "amr", "ac3")


@dataclass(frozen=True)
class Problem:
    """Clips with one fault: their numbers, and for each in a few words what was found."""

    clips: list[int]
    details: list[str]


def find_problems(columns: Columns) -> dict[str, Problem]:
    """All kinds of fault that occur, by name."""
    errors, notes = columns["error"], columns["note"]
    readable = np.array([error is None for error in errors], bool)
    seconds, peak, loudness = columns["seconds"], columns["peak"], columns["loudness"]
    rate, silence, offset = columns["sampling_rate"], columns["silence"], columns["offset"]
    frames = np.maximum(seconds * rate * np.maximum(columns["channels"], 1), 1)
    clipped, ends = columns["clipped"], columns["leading"] + columns["trailing"]
    original_rate, cancelled = columns["original_rate"], columns["cancelled"]
    lossy = np.array([any(name in text for name in LOSSY) for text in columns["format"]], bool)
    short = readable & (seconds < SHORTEST_SECONDS)
    silent = readable & ~short & (silence >= 1) & ((peak < SILENT_PEAK_DB) | (loudness <= SILENT_PEAK_DB))
    constant = readable & ~short & ~silent & (silence >= 1) & (offset > 0.5 * 10 ** (peak / 20))
    sounding = readable & ~short & ~silent & ~constant
    ends_matter = sounding & (silence < 1) & (ends >= SILENT_SHARE * seconds) & (ends >= ENDS_SECONDS)
    half_silent = sounding & (silence >= SILENT_SHARE) & (silence < 1) & (seconds >= 2 * ENDS_SECONDS) & ~ends_matter
    typical = float(np.median(seconds[sounding])) if sounding.any() else 0.0
    rules: dict[str, tuple[np.ndarray, Callable[[int], str]]] = {
        "unreadable": (~readable, lambda i: str(errors[i])),
        "cut off": (np.array([note is not None for note in notes], bool), lambda i: str(notes[i])),
        "too short": (short, lambda i: f"{1000 * seconds[i]:.2g} ms"),
        "silent": (silent, lambda i: f"nowhere above {peak[i]:.0f} dBFS"),
        "constant": (constant, lambda i: f"an offset of {offset[i]:.2f} without sound"),
        "very quiet": (sounding & (loudness < QUIET_LUFS), lambda i: f"{loudness[i]:.0f} LUFS"),
        "clipped": (
            sounding & (clipped >= CLIPPED_SAMPLES) & (clipped >= CLIPPED_SHARE * frames),
            lambda i: f"{clipped[i]} samples, {_percent(clipped[i] / frames[i])}",
        ),
        "offset": (sounding & (offset >= LARGEST_OFFSET), lambda i: f"{_percent(offset[i])} of full scale"),
        "silent ends": (
            ends_matter,
            lambda i: f"{ends[i]:.1f} of {seconds[i]:.1f} s before the first and after the last sound",
        ),
        "half silent": (half_silent, lambda i: f"{_percent(silence[i])} of {seconds[i]:.1f} s"),
        "upsampled": (
            sounding & (original_rate > 0) & ~(lossy & (original_rate > LOSSY_RATE)),
            lambda i: f"nothing above {original_rate[i] / 2000:g} kHz at a sampling rate of {rate[i] / 1000:g} kHz",
        ),
        "cancelling channels": (
            sounding & (cancelled >= CANCELLED_DB + 10 * np.log10(np.maximum(columns["channels"], 1))),
            lambda i: f"the mix is {cancelled[i]:.0f} dB quieter than the channels",
        ),
        "very long": (
            sounding & (seconds > LONG_SECONDS) & (seconds > LONG_FACTOR * typical),
            lambda i: f"{seconds[i] / 60:.0f} min, half of the clips are shorter than {typical:.1f} s",
        ),
    }
    found = {}
    for name, (clips, detail) in rules.items():
        numbers = np.flatnonzero(clips).tolist()
        if numbers:
            found[name] = Problem(numbers, [detail(i) for i in numbers])
    return found


UNUSABLE = ("unreadable", "too short", "silent", "constant")


def usable(columns: Columns, problems: dict[str, Problem]) -> np.ndarray:
    """Which clips train would use: bool (clips,)."""
    result = np.ones(len(columns), bool)
    for name in UNUSABLE:
        if name in problems:
            result[problems[name].clips] = False
    return result


def _percent(share: float) -> str:
    return f"{100 * share:.2g}%" if share < 0.1 else f"{100 * share:.0f}%"
