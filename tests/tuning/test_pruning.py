"""Pruning: against the median of full trials over the same folds, and never before there is enough to compare."""

import optuna
import pytest

from audiocls.tuning.pruning import FULL_TRIALS_FIRST, MedianFoldPruner, make_pruner


@pytest.fixture
def study():
    study = optuna.create_study(direction="maximize", pruner=MedianFoldPruner())
    for number in range(FULL_TRIALS_FIRST):
        trial = study.ask()
        for step, score in enumerate((0.9, 0.7 + number / 100, 0.6), 1):
            trial.report(score, step)
        study.tell(trial, 0.6)
    return study


def pruned_at(study, scores):
    trial = study.ask()
    for step, score in enumerate(scores, 1):
        trial.report(score, step)
        if trial.should_prune():
            return step
    return None


def test_a_trial_below_the_median_ends_after_two_folds(study):
    assert pruned_at(study, (0.9, 0.71, 0.9)) == 2


def test_an_easy_first_fold_saves_no_trial(study):
    assert pruned_at(study, (0.99, 0.71, 0.9)) == 2


def test_a_trial_above_the_median_goes_on(study):
    assert pruned_at(study, (0.1, 0.73, 0.61)) is None


def test_nothing_is_pruned_before_enough_trials_ran_all_folds():
    assert pruned_at(optuna.create_study(direction="maximize", pruner=MedianFoldPruner()), (0.0, 0.0, 0.0)) is None


def test_a_grid_is_pruned_only_when_asked():
    assert isinstance(make_pruner("grid", None), optuna.pruners.NopPruner)
    assert isinstance(make_pruner("grid", True), MedianFoldPruner)
    assert isinstance(make_pruner("tpe", None), MedianFoldPruner)
    assert isinstance(make_pruner("random", False), optuna.pruners.NopPruner)
