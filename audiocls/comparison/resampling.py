"""How sure a cross-validated score is, and the difference of two: a bootstrap over groups, the same draws for all.

The score is the mean over the folds. Whole groups are drawn with replacement, as in `audiocls.evaluation.intervals`;
each draw's score is again the mean over the folds, of what was drawn of each. Since every model meets the same draws,
differences are paired: what is hard for all of them cancels out. Whether a difference could be chance is tested by
swapping the two models' answers, group by group.
"""

from collections.abc import Hashable, Iterable, Sequence

import numpy as np

from audiocls.comparison.cross_validation import SCORES
from audiocls.evaluation.counts import Counts, indicators
from audiocls.evaluation.intervals import (
    BLOCK_CELLS,
    LEVEL,
    headline_scores,
    resampling_units,
    unit_draws,
    wilson_interval,
)
from audiocls.evaluation.metrics import BOOTSTRAP_SEED, predicted_classes

NUM_SWAPS = 9999  # with what was seen 10,000 outcomes, so that the least p-value is 0.0001
EXACT_UNITS = 14  # up to so many groups answered differently, every outcome is counted instead
ROUNDING = 1e-9  # outcomes so close to the one that was seen are equal to it

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
        found = self._scores(table.sum(0, keepdims=True) for _, table in self._tables(scores))
        return {name: float(values[0]) for name, values in found.items()}

    def draws(self, scores: np.ndarray) -> dict[str, np.ndarray]:
        """The same scores in each draw, float64 (draws,); the draws are the same at every call."""
        generator = np.random.default_rng(BOOTSTRAP_SEED)
        tables = self._tables(scores)
        blocks = [
            self._scores(drawn[:, units] @ table for units, table in tables)
            for drawn in unit_draws(self.num_units, generator)
        ]
        return {name: np.concatenate([block[name] for block in blocks]) for name in SCORES}

    def told(self, scores: np.ndarray, score: str) -> str:
        """A score of probabilities (n, labels) with its interval, such as "0.957 (0.925 to 0.985)"."""
        low, high = self.interval(self.draws(scores)[score])
        return f"{self.point(scores)[score]:.3f} ({low:.3f} to {high:.3f})"

    def p_value(self, first: np.ndarray, second: np.ndarray, score: str) -> float:
        """How often two models that are alike would differ in `score` at least as much as these do.

        A paired permutation test (Good, Permutation Tests, 2000, section 3.2): were they alike, their answers to a
        group could be swapped without harm. All swaps are counted where few groups are answered differently; for
        accuracy of clips without groups that is McNemar's exact test. Otherwise random ones, with the outcome that was
        seen among them (Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9, 2010). Two-sided. It tells about these
        two models' answers to clips like these, not about other training runs.

        Args:
            first, second: probabilities (n, labels) of the two.
            score: accuracy, balanced_accuracy or macro_f1, a mean over the folds.
        """
        pairs = list(zip(self._tables(first), self._tables(second), strict=True))
        differ = np.zeros(self.num_units, bool)
        for (units, one), (_, other) in pairs:
            differ[units] |= (one != other).any(axis=1)
        number = int(differ.sum())
        place = np.cumsum(differ) - 1  # of a unit among those that differ
        sides = []
        for (units, one), (_, other) in pairs:
            rows = differ[units]
            ends = one.sum(0, dtype=np.float64), other.sum(0, dtype=np.float64)
            sides.append((*ends, place[units[rows]], (other - one)[rows]))

        def differences(swapped: np.ndarray) -> np.ndarray:
            """First less second, (draws,), for float32 0/1 (draws, units that differ)."""
            moved = [swapped[:, places] @ change for _, _, places, change in sides]
            ours = self._scores(one + move for (one, *_), move in zip(sides, moved, strict=True))
            theirs = self._scores(other - move for (_, other, *_), move in zip(sides, moved, strict=True))
            return ours[score] - theirs[score]

        seen = abs(float(differences(np.zeros((1, number), np.float32))[0])) - ROUNDING
        if number <= EXACT_UNITS:
            # Swapping all the others instead only changes the sign, so one of them can stay.
            outcomes = np.arange(2 ** max(number - 1, 0))
            swaps = (outcomes[:, None] >> np.arange(number) & 1).astype(np.float32)
            return float((np.abs(differences(swaps)) >= seen).mean())
        generator = np.random.default_rng(BOOTSTRAP_SEED)
        as_far = 1
        block = max(1, BLOCK_CELLS // number)
        for start in range(0, NUM_SWAPS, block):
            swaps = generator.integers(0, 2, (min(block, NUM_SWAPS - start), number), np.uint8).astype(np.float32)
            as_far += int((np.abs(differences(swaps)) >= seen).sum())
        return as_far / (NUM_SWAPS + 1)

    def flattery(self, candidates: Sequence[np.ndarray], score: str) -> float:
        """By how much the score of the best of several models is too high, as it was chosen by that score.

        In each draw, the best on the drawn groups and the best of all are scored on the groups that were not drawn,
        which did not choose the first but helped to choose the second. After bootstrap bias corrected cross-validation
        (Tsamardinos, Greasidou and Borboudakis, Machine Learning 107, 2018).

        Args:
            candidates: probabilities (n, labels) of each model, at least one.
            score: accuracy, balanced_accuracy or macro_f1, a mean over the folds.
        """
        tables = [self._tables(scores) for scores in candidates]
        best = int(np.argmax([self.point(scores)[score] for scores in candidates]))
        generator = np.random.default_rng(BOOTSTRAP_SEED)
        lost: list[np.ndarray] = []
        for weights in unit_draws(self.num_units, generator):
            drawn = weights[(weights == 0).any(axis=1)]  # or nobody is left to judge
            choosing, judging = (
                np.stack([self._scores(part[:, units] @ table for units, table in each)[score] for each in tables])
                for part in (drawn, (drawn == 0).astype(np.float32))
            )
            lost.append(judging[best] - judging[choosing.argmax(axis=0), np.arange(len(drawn))])
        return max(0.0, float(np.concatenate(lost).mean())) if any(map(len, lost)) else 0.0

    def interval(self, draws: np.ndarray) -> Interval:
        """The 95% interval of a score; Wilson's where all draws are right, or none is."""
        low, high = difference_interval(draws)
        return wilson_interval(low, self.num_units) if low == high and low in (0.0, 1.0) else (low, high)

    def _tables(self, scores: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each fold its units, and their counts float32 (units, columns): see `_scores`."""
        multi_label = self.targets.ndim == 2
        wanted = indicators(self.targets, self.num_labels)
        given = indicators(predicted_classes(scores, multi_label), self.num_labels)
        right = (wanted == given).all(-1, keepdims=True)
        columns = np.concatenate([wanted & given, given, wanted, right, np.ones_like(right)], axis=1)
        tables = []
        for fold in np.unique(self.folds):
            clips = self.folds == fold
            units, unit_of = np.unique(self.units[clips], return_inverse=True)
            table = np.zeros((len(units), columns.shape[1]), np.float32)
            np.add.at(table, unit_of, columns[clips].astype(np.float32))
            tables.append((units, table))
        return tables

    def _scores(self, sums_of_folds: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
        """Each score (draws,), the mean over the folds, from counts (draws, columns) in each of them."""
        sums: dict[str, np.ndarray] = {}
        folds_drawn: np.ndarray | float = 0.0
        size = self.num_labels
        for found in sums_of_folds:
            found = found.astype(np.float64)
            counts = Counts(
                hits=found[:, :size],
                predicted=found[:, size : 2 * size],
                support=found[:, 2 * size : 3 * size],
                right=found[:, -2],
                clips=found[:, -1],
            )
            headline = headline_scores(counts, self.targets.ndim == 2)
            drawn = counts.clips > 0
            folds_drawn = folds_drawn + drawn
            for name in SCORES:
                sums[name] = sums.get(name, 0.0) + np.where(drawn, headline[name], 0)
        return {name: values / np.maximum(folds_drawn, 1) for name, values in sums.items()}


def difference_interval(draws: np.ndarray) -> Interval:
    """The 95% interval of drawn values (draws,)."""
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return low, high
