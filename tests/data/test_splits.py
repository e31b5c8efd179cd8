import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocls.data.splits import choose_part, groups_per_class, merge_groups


@st.composite
def clips(draw: st.DrawFn, multi_label: bool = False):
    """(counts (clips, classes) bool, groups (clips,)) of a small data set."""
    num_clips, num_classes = draw(st.integers(1, 60)), draw(st.integers(1, 5))
    num_groups = draw(st.integers(1, num_clips))
    seed = draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    counts = np.eye(num_classes, dtype=bool)[rng.integers(0, num_classes, num_clips)]
    if multi_label:
        counts = counts | (rng.random(counts.shape) < 0.3)
    return counts, rng.integers(0, num_groups, num_clips)


@settings(max_examples=60, deadline=None)
@given(st.booleans().flatmap(clips), st.floats(0.05, 0.6), st.integers(1, 2), st.integers(0, 9))
def test_groups_stay_whole_and_every_class_keeps_groups_on_the_training_side(data, share, keep, seed):
    counts, groups = data
    chosen = choose_part(counts, groups, share, np.random.default_rng(seed), keep)
    assert chosen.shape == groups.shape
    assert not set(groups[chosen]) & set(groups[~chosen])
    left = groups_per_class(counts[~chosen], groups[~chosen])
    assert (left >= np.minimum(groups_per_class(counts, groups), keep)).all()
    again = choose_part(counts, groups, share, np.random.default_rng(seed), keep)
    np.testing.assert_array_equal(chosen, again)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(2, 40), min_size=2, max_size=6), st.floats(0.1, 0.5), st.integers(0, 9), st.integers(0, 9))
def test_single_clips_are_divided_class_by_class_to_the_clip(sizes, share, seed, order):
    labels = np.random.default_rng(order).permutation(np.repeat(np.arange(len(sizes)), sizes))
    counts = np.eye(len(sizes), dtype=bool)[labels]
    chosen = choose_part(counts, np.arange(len(labels)), share, np.random.default_rng(seed))
    forced = sum(max(0.0, 1 - share * size) for size in sizes)  # by the smallest classes, which get one clip each
    for label, size in enumerate(sizes):
        inside = int(chosen[labels == label].sum())
        assert 1 <= inside < size
        assert abs(inside - share * size) < 1.0 + forced + 1e-9
    assert abs(chosen.sum() - max(share * len(labels), len(sizes))) <= 0.5 * len(sizes) + 1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999))
def test_groups_of_mixed_classes_come_close_to_the_shares(seed):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(60), rng.integers(1, 9, 60))
    counts = np.eye(4, dtype=bool)[rng.integers(0, 4, len(groups))]
    chosen = choose_part(counts, groups, 0.2, rng)
    shares = counts[chosen].sum(axis=0) / counts.sum(axis=0)
    assert np.abs(shares - 0.2).max() < 0.06
    assert abs(chosen.mean() - 0.2) < 0.03


def test_other_seeds_choose_other_clips():
    counts, groups = np.ones((50, 1), bool), np.arange(50)
    parts = {tuple(np.flatnonzero(choose_part(counts, groups, 0.2, np.random.default_rng(s)))) for s in range(5)}
    assert len(parts) == 5
    assert {len(part) for part in parts} == {10}


def test_a_class_in_one_group_stays_in_training_and_a_share_of_nothing_chooses_nothing():
    counts = np.eye(2, dtype=bool)[[0, 0, 0, 1, 1, 1]]
    groups = np.array([0, 1, 2, 3, 3, 3])
    chosen = choose_part(counts, groups, 0.3, np.random.default_rng(0))
    assert chosen[:3].sum() == 1
    assert not chosen[3:].any()
    assert not choose_part(counts, groups, 0.0, np.random.default_rng(0)).any()


def test_one_giant_group_goes_to_training_not_into_a_small_part():
    groups = np.array([0] * 80 + list(range(1, 21)))
    chosen = choose_part(np.ones((100, 1), bool), groups, 0.2, np.random.default_rng(3))
    assert not chosen[:80].any()
    assert chosen[80:].sum() >= 15


def test_a_large_data_set_takes_little_time():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 50, 100_000)
    chosen = choose_part(np.eye(50, dtype=bool)[labels], np.arange(100_000), 0.2, rng)
    shares = np.bincount(labels[chosen], minlength=50) / np.bincount(labels)
    assert shares == pytest.approx(np.full(50, 0.2), abs=0.001)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=30))
def test_merging_joins_exactly_what_the_pairs_connect(pairs):
    merged = merge_groups(20, pairs)
    reach = np.eye(20, dtype=bool)
    for a, b in pairs:
        reach[a, b] = reach[b, a] = True
    for _ in range(5):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    np.testing.assert_array_equal(merged[:, None] == merged[None], reach)
    assert list(dict.fromkeys(merged.tolist())) == list(range(merged.max() + 1))


def test_no_class_is_lost_to_training_for_the_sake_of_another():
    labels = np.array([1, 2, 3, 3, 0])  # class 3 is in both groups, the others in one each
    counts = np.eye(4, dtype=bool)[labels]
    groups = np.array([0, 1, 1, 0, 0])
    for seed in range(5):
        assert not choose_part(counts, groups, 0.5, np.random.default_rng(seed)).any()
