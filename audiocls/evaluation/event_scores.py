"""How well the events found in recordings are those that are there: by event, by second, by count.

Scores are made of sums over recordings, so that resampling recordings gives their intervals. Where nothing divides
nothing a score is None: of what does not occur nothing is known. Means over classes are over those that occur.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from audiocls.detection.event import Event
from audiocls.evaluation.event_matching import SHARE_OF_LENGTH, matches, segments
from audiocls.evaluation.intervals import TAILS, unit_draws
from audiocls.evaluation.metrics import BOOTSTRAP_SEED

COLLAR_SECONDS = 0.2  # as in the DCASE challenges
SEGMENT_SECONDS = 1.0
# With fewer recordings, those that were not recorded may differ from all of them in any way.
LEAST_RECORDINGS = 6


@dataclass(frozen=True)
class Findings:
    """One recording of so many seconds: the events in it, and those that were found."""

    recording: str
    seconds: float
    truth: Sequence[Event]
    found: Sequence[Event]


@dataclass(frozen=True)
class Tally:
    """Sums of each label, float64 (..., labels): what was right, what was found, what is there."""

    hits: np.ndarray
    found: np.ndarray
    true: np.ndarray

    def precision(self) -> np.ndarray:
        """Share of what was found that is right; NaN where nothing was found."""
        return _share(self.hits, self.found)

    def recall(self) -> np.ndarray:
        """Share of what is there that was found; NaN where nothing is there."""
        return _share(self.hits, self.true)

    def f1(self) -> np.ndarray:
        """Harmonic mean of both; NaN where nothing is there and nothing was found."""
        return _share(2 * self.hits, self.found + self.true)

    def together(self) -> "Tally":
        """All labels as one, (..., 1)."""
        return Tally(*(part.sum(-1, keepdims=True) for part in (self.hits, self.found, self.true)))

    def macro(self, scores: np.ndarray) -> np.ndarray:
        """Mean (...) over the labels that are there; one that was never found has a precision of 0."""
        there = self.true > 0
        return _share(np.where(there, np.nan_to_num(scores), 0).sum(-1), there.sum(-1))


def score_events(
    recordings: Sequence[Findings],
    labels: Sequence[str],
    collar_seconds: float = COLLAR_SECONDS,
    segment_seconds: float = SEGMENT_SECONDS,
) -> dict[str, Any]:
    """All scores of what was found in some recordings; plain values for JSON, None for what cannot be told.

    Args:
        recordings: at least one.
        labels: that count; events of others are left out.
        collar_seconds: by how much a found start may be off.
        segment_seconds: length of the segments of the segment-based scores.

    Returns:
        {"recordings", "hours", "labels",
        "events": {"collar_seconds", "overall", "macro", "per_class"} with found starts within the collar,
        "events_with_ends": the same where the ends must fit, too (see `event_matching.matches`),
        "segments": {"segment_seconds", "overall", "macro", "per_class"}, overall also with "error_rate" (substitutions,
        deletions and insertions for each true segment),
        "counts": {"per_recording": [{"recording", "seconds", "true", "found", "error", "relative_error", "per_class"}],
        "mean_absolute_error", "mean_relative_error", "total_relative_error"},
        "false_alarms_per_hour": {"overall", "per_class"}, "intervals": text on what they are}.
        Scores are {"precision", "recall", "f1", "true", "found", "hits", "f1_interval"}.
    """
    starts = tally_events(recordings, labels, collar_seconds)
    by_event = {"collar_seconds": collar_seconds, **_scores(starts, labels)}
    ends = tally_events(recordings, labels, collar_seconds, with_ends=True)
    by_segment, substituted = _tally_segments(recordings, labels, segment_seconds)
    overall = _scores(by_segment, labels)
    overall["overall"]["error_rate"] = _error_rate(by_segment, substituted)
    hours = sum(each.seconds for each in recordings) / 3600
    false = (starts.found - starts.hits).sum(0)
    return {
        "recordings": len(recordings),
        "hours": hours,
        "labels": list(labels),
        "events": by_event,
        "events_with_ends": {
            "collar_seconds": collar_seconds,
            "share_of_length": SHARE_OF_LENGTH,
            **_scores(ends, labels),
        },
        "segments": {"segment_seconds": segment_seconds, **overall},
        "counts": _counts(recordings, starts, labels),
        "false_alarms_per_hour": {
            "overall": _told(_share(false.sum(), hours)),
            "per_class": {label: _told(_share(number, hours)) for label, number in zip(labels, false, strict=True)},
        },
        "intervals": intervals_note(len(recordings)),
    }


def tally_events(
    recordings: Sequence[Findings], labels: Sequence[str], collar_seconds: float, with_ends: bool = False
) -> Tally:
    """Events rightly found, found and true: (recordings, labels) each."""
    counts = np.zeros((3, len(recordings), len(labels)))
    for row, heard in enumerate(recordings):
        for column, label in enumerate(labels):
            truth = [event for event in heard.truth if event.label == label]
            found = [event for event in heard.found if event.label == label]
            pairs = matches(truth, found, collar_seconds, with_ends)
            counts[:, row, column] = len(pairs), len(found), len(truth)
    return Tally(*counts)


def intervals_note(recordings: int) -> str:
    """What the intervals are, or why there are none."""
    if recordings < LEAST_RECORDINGS:
        many = "1 recording" if recordings == 1 else f"{recordings} recordings"
        return f"no intervals: they cannot be told from {many}, only from {LEAST_RECORDINGS} or more"
    return f"95% intervals by resampling the {recordings} recordings"


def _tally_segments(
    recordings: Sequence[Findings], labels: Sequence[str], segment_seconds: float
) -> tuple[Tally, np.ndarray]:
    """Segments rightly found, found and true, (recordings, labels) each, and the errors in each recording."""
    counts = np.zeros((3, len(recordings), len(labels)))
    errors = np.zeros(len(recordings))
    for row, heard in enumerate(recordings):
        wanted, given = (
            segments(events, labels, heard.seconds, segment_seconds) for events in (heard.truth, heard.found)
        )
        counts[:, row] = (wanted & given).sum(0), given.sum(0), wanted.sum(0)
        # In each segment, a label too much and one too few are one error: a substitution.
        errors[row] = (np.maximum(wanted.sum(1), given.sum(1)) - (wanted & given).sum(1)).sum()
    return Tally(*counts), errors


def _error_rate(tally: Tally, errors: np.ndarray) -> float | None:
    return _told(_share(errors.sum(), tally.true.sum()))


def _scores(tally: Tally, labels: Sequence[str]) -> dict[str, Any]:
    """Scores over all classes, their mean, and of each, from sums (recordings, labels)."""
    total = Tally(tally.hits.sum(0), tally.found.sum(0), tally.true.sum(0))
    micro, (overall, macro, by_class) = total.together(), _f1_intervals(tally)
    return {
        "overall": {**_of(micro, 0), "f1_interval": overall},
        "macro": {
            "precision": _told(total.macro(total.precision())),
            "recall": _told(total.macro(total.recall())),
            "f1": _told(total.macro(total.f1())),
            "f1_interval": macro,
        },
        "per_class": {
            label: {**_of(total, column), "f1_interval": by_class[column]} for column, label in enumerate(labels)
        },
    }


def _of(tally: Tally, column: int) -> dict[str, Any]:
    return {
        "precision": _told(tally.precision()[column]),
        "recall": _told(tally.recall()[column]),
        "f1": _told(tally.f1()[column]),
        "true": int(tally.true[column]),
        "found": int(tally.found[column]),
        "hits": int(tally.hits[column]),
    }


def _f1_intervals(tally: Tally) -> tuple[list[float] | None, list[float] | None, list[list[float] | None]]:
    """95% intervals of F1 over all, of the mean over classes, and of each class; None where they cannot be told."""
    recordings, labels = tally.true.shape
    if recordings < LEAST_RECORDINGS:
        return None, None, [None] * labels
    micro, macro, by_class = [], [], []
    for drawn in unit_draws(recordings, np.random.default_rng(BOOTSTRAP_SEED)):
        sums = Tally(*(drawn @ part for part in (tally.hits, tally.found, tally.true)))
        micro.append(sums.together().f1())
        macro.append(sums.macro(sums.f1())[:, None])
        by_class.append(sums.f1())
    classes = np.concatenate(by_class)
    held = (tally.true > 0).sum(0)  # a class of one recording is as far off as that recording is unlike others
    return (
        _interval(np.concatenate(micro)[:, 0]),
        _interval(np.concatenate(macro)[:, 0]),
        [_interval(classes[:, column]) if held[column] >= LEAST_RECORDINGS else None for column in range(labels)],
    )


def _interval(draws: np.ndarray) -> list[float] | None:
    told = draws[~np.isnan(draws)]
    return np.quantile(told, TAILS).tolist() if len(told) else None


def _counts(recordings: Sequence[Findings], tally: Tally, labels: Sequence[str]) -> dict[str, Any]:
    """How many events were found against how many there are."""
    rows = []
    for number, heard in enumerate(recordings):
        true, found = tally.true[number], tally.found[number]
        rows.append(
            {
                "recording": heard.recording,
                "seconds": heard.seconds,
                **_count(true.sum(), found.sum()),
                "per_class": {label: _count(true[column], found[column]) for column, label in enumerate(labels)},
            }
        )
    relative = [abs(row["relative_error"]) for row in rows if row["relative_error"] is not None]
    return {
        "per_recording": rows,
        "mean_absolute_error": float(np.mean([abs(row["error"]) for row in rows])),
        "mean_relative_error": float(np.mean(relative)) if relative else None,
        "total_relative_error": _count(tally.true.sum(), tally.found.sum())["relative_error"],
    }


def _count(true: float, found: float) -> dict[str, Any]:
    return {
        "true": int(true),
        "found": int(found),
        "error": int(found - true),
        "relative_error": _told(_share(found - true, true)),
    }


def _share(part: Any, whole: Any) -> np.ndarray:
    """The quotient in float64, NaN where the whole is 0."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.full(np.broadcast(part, whole).shape, np.nan), where=whole != 0)


def _told(value: Any) -> float | None:
    """A number for JSON, which has no NaN."""
    return None if np.isnan(value) else float(value)
