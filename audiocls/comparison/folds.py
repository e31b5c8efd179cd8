"""Folds for cross-validation: whole groups, every class in every fold, sizes as equal as the groups allow.

The folds are over the clips a model may learn from, training part and validation part together; the test part has no
place in any of them.
"""

import numpy as np

from audiocls.data.clips import Clips
from audiocls.data.dataset import AudioData
from audiocls.data.listing import shown
from audiocls.data.splits import groups_per_class
from audiocls.errors import DataError, UsageError
from audiocls.training.batches import soft_targets

RESTARTS = 8
MANY_GROUPS = 2000  # so many small groups even out at the first attempt
ABSENT = 1e6  # cost of leaving a class out of a fold, beside which no imbalance of counts matters


def learning_clips(audio: AudioData) -> Clips:
    """What the folds divide: the training clips, then the validation clips; extra clips are in no fold."""
    return audio.train.followed_by(audio.validation)


def group_numbers(clips: Clips) -> np.ndarray:
    """What stays together, numbered from 0: int64 (clips,). A clip without a group is one of its own."""
    numbers: dict[str | int, int] = {}
    return np.array(
        [numbers.setdefault(clip if name is None else name, len(numbers)) for clip, name in enumerate(clips.groups)],
        dtype=np.int64,
    )


def make_folds(audio: AudioData, num_folds: int, seed: int) -> np.ndarray:
    """Divide the training and validation clips into folds.

    Args:
        audio: its train and validation clips are divided; their groups (copies of one recording among them) stay whole.
        num_folds: at least 2.
        seed: of the random choice among equally good folds.

    Returns:
        int64 (clips,), the fold of each of `learning_clips(audio)`.

    Raises:
        UsageError: fewer than two folds, or more than there are clips or groups.
        DataError: a class whose clips all lie in one group, so that it can never be both trained and tested.
    """
    clips = learning_clips(audio)
    groups = group_numbers(clips)
    counts = soft_targets(clips, len(audio.labels)) > 0.5
    _check(audio, num_folds, counts, groups)
    folds = assign_folds(counts, groups, num_folds, np.random.default_rng([seed, num_folds]))
    for label, name in enumerate(audio.labels):
        if len(np.unique(folds[counts[:, label]])) < 2 and not _is_extra_alone(audio, counts, label):
            raise DataError(
                f"class {shown(name)} shares its groups with other classes in such a way that {num_folds} folds "
                "cannot hold it apart: choose more folds, or add clips of another group"
            )
    return folds


def assign_folds(counts: np.ndarray, groups: np.ndarray, num_folds: int, rng: np.random.Generator) -> np.ndarray:
    """Give each group a fold: the largest first, each to the fold that lacks its classes most.

    As scikit-learn's StratifiedGroupKFold, which knows one label a clip only and refuses classes with fewer clips than
    folds; here such a class goes into as many folds as it has groups. The best of several random orders.

    Args:
        counts: bool (clips, classes), which classes each clip has.
        groups: int (clips,), from 0 up without gaps; at least `num_folds` of them.

    Returns:
        int64 (clips,), from 0 to `num_folds` - 1, none of them empty.
    """
    num_groups = int(groups.max()) + 1
    # One more column for the clips themselves, so that folds are of equal size, too.
    columns = np.concatenate([counts, np.ones((len(counts), 1), bool)], axis=1)
    table = np.zeros((num_groups, columns.shape[1]))
    np.add.at(table, groups, columns)
    wanted = np.maximum(table.sum(axis=0), 1) / num_folds
    best: tuple[float, np.ndarray] | None = None
    for _ in range(RESTARTS if num_groups < MANY_GROUPS else 1):
        order = rng.permutation(num_groups)
        order = order[np.argsort(-table[order].sum(axis=1), kind="stable")]
        fold_of, filled = np.zeros(num_groups, np.int64), np.zeros((num_folds, table.shape[1]))
        for group in order:
            row = table[group]
            missing = (filled == 0) & (row > 0)
            cost = (row * (2 * (filled - wanted) + row) / wanted).sum(axis=1) - ABSENT * missing.sum(axis=1)
            fold = int(cost.argmin())
            fold_of[group] = fold
            filled[fold] += row
        badness = float((np.square(filled - wanted) / wanted).sum() + ABSENT * (filled == 0).sum())
        if best is None or badness < best[0]:
            best = (badness, fold_of)
    assert best is not None  # there is at least one attempt
    return best[1][groups]


def _is_extra_alone(audio: AudioData, counts: np.ndarray, label: int) -> bool:
    """Whether all clips of a class are extra ones, which are in no fold."""
    return bool(audio.extra) and not counts[:, label].any()


def _check(audio: AudioData, num_folds: int, counts: np.ndarray, groups: np.ndarray) -> None:
    if num_folds < 2:
        raise UsageError(f"folds is {num_folds}; cross-validation needs at least 2")
    num_groups = int(groups.max(initial=-1)) + 1
    if num_folds > num_groups:
        what = f"{len(groups)} clips" if num_groups == len(groups) else f"{num_groups} groups of clips"
        raise UsageError(f"folds is {num_folds}, but {audio.name} has only {what} to train on; choose fewer folds")
    for index, (label, number) in enumerate(zip(audio.labels, groups_per_class(counts, groups), strict=True)):
        if number < 2 and not _is_extra_alone(audio, counts, index):
            raise DataError(
                f"class {shown(label)} has all its training clips in one group (or copies of one recording), so no "
                "model can be trained and tested on it in turn: add clips of another group, or leave the class out"
            )
