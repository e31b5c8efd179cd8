"""Intervals of cross-validated scores: cover the truth, widen with groups, and pair what is compared."""

import numpy as np
import pytest
from scipy.stats import binomtest

from audiocls.comparison.cross_validation import fold_scores
from audiocls.comparison.resampling import Bootstrap, difference_interval

RNG = np.random.default_rng(0)
CLIPS, LABELS = 300, 3
TARGETS = RNG.integers(0, LABELS, CLIPS)
FOLDS = np.arange(CLIPS) % 5


def answers(right):
    """Probabilities that are right where `right` is True."""
    given = np.where(right, TARGETS, (TARGETS + 1) % LABELS)
    return np.eye(LABELS, dtype=np.float32)[given]


def test_the_score_is_the_mean_over_the_folds():
    scores = answers(RNG.random(CLIPS) < 0.7)
    folds = [fold_scores(TARGETS[rows], scores[rows], LABELS, False) for rows in np.arange(CLIPS).reshape(-1, 5).T]
    point = Bootstrap(TARGETS, FOLDS, [None] * CLIPS, LABELS).point(scores)
    for name, value in point.items():
        assert value == pytest.approx(np.mean([fold[name] for fold in folds]))


def test_the_interval_has_the_width_that_theory_gives():
    bootstrap = Bootstrap(TARGETS, FOLDS, [None] * CLIPS, LABELS)
    scores = answers(RNG.random(CLIPS) < 0.7)
    low, high = bootstrap.interval(bootstrap.draws(scores)["accuracy"])
    assert low < bootstrap.point(scores)["accuracy"] < high
    assert (high - low) / 2 == pytest.approx(1.96 * np.sqrt(0.7 * 0.3 / CLIPS), rel=0.15)


def test_groups_that_stand_and_fall_together_widen_it():
    group = np.arange(CLIPS) // 10 * 5 + FOLDS  # of two clips each, within a fold
    scores = answers((np.random.default_rng(1).random(CLIPS) < 0.7)[group])
    alone = Bootstrap(TARGETS, FOLDS, [None] * CLIPS, LABELS)
    together = Bootstrap(TARGETS, FOLDS, group.tolist(), LABELS)
    widths = [np.ptp(difference_interval(each.draws(scores)["accuracy"])) for each in (alone, together)]
    assert widths[1] / widths[0] == pytest.approx(np.sqrt(2), rel=0.15)


def test_differences_are_paired():
    """Two models that err on the same clips but for a few differ more surely than either is sure by itself."""
    right = RNG.random(CLIPS) < 0.6
    better = right.copy()
    better[np.flatnonzero(~right)[:12]] = True
    bootstrap = Bootstrap(TARGETS, FOLDS, [None] * CLIPS, LABELS)
    first, second = (bootstrap.draws(answers(each))["accuracy"] for each in (better, right))
    low, high = difference_interval(second - first)
    assert high < 0  # surely worse
    assert high - low < 0.6 * np.ptp(difference_interval(first))
    np.testing.assert_array_equal(second, bootstrap.draws(answers(right))["accuracy"])


def test_all_right_is_not_certain():
    bootstrap = Bootstrap(TARGETS, FOLDS, [None] * CLIPS, LABELS)
    low, high = bootstrap.interval(bootstrap.draws(answers(np.ones(CLIPS, bool)))["balanced_accuracy"])
    assert 0.95 < low < 1
    assert high == 1


def test_several_labels_a_clip():
    targets = (RNG.random((CLIPS, LABELS)) < 0.3).astype(np.float32)
    scores = np.where(RNG.random((CLIPS, LABELS)) < 0.9, targets, 1 - targets)
    bootstrap = Bootstrap(targets, FOLDS, [None] * CLIPS, LABELS)
    found = bootstrap.point(scores)
    assert found["balanced_accuracy"] == pytest.approx(0.9, abs=0.05)
    assert found["accuracy"] == pytest.approx(0.9**3, abs=0.08)


@pytest.mark.parametrize(("gained", "lost"), [(9, 2), (8, 6), (40, 22), (0, 0), (3, 0)])
def test_for_accuracy_of_single_clips_it_is_mcnemars_test(gained, lost):
    """Exactly where all swaps are counted, and as near as 10,000 of them come elsewhere."""
    right = np.arange(CLIPS) % 3 > 0
    other = right.copy()
    other[np.flatnonzero(~right)[:gained]] = True
    other[np.flatnonzero(right)[:lost]] = False
    bootstrap = Bootstrap(TARGETS, FOLDS, [None] * CLIPS, LABELS)
    p_value = bootstrap.p_value(answers(right), answers(other), "accuracy")
    wanted = binomtest(lost, gained + lost).pvalue if gained + lost else 1.0
    assert p_value == pytest.approx(wanted, abs=1e-9 if gained + lost <= 14 else 0.01)
    assert bootstrap.p_value(answers(other), answers(right), "accuracy") == p_value


def test_answers_to_a_group_count_once():
    """Sixty clips of six recordings answered better are six pieces of evidence, not sixty."""
    right = np.arange(CLIPS) % 2 > 0
    better = right.copy()
    better[:60] = True
    alone = Bootstrap(TARGETS, np.zeros(CLIPS, int), [None] * CLIPS, LABELS)
    together = Bootstrap(TARGETS, np.zeros(CLIPS, int), (np.arange(CLIPS) // 10).tolist(), LABELS)
    for score in ("accuracy", "balanced_accuracy", "macro_f1"):
        assert alone.p_value(answers(better), answers(right), score) < 0.001
        assert together.p_value(answers(better), answers(right), score) >= 2 / 2**6


def test_models_that_are_alike_are_told_apart_as_seldom_as_promised():
    rng = np.random.default_rng(7)
    groups = (np.arange(CLIPS) // 4).tolist()
    bootstrap = Bootstrap(TARGETS, np.arange(CLIPS) // 4 % 5, groups, LABELS)
    found = []
    for _ in range(30):
        hard = rng.random(CLIPS) < 0.4  # for both
        each = [answers(~hard | np.repeat(rng.random(CLIPS // 4) < 0.3, 4)) for _ in range(2)]
        found.append(bootstrap.p_value(*each, "macro_f1"))
    assert np.mean(np.array(found) < 0.1) < 0.25
    assert 0.3 < np.mean(found) < 0.7


def test_the_best_of_many_equals_flatters_and_a_clear_winner_does_not():
    rng = np.random.default_rng(3)
    bootstrap = Bootstrap(TARGETS, FOLDS, [None] * CLIPS, LABELS)
    equals = [answers(rng.random(CLIPS) < 0.7) for _ in range(20)]
    best = max(bootstrap.point(each)["accuracy"] for each in equals)
    flattery = bootstrap.flattery(equals, "accuracy")
    assert best - flattery == pytest.approx(0.7, abs=0.02)
    assert flattery > 0.02
    clear = [*equals, answers(rng.random(CLIPS) < 0.95)]
    assert bootstrap.flattery(clear, "accuracy") == 0
    assert bootstrap.flattery(equals[:1], "macro_f1") == 0
