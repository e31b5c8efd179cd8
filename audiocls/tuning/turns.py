"""Who does what in a study that several processes share: which turns are done, running, waiting or lost.

A turn is one point of the search, counted from 0. A new trial's turn is the number of new trials before it; a trial
that repeats an interrupted one says so from its creation and keeps that turn. Trial numbers are given out by the
storage one by one, so every process reads the same turns, no turn is taken twice, and a killed process loses none.
Optuna's GridSampler counts a killed trial as visited, and its RandomSampler begins its draws anew in every process.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, Trial, TrialState

from audiocls.tuning.space import Choices, Space, grid_size

AGAIN = "again"  # of a trial that repeats an interrupted one: its turn
REASON = "reason"  # of a trial whose settings cannot be used: why


def turns_of(trials: Sequence[FrozenTrial]) -> list[int]:
    """The turn of each trial of a study; trials in the order of their numbers."""
    turns, new = [], 0
    for trial in trials:
        again = trial.user_attrs.get(AGAIN)
        turns.append(new if again is None else int(again))
        new += again is None
    return turns


@dataclass
class Tally:
    """The turns of a study below a limit. finished: turn to its trial, ended well, pruned or impossible."""

    finished: dict[int, FrozenTrial] = field(default_factory=dict)
    running: set[int] = field(default_factory=set)
    waiting: set[int] = field(default_factory=set)
    lost: dict[int, FrozenTrial] = field(default_factory=dict)  # interrupted and not yet waiting again

    @classmethod
    def of(cls, trials: Sequence[FrozenTrial], limit: int) -> "Tally":
        tally = cls()
        for turn, trial in zip(turns_of(trials), trials, strict=True):
            if turn >= limit:
                continue
            if trial.state == TrialState.RUNNING:
                tally.running.add(turn)
            elif trial.state == TrialState.WAITING:
                tally.waiting.add(turn)
            elif trial.state == TrialState.FAIL and REASON not in trial.user_attrs:
                tally.lost[turn] = trial
            else:
                tally.finished.setdefault(turn, trial)
        taken = {*tally.finished, *tally.running, *tally.waiting}
        tally.lost = {turn: trial for turn, trial in tally.lost.items() if turn not in taken}
        return tally


def repeat(study: optuna.Study, trial: FrozenTrial) -> None:
    """Put an interrupted trial back in the queue, with the settings it had."""
    turn = turns_of(study.get_trials(deepcopy=False))[trial.number]
    study.add_trial(
        optuna.create_trial(
            state=TrialState.WAITING,
            params=trial.params,
            distributions=trial.distributions,
            user_attrs={AGAIN: turn},
        )
    )


def draw(trial: Trial, space: Space) -> dict[str, Any]:
    """The settings of a trial, drawn by the study's sampler, or those it already has."""
    chosen: dict[str, Any] = {}
    for name, dimension in space.items():
        if isinstance(dimension, Choices):
            chosen[name] = trial.suggest_categorical(name, dimension.values)
        elif dimension.whole:
            ends = int(dimension.low), int(dimension.high)
            chosen[name] = trial.suggest_int(name, *ends, step=int(dimension.step or 1), log=dimension.log)
        else:
            low, high = dimension.low, dimension.high
            chosen[name] = trial.suggest_float(name, low, high, step=dimension.step, log=dimension.log)
    return chosen


def grid_point(space: Space, turn: int, seed: int) -> dict[str, Any]:
    """One combination of a space of choices; turns from 0 to its size give each one once, shuffled by seed."""
    # Shuffled, so that a search that ends early has seen every part of the grid.
    left = int(np.random.default_rng(seed).permutation(grid_size(space))[turn])
    point: dict[str, Any] = {}
    for name, dimension in space.items():
        assert isinstance(dimension, Choices)
        left, index = divmod(left, len(dimension.values))
        point[name] = dimension.values[index]
    return point


class TurnSampler(BaseSampler):
    """Optuna's samplers, seeded by (seed, turn): what a turn draws depends on no process and on no interruption.

    random: every setting of every turn independently of all else (RandomSampler). tpe: by the tree-structured Parzen
    estimator (Bergstra et al., 2011) from what the study holds, after ten random turns (TPESampler).
    grid: the turn's combination.
    """

    def __init__(self, search: str, space: Space, seed: int) -> None:
        self._search, self._space, self._seed = search, space, seed
        self._point: dict[str, Any] = {}
        self._sampler: BaseSampler = RandomSampler(seed)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        turn = turns_of(study.get_trials(deepcopy=False))[trial.number]
        if self._search == "grid":
            self._point = grid_point(self._space, turn, self._seed) if turn < grid_size(self._space) else {}
        seed = int(np.random.SeedSequence([self._seed, turn]).generate_state(1)[0])
        self._sampler = TPESampler(seed=seed) if self._search == "tpe" else RandomSampler(seed)
        self._sampler.before_trial(study, trial)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        if self._search == "grid":
            return self._point[param_name]
        return self._sampler.sample_independent(study, trial, param_name, param_distribution)
