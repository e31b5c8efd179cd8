"""Whether scores mean what they say: of the answers given with 80% confidence, 80% should be right.

The expected calibration error over bins of equal mass (Naeini, Cooper and Hauskrecht, AAAI 2015; equal mass: Nguyen and
O'Connor, EMNLP 2015). It is never 0 on a finite number of clips, so the error that perfect scores would show on as many
is told beside it. It fits nothing; `audiocls.finishing` does.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from audiocls.evaluation.intervals import LEVEL, NUM_DRAWS, resampling_units, wilson_interval

NUM_BINS = 15
SEED = 42
MOST_CELLS = 20_000_000  # numbers to go through in all draws; beyond there are fewer draws, but never below LEAST_DRAWS
LEAST_DRAWS = 100
BLOCK_CELLS = 4_000_000


def calibration_scores(
    targets: np.ndarray,
    scores: np.ndarray,
    multi_label: bool = False,
    groups: Sequence[Hashable | None] | None = None,
    num_bins: int = NUM_BINS,
) -> dict[str, Any]:
    """How far confidence and accuracy lie apart, ready for JSON.

    With one label a clip the confidence is the highest score, and accuracy is whether that answer is right. With
    several it is the score of each label, and whether the clip has it.

    Args:
        targets: int `(n,)` class indices, or 0/1 `(n, labels)` when multi-label; n is at least 1.
        scores: float `(n, labels)`, probabilities.
        groups: what clips stand and fall with, such as speakers; widens the intervals.

    Returns:
        ece: the mean over bins of |accuracy - confidence|. interval: its 95% interval, a bootstrap over groups centred
        on `ece` (resampled clips alone would lie above it, as more noise looks like more error). chance, chance_high:
        what perfectly calibrated scores would show on these clips, on average and in 97.5% of cases. bins: from low to
        high confidence, each {confidence, accuracy, count, low, high}, with Wilson's interval of the accuracy.
    """
    confidences, outcomes = confidence_and_outcome(targets, scores, multi_label)
    units = resampling_units(groups, len(targets))
    if multi_label:
        units = np.repeat(units, scores.shape[1])
    order = np.argsort(confidences, kind="stable")
    confidences, outcomes, units = confidences[order], outcomes[order], units[order]
    bins = _Bins(confidences, num_bins)
    ece = float(bins.error(confidences, outcomes[None])[0])
    draws = int(np.clip(MOST_CELLS // len(confidences), LEAST_DRAWS, NUM_DRAWS))
    generator = np.random.default_rng(SEED)
    chance = _chance_errors(bins, confidences, draws, generator)
    drawn = _drawn_errors(confidences, outcomes, units, num_bins, draws, generator)
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    low, high = (ece + np.quantile(drawn, tails) - drawn.mean()).clip(0, 1).tolist()
    return {
        "ece": ece,
        "interval": [min(low, ece), max(high, ece)],
        "chance": float(chance.mean()),
        "chance_high": float(np.quantile(chance, tails[1])),
        "bins": _bin_rows(bins, confidences, outcomes, units),
    }


def expected_calibration_error(
    targets: np.ndarray, scores: np.ndarray, multi_label: bool = False, num_bins: int = NUM_BINS
) -> float:
    """The `ece` of `calibration_scores` alone, with the same arguments."""
    confidences, outcomes = confidence_and_outcome(targets, scores, multi_label)
    order = np.argsort(confidences, kind="stable")
    confidences, outcomes = confidences[order], outcomes[order]
    return float(_Bins(confidences, num_bins).error(confidences, outcomes[None])[0])


def confidence_and_outcome(targets: np.ndarray, scores: np.ndarray, multi_label: bool) -> tuple[np.ndarray, np.ndarray]:
    """What is compared, float64 (cells,) each: how sure the model is, and 1 where it is right.

    A cell is a clip, or with several labels a clip one label of one clip, clip by clip.
    """
    targets, scores = np.asarray(targets), np.asarray(scores, np.float64)
    if multi_label:
        return scores.ravel(), (targets.ravel() > 0.5).astype(np.float64)
    return scores.max(1), (scores.argmax(1) == targets).astype(np.float64)


class _Bins:
    """Bins of equally many cells, or as nearly as whole cells allow; fewer bins than asked for when cells are fewer.

    Where an edge falls among equal confidences, each side gets its share of them all, so the order of clips plays no
    role.

    Args:
        confidences: rising, (cells,).
        weights: how often each cell counts, (cells,); once unless given.
    """

    def __init__(self, confidences: np.ndarray, num_bins: int, weights: np.ndarray | None = None) -> None:
        self.firsts = np.flatnonzero(np.diff(confidences, prepend=-1.0))  # of each stretch of equal confidences
        self.weights = weights
        sizes = np.add.reduceat(np.ones(len(confidences)) if weights is None else weights, self.firsts)
        reached = np.concatenate([[0.0], np.cumsum(sizes)])
        count = min(num_bins, round(reached[-1]))
        self.edges = np.round(np.arange(count + 1) * reached[-1] / count)
        self.counts = np.diff(self.edges)
        stretch = np.searchsorted(reached, self.edges, side="right").clip(1, len(sizes)) - 1
        self.stretch = stretch
        self.share = (self.edges - reached[stretch]) / np.maximum(sizes[stretch], 1e-300)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sums (rows, bins) of values (rows, cells) in each bin."""
        if self.weights is not None:
            values = values * self.weights
        of_stretches = np.add.reduceat(values, self.firsts, axis=1)
        reached = np.concatenate([np.zeros((len(values), 1)), np.cumsum(of_stretches, axis=1)], axis=1)
        return np.diff(reached[:, self.stretch] + self.share * of_stretches[:, self.stretch], axis=1)

    def error(self, confidences: np.ndarray, outcomes: np.ndarray) -> np.ndarray:
        """The expected calibration error (rows,) of outcomes (rows, cells)."""
        return np.abs(self.sums(outcomes - confidences)).sum(1) / self.counts.sum()


def _chance_errors(bins: _Bins, confidences: np.ndarray, draws: int, generator: np.random.Generator) -> np.ndarray:
    """The error in each of some draws (draws,) in which every answer is right as often as its confidence says."""
    block = max(1, BLOCK_CELLS // len(confidences))
    parts = []
    for start in range(0, draws, block):
        shape = (min(block, draws - start), len(confidences))
        parts.append(bins.error(confidences, (generator.random(shape) < confidences).astype(np.float64)))
    return np.concatenate(parts)


def _drawn_errors(
    confidences: np.ndarray,
    outcomes: np.ndarray,
    units: np.ndarray,
    num_bins: int,
    draws: int,
    generator: np.random.Generator,
) -> np.ndarray:
    """The error of each of some resamples (draws,) of whole units."""
    num_units = int(units.max()) + 1
    found = np.zeros(draws)
    for draw in range(draws):
        weights = np.bincount(generator.integers(num_units, size=num_units), minlength=num_units)[units]
        bins = _Bins(confidences, num_bins, weights.astype(np.float64))
        found[draw] = bins.error(confidences, outcomes[None])[0]
    return found


def _bin_rows(
    bins: _Bins, confidences: np.ndarray, outcomes: np.ndarray, units: np.ndarray
) -> list[dict[str, float | int]]:
    rows = []
    means = bins.sums(np.stack([confidences, outcomes])) / bins.counts
    for number, (confidence, accuracy) in enumerate(means.T.clip(0, 1).tolist()):
        inside = slice(int(bins.edges[number]), int(bins.edges[number + 1]))
        low, high = wilson_interval(accuracy, len(np.unique(units[inside])))
        row = {"confidence": confidence, "accuracy": accuracy, "count": int(bins.counts[number])}
        rows.append({**row, "low": low, "high": high})
    return rows
