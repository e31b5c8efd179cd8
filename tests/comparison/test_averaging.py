"""Models that err differently answer together, in shares that follow from how much each adds."""

import numpy as np
import pytest

from audiocls.comparison import averaging
from audiocls.comparison.averaging import best_mixture, mean_loss, mean_scores, mixture_weights
from audiocls.comparison.resampling import Bootstrap

CLIPS, LABELS = 600, 3
TARGETS = np.arange(CLIPS) % LABELS
BOOTSTRAP = Bootstrap(TARGETS, np.arange(CLIPS) // 3 % 3, [None] * CLIPS, LABELS)


def model(skill, seed, certain=0.6):
    right = np.random.default_rng(seed).permutation(CLIPS) < skill * CLIPS
    given = np.where(right, TARGETS, (TARGETS + 1 + seed % 2) % LABELS)
    return ((1 - certain) / LABELS + certain * np.eye(LABELS)[given]).astype(np.float32)


def test_models_that_err_differently_answer_together():
    scores = {str(seed): model(0.8, seed) for seed in range(3)}
    members = best_mixture(scores, BOOTSTRAP)
    assert set(members) == {"0", "1", "2"}
    assert list(members.values()) == pytest.approx([1 / 3] * 3, abs=0.1)
    mean = mean_scores([scores[name] for name in members], list(members.values()))
    assert BOOTSTRAP.point(mean)["accuracy"] > 0.85


def test_a_poor_model_is_left_out():
    """It would get some weight beside a model that is far too sure of itself, and none beside an honest one."""
    assert list(best_mixture({"good": model(0.9, 0, 0.85), "poor": model(0.35, 1)}, BOOTSTRAP)) == ["good"]


def test_a_mean_that_clearly_answers_worse_is_not_taken(monkeypatch):
    monkeypatch.setattr(averaging, "mixture_weights", lambda scores, targets: np.array([0.5, 0.5]))
    assert best_mixture({"timid": model(0.9, 0, 0.3), "loud": model(0.5, 1, 0.95)}, BOOTSTRAP) == {"timid": 1.0}


def test_one_model_answers_alone():
    assert best_mixture({"only": model(0.8, 0)}, BOOTSTRAP) == {"only": 1.0}


def test_only_the_best_few_are_tried_together():
    scores = {str(seed): model(0.7 + 0.02 * seed, seed) for seed in range(5)}
    assert set(best_mixture(scores, BOOTSTRAP)) <= {"2", "3", "4"}


@pytest.mark.parametrize("several", [False, True])
def test_no_other_weights_make_the_targets_likelier(several):
    scores = [model(skill, seed) for seed, skill in enumerate((0.85, 0.75, 0.6))]
    targets = np.eye(LABELS, dtype=np.float32)[TARGETS] if several else TARGETS
    weights = mixture_weights(scores, targets)
    assert weights.sum() == pytest.approx(1)
    best = mean_loss(mean_scores(scores, weights), targets)
    for other in np.random.default_rng(0).dirichlet([1, 1, 1], 50):
        assert mean_loss(mean_scores(scores, other), targets) >= best - 1e-6


def test_loss_of_one_and_of_several_labels():
    one = mean_loss(np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([0, 1]))
    assert one == pytest.approx(-np.log([0.5, 0.75]).mean())
    several = mean_loss(np.array([[0.5, 0.25]]), np.array([[1.0, 0.0]]))
    assert several == pytest.approx(-np.log([0.5, 0.75]).mean())
