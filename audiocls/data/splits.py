"""Dividing clips into train, validation and test: whole groups, every class in every part, shares as asked.

Pure functions on arrays with a seeded generator; the caller puts the clips into a fixed order first. Knows nothing of
files or audio.
"""

import numpy as np

_RESTARTS = 8


def merge_groups(num_clips: int, pairs: list[tuple[int, int]]) -> np.ndarray:
    """Number the connected sets of clips: `pairs` must stay together (one group, or copies of one sound).

    Returns:
        int64 (num_clips,), the set of each clip, numbered from 0 by first appearance.
    """
    parent = list(range(num_clips))

    def root(clip: int) -> int:
        while parent[clip] != clip:
            parent[clip] = parent[parent[clip]]
            clip = parent[clip]
        return clip

    for first, second in pairs:
        low, high = sorted((root(first), root(second)))
        parent[high] = low
    numbers: dict[int, int] = {}
    return np.array([numbers.setdefault(root(clip), len(numbers)) for clip in range(num_clips)], dtype=np.int64)


def groups_per_class(counts: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """In how many groups each class occurs.

    Args:
        counts: bool or int (clips, classes), which classes each clip has.
        groups: int (clips,).

    Returns:
        int64 (classes,).
    """
    return (_table(counts, groups) > 0).sum(axis=0)


def choose_part(
    counts: np.ndarray, groups: np.ndarray, share: float, rng: np.random.Generator, keep: int = 1
) -> np.ndarray:
    """Choose whole groups that hold about `share` of every class.

    A class in at least `keep` + 1 groups goes into the part and leaves at least `keep` groups outside, as far as the
    groups allow it; a class in fewer stays outside. Several random starts, each improved one group at a time, and the
    best kept: exact for single clips, close for large groups (iterative stratification over groups, in the spirit of
    scikit-learn's StratifiedGroupKFold).

    Args:
        counts: (clips, classes) 0 or 1, which classes each clip has.
        groups: int (clips,), clips that stay together.
        share: of the clips, between 0 and 1.

    Returns:
        bool (clips,), True where chosen.
    """
    num_clips = len(groups)
    if share <= 0 or num_clips == 0:
        return np.zeros(num_clips, bool)
    names, group_of = np.unique(groups, return_inverse=True)
    table = _table(counts, groups)  # (groups, classes)
    # Groups with the same counts are interchangeable: decide how many of each kind, then draw which.
    kinds, kind_of = np.unique(table, axis=0, return_inverse=True)
    kind_of = kind_of.reshape(-1)
    sizes = np.bincount(group_of)
    available = np.bincount(kind_of, minlength=len(kinds))
    size_of_kind = np.bincount(kind_of, weights=sizes) / available
    goal = _Goal(kinds, size_of_kind, available, share, keep)
    best: tuple[float, np.ndarray] | None = None
    for _ in range(_RESTARTS):
        taken = goal.improve(goal.start(rng), rng)
        score = goal.score(taken)
        if best is None or score < best[0] - 1e-9:
            best = (score, taken)
    assert best is not None  # _RESTARTS > 0
    chosen = np.zeros(len(names), bool)
    for kind, number in enumerate(best[1]):
        members = np.flatnonzero(kind_of == kind)
        chosen[rng.permutation(members)[: int(number)]] = True
    return chosen[group_of]


class _Goal:
    """How far a choice (number of groups taken of each kind) is from the shares asked for."""

    def __init__(self, kinds: np.ndarray, sizes: np.ndarray, available: np.ndarray, share: float, keep: int) -> None:
        self.kinds, self.sizes, self.available, self.share = kinds.astype(float), sizes, available, share
        self.totals = available @ self.kinds  # clips of each class
        num_groups = available @ (kinds > 0)  # groups of each class
        self.wanted = np.where(num_groups > keep, share * self.totals, 0.0)
        self.least_inside = (num_groups > keep).astype(float)  # in groups
        self.most_inside = np.maximum(num_groups - keep, 0)
        self.size_wanted = self.wanted.sum() / max(self.totals.sum(), 1) * (available @ sizes)

    def score(self, taken: np.ndarray) -> float:
        return float(self._scores(taken[None])[0])

    def _scores(self, taken: np.ndarray) -> np.ndarray:
        """Badness of each row of (choices, kinds)."""
        inside = taken @ self.kinds
        groups_inside = taken @ (self.kinds > 0)
        off = (inside - self.wanted) / np.sqrt(np.maximum(self.totals * self.share, 1.0))
        size_off = (taken @ self.sizes - self.size_wanted) / np.sqrt(max(self.size_wanted, 1.0))
        absent = np.maximum(self.least_inside - groups_inside, 0).sum(axis=1)
        # A class that the part lacks is not measured; one that training lacks cannot be learnt, which is worse.
        lost = np.maximum(groups_inside - self.most_inside, 0).sum(axis=1)
        return (off**2).sum(axis=1) + size_off**2 + 1e3 * absent + 1e6 * lost

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """The asked share of each kind, rounded at random."""
        return np.floor(self.share * self.available + rng.random(len(self.available))).clip(0, self.available)

    def improve(self, taken: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Take or give back one group, or exchange two, as long as that helps."""
        num_kinds = len(taken)
        steps = np.concatenate([np.eye(num_kinds), -np.eye(num_kinds)])
        if num_kinds <= 60:  # exchanges: quadratic in the kinds
            pairs = (np.eye(num_kinds)[:, None] - np.eye(num_kinds)[None]).reshape(-1, num_kinds)
            steps = np.concatenate([steps, pairs[np.abs(pairs).sum(axis=1) > 0]])
        steps = rng.permutation(steps)
        current = self.score(taken)
        for _ in range(4 * num_kinds + 100):
            after = taken + steps
            scores = np.where(((after >= 0) & (after <= self.available)).all(axis=1), self._scores(after), np.inf)
            step = int(scores.argmin())
            if scores[step] >= current - 1e-9:
                break
            taken, current = after[step], float(scores[step])
        return taken


def _table(counts: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Clips of each class in each group: (groups, classes)."""
    names, group_of = np.unique(groups, return_inverse=True)
    table = np.zeros((len(names), counts.shape[1]), np.int64)
    np.add.at(table, group_of.reshape(-1), counts.astype(np.int64))
    return table
