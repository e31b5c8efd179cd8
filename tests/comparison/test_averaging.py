"""An average is taken when its members err differently, and not when it would be luck."""

import numpy as np
import pytest

from audiocls.comparison.averaging import best_average, mean_loss
from audiocls.comparison.resampling import Bootstrap

CLIPS, LABELS = 300, 3
TARGETS = np.arange(CLIPS) % LABELS
BOOTSTRAP = Bootstrap(TARGETS, np.arange(CLIPS) // 3 % 3, [None] * CLIPS, LABELS)


def model(skill, seed, certain=0.6):
    right = np.random.default_rng(seed).permutation(CLIPS) < skill * CLIPS
    given = np.where(right, TARGETS, (TARGETS + 1 + seed % 2) % LABELS)
    return ((1 - certain) / LABELS + certain * np.eye(LABELS)[given]).astype(np.float32)


def test_models_that_err_differently_are_averaged():
    scores = {str(seed): model(0.8, seed) for seed in range(3)}
    assert set(best_average(scores, BOOTSTRAP)) == {"0", "1", "2"}


def test_a_model_and_its_like_are_not():
    first = model(0.8, 0)
    assert best_average({"first": first, "same": first.copy()}, BOOTSTRAP) is None


def test_much_worse_ones_are_not_dragged_along():
    assert best_average({"good": model(0.97, 0), "poor": model(0.4, 1), "poor too": model(0.4, 2)}, BOOTSTRAP) is None


def test_one_model_has_no_average():
    assert best_average({"only": model(0.8, 0)}, BOOTSTRAP) is None


def test_loss_of_one_and_of_several_labels():
    assert mean_loss(np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([0, 1])) == pytest.approx(
        -np.log([0.5, 0.75]).mean()
    )
    several = mean_loss(np.array([[0.5, 0.25]]), np.array([[1.0, 0.0]]))
    assert several == pytest.approx(-np.log([0.5, 0.75]).mean())
