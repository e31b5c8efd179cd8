"""Trying candidates one after the other within a budget of time: what each gave, what it cost, and what was not tried.

Part of `auto`; it chooses nothing.
"""

import dataclasses
from typing import Any

import numpy as np

from audiocls.comparison.averaging import MOST_MEMBERS
from audiocls.comparison.budget import Budget, Cost, finetune_cost, pilot_cost
from audiocls.comparison.candidates import Candidate
from audiocls.comparison.cross_validation import CrossValidated, FoldScores, cross_validate
from audiocls.comparison.folds import group_numbers, learning_clips, make_folds
from audiocls.comparison.leaderboard import HEADLINE, seconds_text
from audiocls.comparison.material import Material
from audiocls.comparison.resampling import Bootstrap
from audiocls.config import TrainConfig
from audiocls.data.dataset import AudioData
from audiocls.data.listing import shown
from audiocls.errors import AudioclsError, OutputError
from audiocls.kinds import fit_kind, prepared
from audiocls.training.run import Run

FEW_CLIPS = 100  # so few that each is missed in training: more folds
PATIENT_MINUTES = (10.0, 20.0)  # budgets from which on there is a fourth fold, and a fifth
# When all clips are of one group, such as one speaker, no held-out clip tells how another one would fare. Played slower
# and faster, as high as the voices of men, women and children lie apart, they do: what answers by the sound of this
# one voice fails then.
OTHER_VOICES = (1.0, 0.85, 1.18)
HOPELESS = 0.1  # so far behind the best a model does not help an average either


class Stopped(Exception):
    """A candidate is not worth the time that it would still take. The message is its note."""


def number_of_folds(num_clips: int, num_groups: int, budget_minutes: float) -> int:
    """Three folds; more for few clips or a patient person; never more than groups."""
    wanted = 5 if num_clips < FEW_CLIPS else 3 + sum(budget_minutes >= each for each in PATIENT_MINUTES)
    return max(2, min(wanted, num_groups))


class Search:
    """What has been tried so far, what it gave and what it cost."""

    def __init__(self, material: Material, config: TrainConfig, run: Run, budget: Budget) -> None:
        self.material, self.config, self.run, self.budget = material, config, run, budget
        self.found: dict[str, CrossValidated | str] = {}
        self.configs: dict[str, TrainConfig] = {}
        self.costs: dict[str, Cost] = {}
        groups = set(learning_clips(material.audio).groups)
        self.lone_group = None if len(groups) > 1 else groups.pop()
        self.speeds = (1.0,) if self.lone_group is None else OTHER_VOICES
        audio = self.audio(material.audio.sampling_rate)
        self.clips = learning_clips(audio)
        num_groups = len(np.unique(group_numbers(self.clips)))
        self.num_folds = number_of_folds(len(self.clips), num_groups, config.budget_minutes)
        self.folds = make_folds(audio, self.num_folds, config.seed)
        units = self.clips.groups if self.lone_group is None else list(range(len(self.clips)))
        views = len(self.speeds)
        self.bootstrap = Bootstrap(
            np.concatenate([self.clips.targets] * views), np.tile(self.folds, views), units * views, len(audio.labels)
        )
        run.say(
            f"comparing kinds of model on {len(self.clips)} clips in {self.num_folds} folds; "
            f"{seconds_text(budget.seconds)} for that and the training that follows"
        )
        if self.lone_group is not None:
            run.say(
                f"all clips are of one group, {shown(self.lone_group)}: to see what would suit others, too, held-out "
                "clips are also scored slower and faster"
            )

    def audio(self, sampling_rate: int) -> AudioData:
        """The data at this rate; clips that are all of one group count as being of none."""
        audio = self.material.at(sampling_rate)
        if self.lone_group is None:
            return audio
        train, validation = (part.subset(range(len(part))) for part in (audio.train, audio.validation))
        train.groups, validation.groups = [None] * len(train), [None] * len(validation)
        return dataclasses.replace(audio, train=train, validation=validation)

    @property
    def results(self) -> dict[str, CrossValidated]:
        """The candidates that were scored to the end."""
        return {name: each for name, each in self.found.items() if not isinstance(each, str)}

    def best(self) -> str | None:
        """The best candidate so far."""
        return max(self.results, key=lambda name: self.results[name].mean(HEADLINE), default=None)

    def consider(self, candidate: Candidate) -> None:
        """Cross-validate a candidate if that can end in time; else note why not."""
        name = candidate.name
        try:
            self.configs[name] = config = prepared(candidate.config)
            audio = self.audio(config.sampling_rate)
            cost = self.costs[name] = self._cost(config, audio)
            total = cost.of_fits(self.num_folds + 1)
            if total + self.reserve() > self.budget.left():
                raise Stopped(f"not tried: would take about {seconds_text(total)}")
            watch = Watch(self)
            self.found[name] = result = cross_validate(config, audio, self.folds, self.run, watch, self.speeds)
            self.costs[name] = Cost(0.0, max(result.seconds))
            told = f"balanced accuracy {self.bootstrap.told(result.scores, HEADLINE)}"
        except Stopped as stopped:
            self.found[name] = told = str(stopped)
        except OutputError:
            raise
        except (AudioclsError, RuntimeError, MemoryError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            self.found[name] = told = f"failed: {reason}"
        self.run.say(f"{name}: {told}  [{seconds_text(self.budget.elapsed())}]")
        self.run.record(self._row(name, told))

    def _row(self, name: str, told: str) -> dict[str, Any]:
        """What is known of a candidate now."""
        row: dict[str, Any] = {"candidate": len(self.found), "model": name}
        if name not in self.results:
            return row | {"note": told}
        points = self.bootstrap.point(self.results[name].scores)
        return row | {score: float(value) for score, value in points.items()} | {"seconds": self.costs[name].fit}

    def _cost(self, config: TrainConfig, audio: AudioData) -> Cost:
        if config.kind == "finetune":
            probe = self.results.get(f"probe:{config.backbone}")
            if probe is None:  # from which it starts, and which says how long it takes
                raise Stopped("not tried: the probe of the same model was not worth its time")
            return finetune_cost(config, len(self.clips), probe.latency_ms)
        if self.costs and self.budget.left() <= self.reserve():
            raise Stopped("not tried: the time was over")
        return pilot_cost(config, audio, self.run, fit_kind)

    def reserve(self) -> float:
        """Seconds to keep for training what may be chosen: the slowest of the good candidates, as many as average."""
        best = self.best()
        if best is None:
            return 0.0
        least = self.results[best].mean(HEADLINE) - HOPELESS
        good = [self.costs[each].fit for each, result in self.results.items() if result.mean(HEADLINE) >= least]
        return sum(sorted(good)[-MOST_MEMBERS:])


class Watch:
    """Called after each fold of a candidate: stops it when it is far behind the best, or slower than was thought."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.started = search.budget.elapsed()
        self.scores: list[float] = []

    def __call__(self, fold: int, scores: FoldScores) -> None:
        search = self.search
        self.scores.append(scores[HEADLINE])
        best = search.best()
        remaining = search.num_folds - 1 - fold
        if best is None or not remaining:
            return
        others = [each[HEADLINE] for each in search.results[best].fold_scores[: fold + 1]]
        behind = float(np.mean(others) - np.mean(self.scores))
        # One over the root of the clips is about two standard errors of a paired difference.
        if behind > HOPELESS + 1 / np.sqrt((search.folds <= fold).sum()):
            raise Stopped(f"stopped after {fold + 1} of {search.num_folds} folds, {behind:.2f} behind {best}")
        each = (search.budget.elapsed() - self.started) / (fold + 1)
        if (remaining + 1) * each + search.reserve() > search.budget.left():
            raise Stopped(f"stopped after {fold + 1} of {search.num_folds} folds: it takes longer than is left")
