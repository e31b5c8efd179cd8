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
    names = np.array(["" if name is None else f"g{name}" for name in groups], dtype=object)
    sizes = {str(name): int((names == name).sum()) for name in dict.fromkeys(names) if name}
    if len(sizes) < 2:
        return []
    large = [name for name, size in sizes.items() if size >= FEWEST_CLIPS]
    found = [_score(names == name, right, classes) for name in large]
    corrected = holm([p_value for *_, p_value in found])
    scores = [
        GroupScore(name[1:], hits, sizes[name], wilson_interval(hits / sizes[name], sizes[name]), expected, p_value)
        for name, (hits, expected, _), p_value in zip(large, found, corrected, strict=True)
    ]
    return sorted(scores, key=lambda each: (each.accuracy, -each.size, each.name))


def _score(inside: np.ndarray, right: np.ndarray, classes: np.ndarray) -> tuple[int, float, float]:
    """Right answers of a group, the share expected of it, and the one-sided p-value that it is no worse."""
    from scipy.stats import hypergeom

    # How many of a group's clips are right by chance, given how many of each class are right in all: one distribution
    # a class, of the sum their convolution.
    chances, expected = np.ones(1), 0.0
    for each in np.unique(classes[inside]):
        members = classes == each
        total, hits, mine = int(members.sum()), int(right[members].sum()), int((members & inside).sum())
        chances = np.convolve(chances, hypergeom.pmf(np.arange(mine + 1), total, hits, mine))
        others = members & ~inside
        expected += mine * float(right[others].mean() if others.any() else right[members].mean())
    hits = int(right[inside].sum())
    return hits, expected / int(inside.sum()), float(min(1.0, chances[: hits + 1].sum()))
