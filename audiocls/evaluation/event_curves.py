"""What other thresholds would have found: curves of precision and recall, and the thresholds with the best F1."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_curve

from audiocls.evaluation.event_matching import segments
from audiocls.evaluation.event_scores import Findings, Tally

# Scores crowd at both ends, so the steps are finer there.
GRID = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.94,
        0.97, 0.985, 0.995)  # fmt: skip
# A class's own events weigh as much as those of all classes once there are so many. Chosen on recordings made of clips
# that models had not learnt: with fewer, thresholds of single classes do worse on other clips than a common one.
PRIOR_EVENTS = 100.0
MOST_POINTS = 200  # of a curve


def segment_curves(
    recordings: Sequence[Findings], scores: Sequence[np.ndarray], labels: Sequence[str], segment_seconds: float
) -> dict[str, Any]:
    """Precision against recall over segments, whatever the threshold.

    Args:
        scores: of each recording, (segments, labels), as `segment_scores.segment_scores` gives them.

    Returns:
        {"average_precision": {"macro", "per_class"}, "curves": {label: {"threshold", "precision", "recall"}}}; None,
        and no curve, for labels that do not occur.
    """
    wanted = np.concatenate([segments(each.truth, labels, each.seconds, segment_seconds) for each in recordings])
    given = np.concatenate(scores)
    areas: dict[str, float | None] = {}
    curves: dict[str, dict[str, list[float]]] = {}
    for column, label in enumerate(labels):
        if not wanted[:, column].any():
            areas[label] = None
            continue
        areas[label] = float(average_precision_score(wanted[:, column], given[:, column]))
        precision, recall, thresholds = precision_recall_curve(wanted[:, column], given[:, column])
        kept = np.unique(np.linspace(0, len(thresholds) - 1, MOST_POINTS).round().astype(int))
        curves[label] = {
            "threshold": thresholds[kept].tolist(),
            "precision": precision[kept].tolist(),
            "recall": recall[kept].tolist(),
        }
    told = [area for area in areas.values() if area is not None]
    return {
        "average_precision": {"macro": float(np.mean(told)) if told else None, "per_class": areas},
        "curves": curves,
    }


def event_curve(tallies: Sequence[Tally], grid: Sequence[float], labels: Sequence[str]) -> dict[str, Any]:
    """Scores of events at each threshold of a grid.

    Args:
        tallies: sums (recordings, labels) at each threshold, as `event_scores.tally_events` gives them.

    Returns:
        {"threshold": [...], "overall": {"precision", "recall", "f1"}, "per_class": {label: the same}}, lists over the
        thresholds.
    """
    sums = [Tally(each.hits.sum(0), each.found.sum(0), each.true.sum(0)) for each in tallies]
    return {
        "threshold": list(grid),
        "overall": _lists([each.together() for each in sums], 0),
        "per_class": {label: _lists(sums, column) for column, label in enumerate(labels)},
    }


def best_thresholds(tallies: Sequence[Tally], grid: Sequence[float], prior_events: float = PRIOR_EVENTS) -> np.ndarray:
    """The threshold of each label with the best F1 of its events, float64 (labels,).

    Few events say little of where a class's own threshold lies, so to its own events are added `prior_events` that go
    as those of all classes do. F1 is smoothed over neighbouring thresholds, so that a lucky one is not chosen.

    Args:
        tallies: sums (recordings, labels) at each threshold of the grid, in rising order.
    """
    hits, found, true = (
        np.stack([part.sum(0) for part in parts])
        for parts in zip(*((each.hits, each.found, each.true) for each in tallies), strict=True)
    )
    share = prior_events / max(float(true[0].sum()), 1.0)
    hits, found, true = (part + share * part.sum(1, keepdims=True) for part in (hits, found, true))
    f1 = 2 * hits / np.maximum(found + true, 1e-9)
    padded = np.pad(f1, ((1, 1), (0, 0)), mode="edge")
    smooth = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    best = smooth >= smooth.max(0) - 1e-9
    # Of equally good ones the middle.
    return np.array([np.median(np.asarray(grid)[column]) for column in best.T])


def _lists(tallies: Sequence[Tally], column: int) -> dict[str, list[float | None]]:
    told: dict[str, list[float | None]] = {}
    for name in ("precision", "recall", "f1"):
        values = [float(getattr(each, name)()[column]) for each in tallies]
        told[name] = [None if np.isnan(value) else value for value in values]
    return told
