"""The solver agrees with scikit-learn's, and its folds keep groups together."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from audiocls.pretrained.linear import Rows, fit_linear, held_out_scores, make_folds, mean_loss


def problem(num_rows=60, width=8, num_labels=3, seed=0):
    generator = np.random.default_rng(seed)
    targets = generator.integers(num_labels, size=num_rows)
    features = generator.standard_normal((num_rows, width)) + 0.8 * np.eye(num_labels, width)[targets]
    return (3 * features + 5).astype(np.float32), targets


@pytest.mark.parametrize(("num_rows", "width"), [(60, 8), (30, 100)])
@pytest.mark.parametrize("strength", [1.0, 0.01])
def test_it_is_regularised_logistic_regression_of_standardised_features(num_rows, width, strength):
    features, targets = problem(num_rows, width)
    weights = np.random.default_rng(1).uniform(0.5, 2, num_rows)
    rows = Rows(features, np.arange(num_rows), targets, weights)
    linear = fit_linear(rows, 3, [10.0, strength])[1]
    mean = np.average(features, axis=0, weights=weights)
    standard = (features - mean) / np.sqrt(np.average((features - mean) ** 2, axis=0, weights=weights))
    solver = LogisticRegression(C=1 / (strength * weights.sum()), tol=1e-8, max_iter=5000)
    expected = solver.fit(standard.astype(np.float64), targets, sample_weight=weights).predict_proba(standard)
    assert np.abs(linear.clip_scores(rows) - expected).max() < 3e-3


def test_several_labels_are_as_many_classifiers_and_constant_labels_stay_finite():
    features, classes = problem()
    targets = np.stack([classes == 0, classes > 0, np.zeros(60), np.ones(60)], axis=1).astype(np.float32)
    rows = Rows(features, np.arange(60), targets, np.ones(60))
    scores = fit_linear(rows, 4, [0.1])[0].clip_scores(rows)
    standard = ((features - features.mean(0)) / features.std(0)).astype(np.float64)
    solver = LogisticRegression(C=1 / (0.1 * 60), tol=1e-8).fit(standard, classes == 0)
    assert np.abs(scores[:, 0] - solver.predict_proba(standard)[:, 1]).max() < 3e-3
    assert np.allclose(scores[:, 0] + scores[:, 1], 1, atol=3e-3)
    assert (scores[:, 2] < 0.02).all()
    assert (scores[:, 3] > 0.98).all()


def test_windows_of_a_clip_share_its_weight():
    features, targets = problem()
    once = Rows(features, np.arange(60), targets, np.ones(60))
    thrice = Rows(np.repeat(features, 3, axis=0), np.repeat(np.arange(60), 3), targets, np.ones(60))
    one, other = fit_linear(once, 3, [0.1])[0], fit_linear(thrice, 3, [0.1])[0]
    assert np.allclose(one.clip_scores(once), other.clip_scores(thrice), atol=3e-3)


def test_classes_without_a_clip_and_constant_features_do_no_harm():
    features, targets = problem()
    features[:, 3] = 7.0
    linear = fit_linear(Rows(features, np.arange(60), targets, np.ones(60)), 5, [0.1])[0]
    rows = Rows(features, np.arange(60), targets, np.ones(60))
    assert np.isfinite(linear.weight).all()
    assert (linear.weight[:, 3] == 0).all()
    assert (linear.clip_scores(rows)[:, 3:] < 0.05).all()
    flat = Rows(np.ones((60, 8), np.float32), np.arange(60), targets, np.ones(60))
    assert np.allclose(fit_linear(flat, 3, [0.1])[0].clip_scores(flat)[0], np.bincount(targets) / 60, atol=1e-2)


def test_held_out_scores_are_of_classifiers_that_did_not_see_the_clip():
    features, _ = problem(num_rows=40, width=100)
    targets = np.random.default_rng(5).integers(2, size=40)  # nothing to learn, everything to remember
    rows = Rows(features, np.arange(40), targets, np.ones(40))
    folds = make_folds(targets, [None] * 40, seed=0)
    held_out = held_out_scores(rows, 2, [0.01], folds)[0]
    assert (fit_linear(rows, 2, [0.01])[0].clip_scores(rows).argmax(1) == targets).all()
    assert mean_loss(held_out, targets) > 0.6


def test_folds_keep_groups_together_and_classes_alike():
    targets = np.repeat([0, 1, 2], 20)
    groups = [f"group {clip // 4}" for clip in range(60)]
    folds = make_folds(targets, groups, seed=1)
    for group in set(groups):
        assert len({fold for fold, name in zip(folds, groups, strict=True) if name == group}) == 1
    assert (np.bincount(folds) == 12).all()
    assert all(set(targets[folds == fold]) == {0, 1, 2} for fold in range(5))
    assert (make_folds(targets, groups, seed=1) == folds).all()


@pytest.mark.parametrize("groups", [["one"] * 6, [None] * 6])
def test_nothing_is_divided_where_there_is_nothing_to_divide(groups):
    targets = np.arange(6) if groups[0] is None else np.array([0, 0, 0, 1, 1, 1])
    assert not make_folds(targets, groups, seed=0).any()


def test_clips_of_several_labels_are_divided_by_their_rarest():
    targets = np.zeros((40, 3), np.float32)
    targets[:, 0] = 1
    targets[::5, 1] = 1
    folds = make_folds(targets, [None] * 40, seed=0)
    assert all(targets[folds == fold, 1].sum() in (1, 2) for fold in range(5))
