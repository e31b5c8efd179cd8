"""Dividing a data set's clips: given parts win, copies and groups stay together, and what is odd is said."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audiocls.config import TrainConfig
from audiocls.data import splits
from audiocls.data.grouping import Groups
from audiocls.data.listing import shown, some
from audiocls.errors import DataError


@dataclass
class Pool:
    """What division looks at, all in the clips' order."""

    files: list[str]
    counts: np.ndarray  # bool (clips, classes)
    labels: list[str]
    given: list[str | None]  # part given by the data
    groups: Groups
    identical: list[tuple[int, int]]  # pairs with the same bytes or samples
    similar: list[tuple[int, int]]  # pairs that are copies by ear


@dataclass
class Division:
    """`parts` (clips,) of "train", "validation", "test"; `sets` int (clips,) of what stays together."""

    parts: np.ndarray
    sets: np.ndarray
    note: str
    warnings: list[str]


def divide(pool: Pool, config: TrainConfig) -> Division:
    """Give every clip a part.

    Raises:
        DataError: a class with too few clips or groups, or one that occurs in the test part only; copies of one
            recording in several of the data's own parts, or a class of one recording alone, unless `allow_leaks`.
    """
    warnings: list[str] = []
    given = np.array([part or "train" for part in pool.given], dtype="U10")  # "validation" is the longest
    has_test, has_validation = "test" in given, "validation" in given
    own = any(pool.given)
    if own and not (given == "train").any():
        raise DataError(f"there are only {' and '.join(sorted(set(given)))} clips; training needs a train part")
    sets = _sets(pool, given, not has_test and config.test_size > 0, config.allow_leaks, warnings)
    if own:
        _check_given(pool, given, config.allow_leaks, warnings)
    parts = given.copy()
    if not has_test and config.test_size > 0:
        _take(pool, parts, sets, "test", config.test_size, 1, np.random.default_rng([config.seed, 0]))
    if not has_validation and config.validation_size:
        _take(pool, parts, sets, "validation", config.validation_size, 2, np.random.default_rng([config.seed, 1]))
        _note_validation(pool, parts, warnings)
    return Division(parts, sets, _note(pool, parts, own, has_test, has_validation, config), warnings)


def _take(
    pool: Pool, parts: np.ndarray, sets: np.ndarray, part: str, share: float, keep: int, rng: np.random.Generator
) -> None:
    open_clips = np.flatnonzero(parts == "train")
    chosen = splits.choose_part(pool.counts[open_clips], sets[open_clips], share, rng, keep)
    parts[open_clips[chosen]] = part


def _sets(pool: Pool, given: np.ndarray, new_test: bool, allow_leaks: bool, warnings: list[str]) -> np.ndarray:
    """Number what stays together; check that each class can be in training and test."""
    by_name: dict[str, int] = {}
    grouped = [
        (by_name.setdefault(name, clip), clip) for clip, name in enumerate(pool.groups.names) if name is not None
    ]
    num_clips = len(pool.files)
    firm = splits.merge_groups(num_clips, grouped + pool.identical)
    sets = splits.merge_groups(num_clips, grouped + pool.identical + pool.similar)
    open_clips = np.flatnonzero(given == "train")
    clips = pool.counts[open_clips].sum(axis=0)
    needed = 2 if new_test else 1
    # A class that consists of one sound over and over could not be divided; then its copies may part.
    stuck = (splits.groups_per_class(pool.counts[open_clips], sets[open_clips]) < needed) & (clips >= needed)
    stuck &= splits.groups_per_class(pool.counts[open_clips], firm[open_clips]) >= needed
    for label in np.flatnonzero(stuck):
        told = f"all {clips[label]} clips of class {shown(pool.labels[label])} sound nearly the same"
        if not allow_leaks:
            raise DataError(
                f"{told}, like copies of one recording, so they cannot be both in training and test without flattering "
                "the scores: add other recordings, or give --allow_leaks"
            )
        warnings.append(
            f"{told}; they are divided nevertheless, so scores on this class say little about new recordings"
        )
    if stuck.any():
        loose = np.asarray(pool.counts[:, stuck].any(axis=1))
        kept = [pair for pair in pool.similar if not (loose[pair[0]] or loose[pair[1]])]
        sets = splits.merge_groups(num_clips, grouped + pool.identical + kept)
    _check_counts(pool, clips, splits.groups_per_class(pool.counts[open_clips], sets[open_clips]), new_test, warnings)
    return sets


def _check_counts(pool: Pool, clips: np.ndarray, num_sets: np.ndarray, new_test: bool, warnings: list[str]) -> None:
    for label, name in enumerate(pool.labels):
        count, number = int(clips[label]), int(num_sets[label])
        if count == 0:
            raise DataError(f"class {shown(name)} has no training clip; add some, or leave the class out")
        if not new_test:
            continue
        if count < 2:
            raise DataError(
                f"class {shown(name)} has only {count} usable clip; at least 2 are needed, one to train and one to "
                "test (better 10 or more): add clips, leave the class out, or give a test part of your own"
            )
        if number < 2:
            raise DataError(
                f"the {count} clips of class {shown(name)} are all in one group (or are copies of one file), so they "
                "cannot be both in training and test: add clips of another group"
            )
        if number < 3:
            what = "clips" if number == count else f"groups ({count} clips)"
            warnings.append(f"class {shown(name)} has only {number} {what}; add more to get scores that mean something")


def _check_given(pool: Pool, given: np.ndarray, allow_leaks: bool, warnings: list[str]) -> None:
    """Say what is wrong with the data's own parts; they are used as they are, or refused for their copies."""
    without = [file for file, part in zip(pool.files, pool.given, strict=True) if part is None]
    if without:
        warnings.append(f"clips without a part count as training clips: {some(without)}")
    for part in ("test", "validation"):
        if (given == part).any():
            missing = [shown(pool.labels[i]) for i in np.flatnonzero(~pool.counts[given == part].any(axis=0))]
            if missing:
                warnings.append(f"the {part} part has no clips of class {', '.join(missing)}")
    crossing = [(first, second) for first, second in pool.identical + pool.similar if given[first] != given[second]]
    if crossing:
        told = some([f"{pool.files[a]} = {pool.files[b]}" for a, b in crossing])
        if not allow_leaks:
            what = "1 pair" if len(crossing) == 1 else f"{len(crossing)} pairs"
            raise DataError(
                f"{what} of clips in different parts of the data are the same recording, so scores would flatter: "
                f"{told}; move them to one part or leave one of them out, or give --allow_leaks"
            )
        warnings.append(f"the same recording is in two parts of the data, so its scores flatter: {told}")
    copies = {clip for pair in crossing for clip in pair}
    names = pool.groups.names
    sides: dict[str, set[str]] = {}
    for clip, name in enumerate(names):
        if name is not None and clip not in copies:
            sides.setdefault(name, set()).add(given[clip])
    shared = sorted(name for name, parts in sides.items() if len(parts) > 1)
    if shared:
        warnings.append(f"groups in more than one part of the data, so scores flatter: {some(shared)}")


def _note_validation(pool: Pool, parts: np.ndarray, warnings: list[str]) -> None:
    inside = pool.counts[parts == "validation"].any(axis=0)
    if not inside.all():
        missing = [pool.labels[i] for i in np.flatnonzero(~inside)]
        what = "any class" if len(missing) == len(pool.labels) else f"class {some(missing)}"
        warnings.append(f"too few training clips to set some of {what} aside for validation")


def _note(pool: Pool, parts: np.ndarray, own: bool, has_test: bool, has_validation: bool, config: TrainConfig) -> str:
    """The sentence on the model card."""
    whole = "whole groups" if any(pool.groups.names) else "copies kept together"
    sentences = []
    if own:
        names = [part for part in ("train", "validation", "test") if part in pool.given]
        sentences.append(f"The data's own {_and(names)} {'parts' if len(names) > 1 else 'part'}.")
    if not has_test and config.test_size > 0:
        share = (parts == "test").mean()
        origin = f", groups from {pool.groups.origin}" if pool.groups.origin else ""
        sentences.append(
            f"{share:.0%} of the clips were set aside for testing ({whole}{origin}; by class, seed {config.seed})."
        )
    if not has_test and config.test_size == 0:
        sentences.append("No clips were set aside for testing.")
    if not has_validation:
        validation = int((parts == "validation").sum())
        if validation:
            share = validation / (validation + (parts == "train").sum())
            sentences.append(f"{share:.0%} of the training clips ({whole}) were held out for validation.")
        else:
            sentences.append("No clips were held out for validation.")
    else:
        sentences.append("The validation part was held out from training.")
    return " ".join(sentences)


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
