"""Confidence intervals of scores: how far they may be off because the clips are a sample.

A percentile bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13). Clips of one group,
such as a speaker or a recording, stand and fall together, so whole groups are drawn when they are known.
"""

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from audiocls.evaluation.counts import Counts, indicators

Interval = tuple[float, float]

LEVEL = 0.95
TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
NORMAL_QUANTILE = 1.959964  # of the standard normal distribution at (1 + LEVEL) / 2
NUM_DRAWS = 1000
BLOCK_CELLS = 4_000_000  # draws are made in blocks of this many numbers, which keeps memory flat


def resampling_units(groups: Sequence[Hashable | None] | None, num_clips: int) -> np.ndarray:
    """Which unit each clip is drawn with: int64 `(n,)`, from 0 up without gaps.

    A clip without a group is a unit of its own. A single group for all clips could only be drawn whole and would say
    nothing, so then, too, every clip is a unit.

    Raises:
        ValueError: there is not one group for each clip.
    """
    if groups is None:
        return np.arange(num_clips)
    if len(groups) != num_clips:
        raise ValueError(f"{len(groups)} groups for {num_clips} clips")
    numbers: dict[Hashable, int] = {}
    units = [numbers.setdefault(("clip", i) if g is None else ("group", g), len(numbers)) for i, g in enumerate(groups)]
    return np.array(units, dtype=np.int64) if len(numbers) > 1 else np.arange(num_clips)


@dataclass(frozen=True)
class Intervals:
    """95% intervals of everything that is told of some clips.

    overall: of accuracy, balanced_accuracy, macro_precision, macro_recall and macro_f1, and with several labels a clip
        also of micro_precision, micro_recall and micro_f1.
    per_class: of precision, recall and f1 of each label, in the order of the labels; None of a label without a clip.
    """

    overall: dict[str, Interval]
    per_class: dict[str, list[Interval | None]]


def bootstrap_intervals(
    targets: np.ndarray,
    predictions: np.ndarray,
    num_labels: int,
    units: np.ndarray,
    generator: np.random.Generator,
    num_draws: int = NUM_DRAWS,
) -> Intervals:
    """95% intervals of all scores, from one set of draws.

    Where no draw differs from another (all is right, or nothing is, or a class lies in a single unit), Wilson's
    interval for as many units takes the place of what would look like certainty. Draws that lack a class, or in which
    it is never given, say nothing of its recall or its precision and are left out there.

    Args:
        targets, predictions: int `(n,)` class indices, or 0/1 `(n, labels)`.
        units: int64 `(n,)`, from `resampling_units`.
    """
    multi_label = np.ndim(targets) == 2
    wanted, given = indicators(targets, num_labels), indicators(predictions, num_labels)
    num_units = int(units.max()) + 1
    right = (wanted == given).all(-1, keepdims=True)
    columns = np.concatenate([wanted & given, given, wanted, right, np.ones_like(right)], axis=1)
    per_unit = np.zeros((num_units, columns.shape[1]), dtype=np.float32)
    np.add.at(per_unit, units, columns.astype(np.float32))

    overall: dict[str, list[np.ndarray]] = {}
    by_class: dict[str, list[np.ndarray]] = {}
    for drawn in unit_draws(num_units, generator, num_draws):
        counts = _counts((drawn @ per_unit).astype(np.float64), num_labels)
        for name, values in headline_scores(counts, multi_label).items():
            overall.setdefault(name, []).append(values)
        for name, values in _class_scores(counts).items():
            by_class.setdefault(name, []).append(values)
    return Intervals(
        {name: interval_of(np.concatenate(parts), num_units) for name, parts in overall.items()},
        _class_intervals({name: np.concatenate(parts) for name, parts in by_class.items()}, per_unit, num_labels),
    )


def unit_draws(num_units: int, generator: np.random.Generator, num_draws: int = NUM_DRAWS) -> Iterator[np.ndarray]:
    """How often each unit is drawn, float32 (draws, units), in blocks: as many units with replacement as there are."""
    block_draws = max(1, BLOCK_CELLS // num_units)
    for start in range(0, num_draws, block_draws):
        size = min(block_draws, num_draws - start)
        drawn = generator.multinomial(num_units, np.full(num_units, 1 / num_units), size=size)
        yield drawn.astype(np.float32)


def interval_of(draws: np.ndarray, num_units: int) -> Interval:
    """The 95% interval of a share drawn `(draws,)` times; Wilson's for so many units where no draw differs."""
    low, high = np.quantile(draws, TAILS).tolist()
    return (low, high) if low < high else wilson_interval(min(max(low, 0.0), 1.0), num_units)


def _counts(sums: np.ndarray, num_labels: int) -> Counts:
    """Sums (..., 3 labels + 2) of hits, predicted, support, right and clips."""
    return Counts(
        hits=sums[..., :num_labels],
        predicted=sums[..., num_labels : 2 * num_labels],
        support=sums[..., 2 * num_labels : 3 * num_labels],
        right=sums[..., -2],
        clips=sums[..., -1],
    )


def _class_scores(counts: Counts) -> dict[str, np.ndarray]:
    """Precision, recall and F1 (..., labels), NaN where they divide nothing by nothing."""
    either = counts.predicted + counts.support
    return {
        "precision": np.where(counts.predicted > 0, counts.precision(), np.nan),
        "recall": np.where(counts.support > 0, counts.recall(), np.nan),
        "f1": np.where(either > 0, counts.f1(), np.nan),
    }


def _class_intervals(
    draws: dict[str, np.ndarray], per_unit: np.ndarray, num_labels: int
) -> dict[str, list[Interval | None]]:
    """Intervals of each score of each class, from its draws (draws, labels)."""
    held = _counts((per_unit > 0).sum(0), num_labels)  # units that hold a class, and in which it is given
    trials = {"precision": held.predicted, "recall": held.support, "f1": held.support}
    found: dict[str, list[Interval | None]] = {}
    for name, values in draws.items():
        found[name] = []
        for label in range(num_labels):
            told = values[:, label][~np.isnan(values[:, label])]
            if not held.support[label]:
                found[name].append(None)
            elif not len(told):
                found[name].append((0.0, 1.0))  # never given: of its precision nothing is known
            else:
                found[name].append(interval_of(told, int(trials[name][label])))
    return found


def headline_scores(counts: Counts, multi_label: bool) -> dict[str, np.ndarray]:
    """The scores over all classes, each of shape `(...)`."""
    scores = {
        "accuracy": counts.accuracy(),
        "balanced_accuracy": counts.balanced_accuracy(multi_label),
        "macro_precision": counts.macro(counts.precision()),
        "macro_recall": counts.macro(counts.recall()),
        "macro_f1": counts.macro(counts.f1()),
    }
    if multi_label:
        micro = counts.micro()
        scores["micro_precision"] = micro.precision()[..., 0]
        scores["micro_recall"] = micro.recall()[..., 0]
        scores["micro_f1"] = micro.f1()[..., 0]
    return scores


def wilson_interval(share: float, size: int) -> Interval:
    """95% interval of a share seen in `size` trials (Wilson, JASA 22, 1927)."""
    z2 = NORMAL_QUANTILE**2
    centre = (share + z2 / (2 * size)) / (1 + z2 / size)
    half = NORMAL_QUANTILE / (1 + z2 / size) * math.sqrt(share * (1 - share) / size + z2 / (4 * size**2))
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return (low if share else 0.0), (high if share < 1 else 1.0)
