"""Turns: the grid is the product, random draws are random and depend on no process, interrupted trials come again."""

import itertools

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from audiocls.tuning.space import Choices, Range
from audiocls.tuning.turns import Tally, TurnSampler, draw, grid_point, repeat, turns_of

MIXED = {"a": Range(1e-4, 1e-1, log=True), "b": Choices(("x", "y", "z")), "c": Range(2, 20, step=2, whole=True)}


@pytest.fixture(autouse=True)
def _quiet():
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)


def drawn(search, space, trials, seed=0, objective=lambda chosen: 0.0, study=None):
    study = study or optuna.create_study(direction="maximize")
    study.sampler = TurnSampler(search, space, seed)
    study.optimize(lambda trial: objective(draw(trial, space)), n_trials=trials)
    return study


def test_a_grid_is_every_combination_of_the_listed_values_once():
    space = {"a": Choices((1, 2, 3)), "b": Choices((None, "x")), "c": Choices((0.1, 0.2))}
    study = drawn("grid", space, 12)
    seen = [tuple(trial.params[name] for name in space) for trial in study.trials]
    assert sorted(seen, key=str) == sorted(itertools.product((1, 2, 3), (None, "x"), (0.1, 0.2)), key=str)


def test_the_first_half_of_a_grid_has_seen_every_value():
    space = {"a": Choices(tuple(range(10))), "b": Choices(tuple(range(10)))}
    points = [grid_point(space, turn, 0) for turn in range(50)]
    assert {point["a"] for point in points} == {point["b"] for point in points} == set(range(10))
    assert points != [grid_point(space, turn, 1) for turn in range(50)]


def test_random_draws_are_uniform_in_the_logarithm_and_independent():
    study = drawn("random", MIXED, 400, objective=lambda chosen: chosen["a"])  # the score must not matter
    a = np.log10([trial.params["a"] for trial in study.trials])
    c = np.array([trial.params["c"] for trial in study.trials])
    assert np.all(np.abs(np.histogram(a, 4, (-4, -1))[0] - 100) < 45)  # five standard deviations
    assert set(c) == set(range(2, 21, 2))
    assert np.abs(np.corrcoef(a[:-1], a[1:])[0, 1]) < 0.2
    assert np.abs(np.corrcoef(a, c)[0, 1]) < 0.2
    counts = [[trial.params["b"] for trial in study.trials].count(value) for value in "xyz"]
    assert min(counts) > 90


@pytest.mark.parametrize("search", ["random", "tpe"])
def test_the_same_seed_draws_the_same_in_one_go_or_in_several(search):
    def score(chosen):
        return -abs(np.log10(chosen["a"]) + 2)

    whole = drawn(search, MIXED, 16, objective=score)
    parts = drawn(search, MIXED, 7, objective=score)
    parts = drawn(search, MIXED, 9, objective=score, study=parts)
    assert [trial.params for trial in parts.trials] == [trial.params for trial in whole.trials]
    other = drawn(search, MIXED, 16, seed=1, objective=score)
    assert [trial.params for trial in other.trials] != [trial.params for trial in whole.trials]


def test_tpe_learns_from_the_trials_before():
    def score(chosen):
        return -abs(np.log10(chosen["a"]) + 2)

    found = np.array(
        [[score(trial.params) for trial in drawn("tpe", MIXED, 60, seed, score).trials] for seed in range(3)]
    )
    assert found[:, 40:].mean() > found[:, :10].mean() + 0.3


def test_interrupted_trials_keep_their_turn_and_settings():
    space = {"a": Choices(tuple(range(6)))}
    study = optuna.create_study(sampler=TurnSampler("grid", space, 0))

    def objective(trial):
        value = draw(trial, space)["a"]
        if trial.number in (1, 3):
            raise RuntimeError
        return value

    while len(Tally.of(study.trials, 6).finished) < 6:
        study.optimize(objective, n_trials=1, catch=(RuntimeError,))
        for trial in Tally.of(study.trials, 6).lost.values():
            repeat(study, trial)
    tally = Tally.of(study.trials, 6)
    assert len(study.trials) == 8
    assert sorted(trial.params["a"] for trial in tally.finished.values()) == list(range(6))
    failed = [trial for trial in study.trials if trial.state == TrialState.FAIL]
    turns = turns_of(study.trials)
    for trial in failed:
        assert tally.finished[turns[trial.number]].params == trial.params


def test_turns_beyond_the_limit_do_not_count():
    study = optuna.create_study()
    for _ in range(5):
        study.ask()
    tally = Tally.of(study.trials, 3)
    assert tally.running == {0, 1, 2}
    assert not tally.finished
