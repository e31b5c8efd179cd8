"""Where to cut a recording: at activity, at labels, and in the quiet between. Times in, times out; no files."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audiocls.cutting.segment_options import SegmentOptions
from audiocls.cutting.survey import Survey
from audiocls.data.listing import some
from audiocls.detection.activity import stretches
from audiocls.detection.event import Event

_QUIET_FRAMES = 10  # a pause at which a long stretch is split is at least about so long
_GUARD_SECONDS = 0.3  # kept between a sound and background
_SHORTEST_BACKGROUND_SECONDS = 1.0


@dataclass(frozen=True)
class Cut:
    """A clip to be: from `start_seconds` to `end_seconds` of the recording. `label` is None where none is known."""

    start_seconds: float
    end_seconds: float
    label: str | None = None


def cut_at_activity(found: Survey, options: SegmentOptions) -> list[Cut]:
    """The stretches in which something sounds, padded, long ones split where they are quietest; in order."""
    spans = stretches(
        found.active,
        found.frame_seconds,
        min_seconds=options.min_seconds,
        merge_gap_seconds=options.merge_gap_seconds,
    )
    return _split([Cut(start, min(end, found.seconds)) for start, end in spans], found, options)


def cut_at_labels(found: Survey, events: Sequence[Event], options: SegmentOptions) -> tuple[list[Cut], list[str]]:
    """What is labelled, padded, short events widened, long ones split where they are quietest; in order of their start.

    Returns:
        The cuts, and what is to be said about events beyond the end of the recording.
    """
    wholly = [event for event in events if event.start_seconds >= found.seconds]
    partly = [event for event in events if event.start_seconds < found.seconds < event.end_seconds - 0.001]
    notes = []
    for lost, what in ((wholly, "lie beyond the end and were left out"), (partly, "end beyond the end and were cut")):
        if lost:
            told = some([f"{event.label} {event.start_seconds:g}-{event.end_seconds:g} s" for event in lost])
            notes.append(f"{len(lost)} labelled events {what}, at {found.seconds:.2f} s: {told}")
    cuts = []
    for event in sorted(events, key=lambda event: (event.start_seconds, event.end_seconds, event.label)):
        start, end = event.start_seconds, min(event.end_seconds, found.seconds)
        if start >= found.seconds:
            continue
        if end - start < options.min_seconds:
            start = max(0.0, min((start + end - options.min_seconds) / 2, found.seconds - options.min_seconds))
            end = min(found.seconds, start + options.min_seconds)
        if end > start:
            cuts.append(Cut(start, end, event.label))
    return _split(cuts, found, options), notes


def cut_background(found: Survey, taken: Sequence[Cut], options: SegmentOptions) -> list[Cut]:
    """Up to `options.background` clips where nothing sounds and nothing is taken, spread evenly over the recording."""
    busy = found.active.copy()
    for cut in taken:
        first = int(cut.start_seconds / found.frame_seconds)
        busy[first : int(np.ceil(cut.end_seconds / found.frame_seconds))] = True
    shortest = max(_SHORTEST_BACKGROUND_SECONDS, options.min_seconds)
    pieces = []
    for start, end in stretches(~busy, found.frame_seconds):
        start += _GUARD_SECONDS if start > 0 else 0.0
        end = end - _GUARD_SECONDS if end < found.seconds - found.frame_seconds else found.seconds
        count = max(1, int(np.ceil((end - start) / options.max_seconds - 1e-9)))
        if (end - start) / count >= min(shortest, options.max_seconds):
            edges = np.linspace(start, end, count + 1)
            pieces += [Cut(float(a), float(b)) for a, b in itertools.pairwise(edges)]
    if len(pieces) <= options.background:
        return pieces
    return [pieces[i] for i in np.linspace(0, len(pieces) - 1, options.background + 2)[1:-1].round().astype(int)]


def _split(cuts: list[Cut], found: Survey, options: SegmentOptions) -> list[Cut]:
    """Padded and split; in the order of their start."""
    parts = []
    for cut, before, after in zip(cuts, *_rooms(cuts, found.seconds), strict=True):
        start = cut.start_seconds - min(options.padding_seconds, before)
        end = cut.end_seconds + min(options.padding_seconds, after)
        while end - start > options.max_seconds + 1e-6:
            lowest = start + max(options.min_seconds, 0.4 * options.max_seconds)
            point = _quietest(found, lowest, min(start + options.max_seconds, end - options.min_seconds))
            parts.append(Cut(start, point, cut.label))
            start = point
        parts.append(Cut(start, end, cut.label))
    return sorted(parts, key=lambda cut: cut.start_seconds)


def _rooms(cuts: Sequence[Cut], seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Seconds before and after each cut up to half way to the next one; 0 where another one overlaps its edge."""
    starts = np.array([cut.start_seconds for cut in cuts])
    ends = np.array([cut.end_seconds for cut in cuts])
    before, after = starts.copy(), seconds - ends
    order = np.argsort(starts, kind="stable")[1:]
    latest = np.maximum.accumulate(ends[np.argsort(starts, kind="stable")])[:-1]
    before[order] = np.maximum(0.0, starts[order] - latest) / 2
    order = np.argsort(-ends, kind="stable")[1:]
    earliest = np.minimum.accumulate(starts[np.argsort(-ends, kind="stable")])[:-1]
    after[order] = np.maximum(0.0, earliest - ends[order]) / 2
    return before, after


def _quietest(found: Survey, start_seconds: float, end_seconds: float) -> float:
    """The quietest moment in between, in seconds: where the mean level of a tenth of a second is lowest."""
    first = int(start_seconds / found.frame_seconds)
    power = 10 ** (found.level_db[first : int(end_seconds / found.frame_seconds) + 1].astype(np.float64) / 10)
    length = min(_QUIET_FRAMES, len(power))
    means = np.convolve(power, np.full(length, 1 / length), "valid")
    middle = first + int(means.argmin()) + length / 2
    return float(min(max(middle * found.frame_seconds, start_seconds), end_seconds))
