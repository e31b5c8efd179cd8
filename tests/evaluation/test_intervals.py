import numpy as np
import pytest

from audiocls.evaluation.intervals import bootstrap_intervals, resampling_units, wilson_interval


def accuracy_interval(right: np.ndarray, units: np.ndarray, seed: int = 0, draws: int = 1000) -> tuple[float, float]:
    """Two classes, true class 0 throughout; given 0 where right."""
    targets = np.arange(len(right)) % 2
    given = np.where(right, targets, 1 - targets)
    return bootstrap_intervals(targets, given, 2, units, np.random.default_rng(seed), draws).overall["accuracy"]


def test_95_percent_of_the_intervals_hold_the_truth():
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(300):
        low, high = accuracy_interval(generator.random(100) < 0.8, np.arange(100), seed=1, draws=300)
        held += low <= 0.8 <= high
    assert 0.90 <= held / 300 <= 0.98


def recall_intervals(right: np.ndarray, units: np.ndarray, draws: int = 1000) -> list:
    """Two classes in turn; the intervals of their recalls."""
    targets = np.arange(len(right)) % 2
    found = bootstrap_intervals(
        targets, np.where(right, targets, 1 - targets), 2, units, np.random.default_rng(1), draws
    )
    return found.per_class["recall"]


def test_95_percent_of_the_intervals_of_a_class_hold_its_truth():
    generator = np.random.default_rng(0)
    held = [
        low <= 0.7 <= high
        for _ in range(150)
        for low, high in recall_intervals(generator.random(40) < 0.7, np.arange(40), 300)
    ]
    assert 0.91 <= np.mean(held) <= 0.99


def test_a_class_that_lies_in_one_group_is_not_taken_for_certain():
    right, units = np.arange(24) % 4 != 0, np.repeat([0, 1, 2], 8)
    units = np.where(np.arange(24) % 2 == 0, 0, units)  # all of the first class in one group, half of it right
    low, high = recall_intervals(right, units)[0]
    assert (low, high) == pytest.approx(wilson_interval(0.5, 1))


def test_a_class_that_is_never_given_leaves_its_precision_open_and_one_without_clips_has_nothing():
    targets, given = np.array([0, 0, 1, 1]), np.array([0, 0, 0, 0])
    found = bootstrap_intervals(targets, given, 3, np.arange(4), np.random.default_rng(0)).per_class
    assert found["precision"][1:] == [(0.0, 1.0), None]
    assert found["recall"][1:] == [pytest.approx(wilson_interval(0.0, 2)), None]
    assert found["f1"][2] is None


def test_groups_that_fare_alike_are_not_taken_for_certain():
    right = np.tile([True, True, False, False], 3)
    low, high = accuracy_interval(right, np.repeat([0, 1, 2], 4))
    assert (low, high) == pytest.approx(wilson_interval(0.5, 3))


def test_copies_of_a_clip_in_one_group_make_the_interval_no_narrower():
    right = np.random.default_rng(2).random(60) < 0.8
    once = accuracy_interval(right, np.arange(60))
    ten_times = accuracy_interval(np.repeat(right, 10), np.repeat(np.arange(60), 10))
    taken_apart = accuracy_interval(np.repeat(right, 10), np.arange(600))
    assert ten_times == pytest.approx(once, abs=0.03)
    assert taken_apart[1] - taken_apart[0] < 0.5 * (once[1] - once[0])


def test_few_clips_all_right_are_no_certainty():
    low, high = accuracy_interval(np.ones(5, bool), np.arange(5))
    assert (low, high) == (pytest.approx(0.5655, abs=1e-4), 1.0)  # Wilson's interval of 5 of 5
    assert accuracy_interval(np.zeros(5, bool), np.arange(5)) == (0.0, pytest.approx(0.4345, abs=1e-4))


def test_wilson_interval_of_a_published_example():
    # 81 of 263, from Newcombe, Statistics in Medicine 17 (1998), table I
    assert wilson_interval(81 / 263, 263) == (pytest.approx(0.2553, abs=1e-4), pytest.approx(0.3662, abs=1e-4))


def test_each_seed_gives_its_own_draws_and_repeats_them():
    right = np.random.default_rng(3).random(50) < 0.7
    assert accuracy_interval(right, np.arange(50), seed=1, draws=100) == accuracy_interval(
        right, np.arange(50), seed=1, draws=100
    )
    intervals = {accuracy_interval(right, np.arange(50), seed=seed, draws=100) for seed in range(20)}
    assert len(intervals) > 1


def test_many_units_are_drawn_in_blocks_with_the_same_kind_of_result(monkeypatch):
    right = np.random.default_rng(4).random(200) < 0.7
    whole = accuracy_interval(right, np.arange(200))
    monkeypatch.setattr("audiocls.evaluation.intervals.BLOCK_CELLS", 1000)
    assert accuracy_interval(right, np.arange(200)) == whole


def test_units_follow_groups_and_clips_without_one_stand_alone():
    assert resampling_units(["a", None, "a", None, "b"], 5).tolist() == [0, 1, 0, 2, 3]
    assert resampling_units(None, 3).tolist() == [0, 1, 2]


def test_a_single_group_falls_back_to_clips():
    assert resampling_units(["a"] * 4, 4).tolist() == [0, 1, 2, 3]


def test_wrong_number_of_groups_is_refused():
    with pytest.raises(ValueError, match="2 groups for 3 clips"):
        resampling_units(["a", "b"], 3)
