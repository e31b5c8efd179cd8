"""Thresholds: where they must lie, and when one half stays."""

import numpy as np
import pytest

from audiocls.finishing.thresholds import balanced_accuracy, best_threshold, chosen_thresholds, f1

RNG = np.random.default_rng(2)


def f1_at(threshold, scores, wanted):
    given = scores > threshold
    return 2 * (given & wanted).sum() / max(given.sum() + wanted.sum(), 1)


def overlapping(size, share, height, noise=0.1):
    wanted = RNG.random(size) < share
    return np.clip(np.where(wanted, height, 0.1) + RNG.normal(0, noise, size), 0, 1), wanted


def test_a_label_with_low_scores_gets_a_low_threshold_that_helps_new_clips():
    threshold = best_threshold(*overlapping(300, 0.2, 0.35), f1, 0.6)
    assert 0.15 < threshold < 0.32
    fresh = overlapping(5000, 0.2, 0.35)
    assert f1_at(threshold, *fresh) > f1_at(0.5, *fresh) + 0.2


def test_in_a_gap_it_lies_in_the_middle():
    scores = np.concatenate([np.full(20, 0.1), np.full(20, 0.3)])
    assert best_threshold(scores, scores > 0.2, f1, 0.6) == pytest.approx(0.2, abs=0.01)
    spread = np.concatenate([np.linspace(0, 0.1, 20), np.linspace(0.3, 0.4, 20)])
    assert best_threshold(spread, spread > 0.2, f1, 0.6) == pytest.approx(0.2, abs=0.01)
    assert best_threshold(scores, scores > 0.2, balanced_accuracy, 0.9) == pytest.approx(0.2, abs=0.01)


def test_one_half_stays_where_nothing_is_clearly_better():
    scores = np.concatenate([np.full(20, 0.1), np.full(20, 0.9)])
    assert best_threshold(scores, scores > 0.5, f1, 0.6) == 0.5
    scores = RNG.uniform(0, 1, 60)
    assert best_threshold(scores, RNG.random(60) < scores, balanced_accuracy, 0.9) == 0.5


@pytest.mark.parametrize("present", [0, 4, 56, 60])
def test_one_half_stays_where_too_few_clips_have_or_lack_the_label(present):
    assert best_threshold(np.full(60, 0.2), np.arange(60) < present, f1, 0.6) == 0.5


def test_rare_labels_are_found_by_balanced_accuracy():
    scores, wanted = overlapping(400, 0.05, 0.4)
    threshold = best_threshold(scores, wanted, balanced_accuracy, 0.9)
    assert 0.15 < threshold < 0.35


def test_thresholds_of_a_model():
    scores, wanted = overlapping(300, 0.3, 0.35)
    two = np.stack([1 - scores, scores], axis=1)
    found = chosen_thresholds(two, wanted.astype(int), ["no", "yes"], multi_label=False)
    assert set(found) == {"no", "yes"}
    assert found["no"] + found["yes"] == pytest.approx(1)
    assert found["yes"] < 0.4
    several = chosen_thresholds(two, np.stack([~wanted, wanted], axis=1), ["no", "yes"], multi_label=True)
    assert set(several) == {"no", "yes"}
    assert several["yes"] < 0.4
    assert chosen_thresholds(np.eye(3), np.arange(3), list("abc"), multi_label=False) is None


def test_very_many_clips_pass():
    scores, wanted = overlapping(60_000, 0.2, 0.35)
    assert 0.15 < best_threshold(scores, wanted, f1, 0.6) < 0.32
