"""Confidence intervals of scores: how far they may be off because the clips are a sample.

A percentile bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13). Clips of one group,
such as a speaker or a recording, stand and fall together, so whole groups are drawn when they are known.
"""

import math
from collections.abc import Hashable, Sequence

import numpy as np

from audiocls.evaluation.counts import Counts, indicators

LEVEL = 0.95
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


def bootstrap_intervals(
    targets: np.ndarray,
    predictions: np.ndarray,
    num_labels: int,
    units: np.ndarray,
    generator: np.random.Generator,
    num_draws: int = NUM_DRAWS,
) -> dict[str, tuple[float, float]]:
    """95% intervals of the headline scores.

    Args:
        targets, predictions: int `(n,)` class indices, or 0/1 `(n, labels)`.
        units: int64 `(n,)`, from `resampling_units`.

    Returns:
        {score: (low, high)} for accuracy, balanced_accuracy, macro_precision, macro_recall and macro_f1, and with
        several labels a clip also micro_precision, micro_recall and micro_f1. Where all is right, or nothing is, no
        draw differs from another, and Wilson's interval for as many units takes its place.
    """
    multi_label = np.ndim(targets) == 2
    wanted, given = indicators(targets, num_labels), indicators(predictions, num_labels)
    num_units = int(units.max()) + 1
    right = (wanted == given).all(-1, keepdims=True)
    columns = np.concatenate([wanted & given, given, wanted, right, np.ones_like(right)], axis=1)
    per_unit = np.zeros((num_units, columns.shape[1]), dtype=np.float32)
    np.add.at(per_unit, units, columns.astype(np.float32))

    blocks: dict[str, list[np.ndarray]] = {}
    block_draws = max(1, BLOCK_CELLS // num_units)
    for start in range(0, num_draws, block_draws):
        size = min(block_draws, num_draws - start)
        drawn = generator.multinomial(num_units, np.full(num_units, 1 / num_units), size=size)
        sums = (drawn.astype(np.float32) @ per_unit).astype(np.float64)
        counts = Counts(
            hits=sums[:, :num_labels],
            predicted=sums[:, num_labels : 2 * num_labels],
            support=sums[:, 2 * num_labels : 3 * num_labels],
            right=sums[:, -2],
            clips=sums[:, -1],
        )
        for name, values in headline_scores(counts, multi_label).items():
            blocks.setdefault(name, []).append(values)
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    intervals = {}
    for name, parts in blocks.items():
        low, high = np.quantile(np.concatenate(parts), tails).tolist()
        certain = low == high and low in (0.0, 1.0)
        intervals[name] = wilson_interval(low, num_units) if certain else (low, high)
    return intervals


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


def wilson_interval(share: float, size: int) -> tuple[float, float]:
    """95% interval of a share seen in `size` trials (Wilson, JASA 22, 1927)."""
    z2 = NORMAL_QUANTILE**2
    centre = (share + z2 / (2 * size)) / (1 + z2 / size)
    half = NORMAL_QUANTILE / (1 + z2 / size) * math.sqrt(share * (1 - share) / size + z2 / (4 * size**2))
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return (low if share else 0.0), (high if share < 1 else 1.0)
