"""Calibration errors: known cases, chance, intervals, ties; and the picture of them."""

import itertools

import numpy as np
import pytest

from audiocls.evaluation.calibration import calibration_scores, expected_calibration_error
from audiocls.evaluation.plots import png_bytes
from audiocls.evaluation.reliability_plot import reliability_figure

RNG = np.random.default_rng(3)


def sure_scores(confidences, num_labels=4):
    """Scores whose highest, of label 0, is as given."""
    rest = (1 - confidences)[:, None] / (num_labels - 1)
    return np.concatenate([confidences[:, None], np.repeat(rest, num_labels - 1, axis=1)], axis=1)


def outcomes_to_targets(right):
    return np.where(right, 0, 1)


@pytest.fixture(scope="module")
def calibrated():
    confidences = RNG.uniform(0.4, 1, 3000)
    return outcomes_to_targets(RNG.random(3000) < confidences), sure_scores(confidences)


def test_the_error_is_the_gap_between_confidence_and_accuracy():
    scores = sure_scores(np.full(100, 0.9))
    targets = outcomes_to_targets(np.arange(100) < 70)
    assert expected_calibration_error(targets, scores) == pytest.approx(0.2)


def test_bins_hold_equally_many_clips_and_the_error_is_their_mean():
    confidences = np.sort(RNG.uniform(0.4, 1, 70))
    right = RNG.random(70) < 0.6
    shuffled = RNG.permutation(70)
    found = calibration_scores(outcomes_to_targets(right)[shuffled], sure_scores(confidences)[shuffled])
    edges = np.round(np.arange(16) * 70 / 15).astype(int)
    gaps = [abs((right - confidences)[first:last].sum()) for first, last in itertools.pairwise(edges)]
    assert found["ece"] == pytest.approx(sum(gaps) / 70)
    assert [each["count"] for each in found["bins"]] == np.diff(edges).tolist()
    assert all(each["low"] <= each["accuracy"] <= each["high"] for each in found["bins"])


def test_the_order_of_clips_plays_no_role_even_among_equal_scores():
    confidences = RNG.choice([0.5, 0.7, 1.0], 200)
    targets, scores = outcomes_to_targets(RNG.random(200) < confidences), sure_scores(confidences)
    order = RNG.permutation(200)
    found = expected_calibration_error(targets, scores)
    assert expected_calibration_error(targets[order], scores[order]) == pytest.approx(found, abs=1e-12)


def test_calibrated_scores_show_about_the_chance_level_and_others_more(calibrated):
    targets, scores = calibrated
    found = calibration_scores(targets, scores)
    assert 0 < found["ece"] < found["chance_high"] < 0.05
    assert found["interval"][0] <= found["ece"] <= found["interval"][1]
    sharper = scores**3 / (scores**3).sum(1, keepdims=True)
    wrong = calibration_scores(targets, sharper)
    assert wrong["ece"] > 3 * wrong["chance"]
    assert wrong["interval"][0] > wrong["chance"]


def test_few_clips_have_a_higher_chance_level(calibrated):
    targets, scores = calibrated
    chances = [calibration_scores(targets[:size], scores[:size])["chance"] for size in (30, 300, 3000)]
    assert chances[0] > 2 * chances[1] > 4 * chances[2]


def test_fewer_clips_than_bins_give_a_bin_each():
    found = calibration_scores(np.array([0, 0, 1]), sure_scores(np.array([0.9, 0.8, 0.6])))
    assert [each["count"] for each in found["bins"]] == [1, 1, 1]
    assert found["ece"] == pytest.approx((0.1 + 0.2 + 0.6) / 3)


def test_groups_widen_the_interval():
    targets, scores = outcomes_to_targets(np.repeat(np.arange(60) % 5 < 2, 50)), sure_scores(np.full(3000, 0.9))
    groups = [f"take {number // 50}" for number in range(3000)]
    widths = [np.diff(calibration_scores(targets, scores, groups=each)["interval"])[0] for each in (None, groups)]
    assert widths[1] > 4 * widths[0]  # the root of 50, had the groups been drawn without end


def test_several_labels_a_clip_are_judged_label_by_label():
    scores = RNG.random((500, 3))
    targets = (RNG.random((500, 3)) < scores).astype(np.float32)
    found = calibration_scores(targets, scores, multi_label=True)
    assert sum(each["count"] for each in found["bins"]) == 1500
    assert found["ece"] < found["chance_high"]
    assert calibration_scores(targets, scores / 2, multi_label=True)["ece"] == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize("size", [1, 70, 3000])
def test_the_picture_shows_every_bin(calibrated, size):
    targets, scores = calibrated
    found = calibration_scores(targets[:size], scores[:size])
    figure = reliability_figure(found, "data$set", before=found)
    axes = figure.axes[0]
    bars = next(each for each in axes.collections if hasattr(each, "get_segments"))
    assert len(bars.get_segments()) == len(found["bins"]) == min(size, 15)
    lowest = axes.get_ylim()[0]
    assert all(each["low"] >= lowest for each in found["bins"])
    assert png_bytes(figure).startswith(b"\x89PNG")
