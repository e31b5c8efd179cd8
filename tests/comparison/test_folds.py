"""Folds: whole groups, every class in every fold as far as its groups go, equal sizes, and errors by name."""

import dataclasses

import numpy as np
import pytest

from audiocls.comparison.folds import assign_folds, group_numbers, learning_clips, make_folds
from audiocls.data.dataset import load_audio_data
from audiocls.errors import DataError, UsageError


@pytest.fixture(scope="module")
def sounds(everyday_sounds):
    from audiocls.config import TrainConfig

    return load_audio_data(str(everyday_sounds), TrainConfig(num_workers=1))


def test_real_recordings_are_never_on_both_sides_and_classes_are_even(sounds):
    folds = make_folds(sounds, 5, seed=1)
    clips = learning_clips(sounds)
    assert len(folds) == len(sounds.train) + len(sounds.validation)
    assert clips.files == sounds.train.files + sounds.validation.files
    groups = group_numbers(clips)
    assert len(np.unique(groups)) < len(groups)  # there is something to keep together
    assert all(len(np.unique(folds[groups == group])) == 1 for group in np.unique(groups))
    table = np.array([[((folds == f) & (clips.targets == c)).sum() for c in range(7)] for f in range(5)])
    assert table.min() > 0
    assert (table.max(axis=0) - table.min(axis=0) <= 3).all()
    assert np.ptp(table.sum(axis=1)) <= 5


def test_the_seed_decides(sounds):
    first, again, other = make_folds(sounds, 3, 1), make_folds(sounds, 3, 1), make_folds(sounds, 3, 2)
    assert (first == again).all()
    assert (first != other).any()


def test_the_test_part_is_in_no_fold(sounds):
    assert not set(learning_clips(sounds).files) & set(sounds.test.files)
    without = dataclasses.replace(sounds, test=sounds.test.subset([]))
    assert (make_folds(sounds, 4, 0) == make_folds(without, 4, 0)).all()


def test_single_clips_divide_exactly():
    counts = np.eye(3, dtype=bool)[np.repeat([0, 1, 2], 10)]
    folds = assign_folds(counts, np.arange(30), 5, np.random.default_rng(0))
    assert all(counts[folds == fold].sum(axis=0).tolist() == [2, 2, 2] for fold in range(5))


def test_a_class_in_fewer_groups_than_folds_is_spread_over_all_it_has():
    counts = np.eye(6, dtype=bool)[np.repeat(np.arange(6), 2)]
    folds = assign_folds(counts, np.arange(12), 5, np.random.default_rng(0))
    assert all(len(np.unique(folds[counts[:, label]])) == 2 for label in range(6))
    assert np.bincount(folds).tolist() in ([2, 2, 2, 3, 3], [3, 3, 2, 2, 2]) or np.ptp(np.bincount(folds)) == 1


def test_no_fold_is_empty_beside_a_huge_group():
    groups = np.array([0] * 100 + [1, 2, 3])
    counts = np.ones((103, 1), bool)
    folds = assign_folds(counts, groups, 4, np.random.default_rng(0))
    assert sorted(np.bincount(folds)) == [1, 1, 1, 100]


def test_clips_of_several_labels_are_balanced_label_by_label():
    rng = np.random.default_rng(0)
    counts = rng.random((200, 4)) < [0.5, 0.3, 0.1, 0.05]
    folds = assign_folds(counts, np.arange(200), 4, np.random.default_rng(0))
    shares = np.array([counts[folds == fold].sum(axis=0) for fold in range(4)])
    assert (np.ptp(shares, axis=0) <= 2).all()


@pytest.mark.parametrize(("num_folds", "told"), [(1, "at least 2"), (10_000, "choose fewer folds")])
def test_impossible_numbers_of_folds(sounds, num_folds, told):
    with pytest.raises(UsageError, match=told):
        make_folds(sounds, num_folds, 0)


def test_a_class_within_one_group_is_named(sounds):
    clips = sounds.train.subset(range(len(sounds.train)))
    clips.groups = ["one" if target == 2 else group for target, group in zip(clips.targets, clips.groups, strict=True)]
    audio = dataclasses.replace(sounds, train=clips, validation=clips.subset([]))
    with pytest.raises(DataError, match=f"class {sounds.labels[2]} .*one group"):
        make_folds(audio, 3, 0)


def test_classes_that_hold_each_other_together_are_named(sounds):
    """Three classes in three groups, each in two of them: no two folds part them all."""
    clips = learning_clips(sounds)
    rows = [int(np.flatnonzero(clips.targets == c)[i]) for c in range(3) for i in range(2)]
    clips = clips.subset(rows)
    clips.groups = ["ab", "ca", "ab", "bc", "bc", "ca"]
    audio = dataclasses.replace(sounds, labels=sounds.labels[:3], train=clips, validation=clips.subset([]))
    with pytest.raises(DataError, match="choose more folds"):
        make_folds(audio, 2, 0)
    assert sorted(np.bincount(make_folds(audio, 3, 0))) == [2, 2, 2]
