"""Which groups of clips, such as speakers or devices, a model fails on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audiocls.evaluation.intervals import wilson_interval
from audiocls.evaluation.significance import SIGNIFICANT, holm

FEWEST_CLIPS = 5  # of a group; from fewer nothing can be said


@dataclass(frozen=True)
class GroupScore:
    """One group: `right` of `size` clips answered exactly, with the 95% interval of that share.

    expected: the share that clips of the same classes reach in the other groups; a group of hard classes is no
    surprise. p_value: that a group like the others would do as badly, corrected for the number of groups.
    """

    name: str
    right: int
    size: int
    interval: tuple[float, float]
    expected: float
    p_value: float

    @property
    def accuracy(self) -> float:
        """Share of the clips answered exactly."""
        return self.right / self.size

    @property
    def fails(self) -> bool:
        """Whether it is below the rest beyond chance."""
        return self.p_value < SIGNIFICANT


def group_scores(groups: Sequence[str | None], right: np.ndarray, classes: np.ndarray) -> list[GroupScore]:
    """Scores of the groups with enough clips, worst first; empty where there are fewer than two groups.

    A group is held against the others class by class (Mantel and Haenszel, J. Natl. Cancer Inst. 22, 1959), with the
    exact conditional distribution.

    Args:
        groups: of each clip; None for one that is alone.
        right: bool (clips,), whether it was answered exactly.
        classes: (clips,), what the difficulty depends on: the class, or the labels as one number.
    """
    numbers = {name: number for number, name in enumerate(dict.fromkeys(name for name in groups if name is not None))}
    if len(numbers) < 2:
        return []
    # Clips without a group are a row of their own, the last: they are among the others of every group.
    rows = np.array([len(numbers) if name is None else numbers[name] for name in groups])
    kinds = np.unique(classes, return_inverse=True)[1]
    sizes = np.zeros((len(numbers) + 1, int(kinds.max()) + 1), np.int64)
    hits = np.zeros_like(sizes)
    np.add.at(sizes, (rows, kinds), 1)
    np.add.at(hits, (rows, kinds), np.asarray(right, np.int64))
    large = [name for name, row in numbers.items() if sizes[row].sum() >= FEWEST_CLIPS]
    found = [_score(sizes, hits, numbers[name]) for name in large]
    corrected = holm([p_value for _, p_value in found])
    scores = []
    for name, (expected, _), p_value in zip(large, found, corrected, strict=True):
        size, good = int(sizes[numbers[name]].sum()), int(hits[numbers[name]].sum())
        scores.append(GroupScore(name, good, size, wilson_interval(good / size, size), expected, p_value))
    return sorted(scores, key=lambda each: (each.accuracy, -each.size, each.name))


def _score(sizes: np.ndarray, hits: np.ndarray, row: int) -> tuple[float, float]:
    """The share expected of a group, and the one-sided p-value that it is no worse than the others.

    Args:
        sizes, hits: int (groups, classes), clips and right answers.
    """
    from scipy.stats import hypergeom

    # How many of a group's clips are right by chance, given how many of each class are right in all: one distribution
    # a class, of the sum their convolution.
    chances, expected = np.ones(1), 0.0
    all_sizes, all_hits = sizes.sum(axis=0), hits.sum(axis=0)
    for kind in np.flatnonzero(sizes[row]):
        mine = int(sizes[row, kind])
        chances = np.convolve(chances, hypergeom.pmf(np.arange(mine + 1), all_sizes[kind], all_hits[kind], mine))
        others = all_sizes[kind] - mine
        share = (all_hits[kind] - hits[row, kind]) / others if others else all_hits[kind] / mine
        expected += mine * float(share)
    p_value = float(min(1.0, chances[: int(hits[row].sum()) + 1].sum()))
    return expected / int(sizes[row].sum()), p_value
