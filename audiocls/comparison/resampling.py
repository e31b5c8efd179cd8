"""How sure a cross-validated score is, and the difference of two: a bootstrap over groups, the same draws for all.

The score is the mean over the folds. Whole groups are drawn with replacement, as in `audiocls.evaluation.intervals`;
each draw's score is again the mean over the folds, of what was drawn of each. Since every model meets the same draws,
differences are paired: what is hard for all of them cancels out.
"""

from collections.abc import Hashable, Sequence

import numpy as np

from audiocls.comparison.cross_validation import SCORES
from audiocls.evaluation.counts import Counts, indicators
from audiocls.evaluation.intervals import (
    BLOCK_CELLS,
    LEVEL,
    NUM_DRAWS,
    headline_scores,
    resampling_units,
    wilson_interval,
)
from audiocls.evaluation.metrics import BOOTSTRAP_SEED, predicted_classes

Interval = tuple[float, float]


class Bootstrap:
    """Draws of the clips of one cross-validation.

    Args:
        targets: int (n,) class indices, or 0/1 (n, labels).
        folds: int (n,).
        groups: of each clip, None for one that is alone.
        num_labels: of the scores to come.
    """

    def __init__(
        self, targets: np.ndarray, folds: np.ndarray, groups: Sequence[Hashable | None], num_labels: int
    ) -> None:
        self.targets, self.folds, self.num_labels = targets, folds, num_labels
        self.units = resampling_units(groups, len(targets))
        self.num_units = int(self.units.max()) + 1

    def point(self, scores: np.ndarray) -> dict[str, float]:
        """Accuracy, balanced accuracy and macro F1 of probabilities (n, labels): means over the folds."""
        found = self._mean_over_folds(scores, np.ones((1, self.num_units), np.float32))
        return {name: float(values[0]) for name, values in found.items()}

    def draws(self, scores: np.ndarray) -> dict[str, np.ndarray]:
        """The same scores in each draw, float64 (draws,); the draws are the same at every call."""
        generator = np.random.default_rng(BOOTSTRAP_SEED)
        blocks = []
        block_draws = max(1, BLOCK_CELLS // self.num_units)
        for start in range(0, NUM_DRAWS, block_draws):
            size = min(block_draws, NUM_DRAWS - start)
            drawn = generator.multinomial(self.num_units, np.full(self.num_units, 1 / self.num_units), size=size)
            blocks.append(self._mean_over_folds(scores, drawn.astype(np.float32)))
        return {name: np.concatenate([block[name] for block in blocks]) for name in SCORES}

    def interval(self, draws: np.ndarray) -> Interval:
        """The 95% interval of a score; Wilson's where all draws are right, or none is."""
        low, high = difference_interval(draws)
        return wilson_interval(low, self.num_units) if low == high and low in (0.0, 1.0) else (low, high)

    def _mean_over_folds(self, scores: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Each score (draws,) for `weights` (draws, units): how often each unit was drawn."""
        multi_label = self.targets.ndim == 2
        wanted = indicators(self.targets, self.num_labels)
        given = indicators(predicted_classes(scores, multi_label), self.num_labels)
        right = (wanted == given).all(-1, keepdims=True)
        columns = np.concatenate([wanted & given, given, wanted, right, np.ones_like(right)], axis=1)
        sums: dict[str, np.ndarray] = {name: np.zeros(len(weights)) for name in SCORES}
        folds_drawn = np.zeros(len(weights))
        for fold in np.unique(self.folds):
            clips = self.folds == fold
            units, unit_of = np.unique(self.units[clips], return_inverse=True)
            table = np.zeros((len(units), columns.shape[1]), np.float32)
            np.add.at(table, unit_of, columns[clips].astype(np.float32))
            found = (weights[:, units] @ table).astype(np.float64)
            size = self.num_labels
            counts = Counts(
                hits=found[:, :size],
                predicted=found[:, size : 2 * size],
                support=found[:, 2 * size : 3 * size],
                right=found[:, -2],
                clips=found[:, -1],
            )
            headline = headline_scores(counts, multi_label)
            drawn = counts.clips > 0
            folds_drawn += drawn
            for name in SCORES:
                sums[name] += np.where(drawn, headline[name], 0)
        return {name: values / np.maximum(folds_drawn, 1) for name, values in sums.items()}


def difference_interval(draws: np.ndarray) -> Interval:
    """The 95% interval of drawn values (draws,)."""
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return low, high
