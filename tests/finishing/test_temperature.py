"""Scalings: that they are found, that few clips do not lead astray, and that answers stay as they are."""

import numpy as np
import pytest
from scipy.special import expit, softmax

from audiocls.evaluation.calibration import calibration_scores
from audiocls.finishing.temperature import Scaling, fit_scaling

RNG = np.random.default_rng(8)


def single(size, temperature, spread=3.0):
    """Probabilities that are right as often as they say at this temperature, and the targets."""
    logits = RNG.normal(0, spread, (size, 5))
    targets = np.array([RNG.choice(5, p=p) for p in softmax(logits / temperature, axis=1)])
    return softmax(logits, axis=1), targets


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_temperature_of_many_clips_is_found(temperature):
    scores, targets = single(2500, temperature)
    scaling = fit_scaling(scores, targets, multi_label=False)
    assert scaling.temperature == pytest.approx(temperature, rel=0.1)
    after = scaling.scores(scores, False)
    assert (after.argmax(1) == scores.argmax(1)).all()
    assert after.sum(1) == pytest.approx(1)
    fresh, truth = single(2500, temperature)
    found = calibration_scores(truth, scaling.scores(fresh, False))
    assert found["ece"] < found["chance_high"] + 0.01


def test_a_few_clips_all_answered_rightly_do_not_make_a_model_certain():
    scores, targets = softmax(np.tile([1.5, 0, 0, 0, 0], (20, 1)), axis=1), np.zeros(20, int)
    surest = fit_scaling(scores, targets, False).scores(scores, False).max()
    assert scores.max() < surest < 0.98


def test_a_few_clips_all_answered_wrongly_leave_something_to_say():
    scores, targets = softmax(np.tile([4.0, 0, 0, 0, 0], (20, 1)), axis=1), np.ones(20, int)
    after = fit_scaling(scores, targets, False).scores(scores, False)
    assert 0.2 < after.max() < 0.6
    assert (after.argmax(1) == 0).all()


def test_one_clip_changes_little():
    assert fit_scaling(np.array([[0.6, 0.4]]), np.array([0]), False).temperature == pytest.approx(1, abs=0.2)


def test_scores_of_zero_and_one_are_no_trouble():
    scores = np.eye(3)[RNG.integers(3, size=60)]
    targets = np.where(RNG.random(60) < 0.8, scores.argmax(1), (scores.argmax(1) + 1) % 3)
    after = fit_scaling(scores, targets, False).scores(scores, False)
    assert np.isfinite(after).all()
    assert 0.6 < after.max() < 0.95


def test_several_labels_have_a_scale_and_a_bias_each():
    logits = RNG.normal(0, 2, (5000, 2))
    truth = expit(logits * [0.5, 2.0] + [1.0, -1.0])
    targets = (RNG.random(truth.shape) < truth).astype(np.float32)
    scaling = fit_scaling(expit(logits), targets, multi_label=True)
    assert scaling.scale == pytest.approx([0.5, 2.0], rel=0.15)
    assert scaling.bias == pytest.approx([1.0, -1.0], abs=0.15)
    assert np.abs(scaling.scores(expit(logits), True) - truth).max() < 0.05


@pytest.mark.parametrize("present", [0, 1, 40])
def test_a_label_that_nearly_no_clip_or_every_clip_has_stays_within_reason(present):
    scores = expit(RNG.normal(0, 1, (40, 2)))
    targets = np.zeros((40, 2), np.float32)
    targets[:, 0] = scores[:, 0] > 0.5
    targets[:present, 1] = 1
    after = fit_scaling(scores, targets, True).scores(scores, True)[:, 1]
    assert 0.001 < after.min() < after.max() < 0.999


def test_scalings_compose_and_can_be_undone():
    one, two = Scaling(np.array([2.0, 0.5]), np.array([1.0, -1.0])), Scaling(np.array([0.25, 3.0]))
    scores = expit(RNG.normal(0, 1, (10, 2)))
    both = two.after(one).scores(scores, True)
    np.testing.assert_allclose(both, two.scores(one.scores(scores, True), True), atol=1e-6)
    np.testing.assert_allclose(two.after(one).undone(both, True), scores, atol=1e-5)
    assert two.after(two).bias is None
