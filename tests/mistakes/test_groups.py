"""A group is marked when it fails beyond chance, not when its classes are hard or it is small."""

import numpy as np
from scipy.stats import fisher_exact

from audiocls.mistakes.groups import group_scores

CLASSES = np.arange(120) % 2
GROUPS = [f"speaker {clip // 2 % 6}" for clip in range(120)]


def test_the_group_that_fails_is_first_and_marked():
    right = np.array([name != "speaker 3" or clip % 9 == 0 for clip, name in enumerate(GROUPS)])
    worst, *others = group_scores(GROUPS, right, CLASSES)
    assert worst.name == "speaker 3"
    assert worst.fails
    assert worst.right == right[[name == "speaker 3" for name in GROUPS]].sum()
    assert worst.interval[0] < worst.accuracy < worst.interval[1] < worst.expected == 1
    assert not any(each.fails for each in others)


def test_a_group_of_hard_clips_does_as_expected():
    classes = np.array([1 if name in ("speaker 3", "speaker 4") else 0 for name in GROUPS])
    right = np.where(classes == 1, np.arange(120) // 12 % 2 == 0, True)
    found = {each.name: each for each in group_scores(GROUPS, right, classes)}
    assert found["speaker 3"].accuracy < 0.7
    assert abs(found["speaker 3"].expected - found["speaker 3"].accuracy) < 0.15
    assert not any(each.fails for each in found.values())


def test_chance_marks_groups_as_seldom_as_promised():
    rng = np.random.default_rng(0)
    marked = [any(each.fails for each in group_scores(GROUPS, rng.random(120) < 0.8, CLASSES)) for _ in range(200)]
    assert np.mean(marked) < 0.08


def test_with_one_class_it_is_fishers_exact_test():
    right = np.arange(60) % 3 > 0
    right[:10] = np.arange(10) < 3
    groups = ["a"] * 10 + ["b"] * 50
    found = {each.name: each for each in group_scores(groups, right, np.zeros(60))}
    table = [[3, 7], [right[10:].sum(), (~right[10:]).sum()]]
    assert np.isclose(found["a"].p_value, 2 * fisher_exact(table, "less").pvalue)  # corrected for two groups


def test_small_groups_and_clips_without_one_are_left_out():
    right = np.ones(12, bool)
    assert group_scores([None] * 12, right, np.zeros(12)) == []
    assert group_scores(["a"] * 12, right, np.zeros(12)) == []
    assert [each.name for each in group_scores(["a"] * 6 + ["b"] * 4 + [None] * 2, right, np.zeros(12))] == ["a"]
