"""`--model auto`: finding the model that suits the data within a budget of time.

Candidates are cross-validated on the training part, cheap ones first and each only if it can end in time; the best, or
an average of the best, is trained again on all of that part. The test part plays no role in any of it.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np

from audiocls.comparison.averaging import MOST_MEMBERS, best_average, mean_scores
from audiocls.comparison.budget import Budget, Cost, finetune_cost, pilot_cost
from audiocls.comparison.candidates import Candidate, suitable
from audiocls.comparison.cross_validation import CrossValidated, FoldScores, cross_validate
from audiocls.comparison.ensemble import ensemble
from audiocls.comparison.folds import group_numbers, learning_clips, make_folds
from audiocls.comparison.leaderboard import HEADLINE, Row, leaderboard_text, ranked, seconds_text
from audiocls.comparison.material import Material
from audiocls.comparison.resampling import Bootstrap
from audiocls.config import TrainConfig
from audiocls.data.dataset import AudioData
from audiocls.errors import AudioclsError, DataError, OutputError, UsageError
from audiocls.inference.classifier import AudioClassifier
from audiocls.kinds import fit_kind, prepared
from audiocls.training.factory import feature_extractor
from audiocls.training.run import Fitted, Run

FEW_CLIPS = 100  # so few that each is missed in training: more folds
PATIENT_MINUTES = (10.0, 20.0)  # budgets from which on there is a fourth fold, and a fifth
HOPELESS = 0.1  # so far behind the best a model does not help an average either


@dataclass
class Choice:
    """What `choose` found: the trained model, the leaderboard, and the data at the model's sampling rate."""

    fitted: Fitted
    rows: list[Row]
    title: str
    audio: AudioData


class _Stopped(Exception):
    """A candidate is not worth the time that it would still take. The message is its note."""


def choose(material: Material, config: TrainConfig, run: Run, candidates: list[Candidate] | None = None) -> Choice:
    """Compare candidates, choose, and train the choice on the training and validation clips.

    Args:
        material: the data; its test part is not looked at.
        config: `budget_minutes`, and settings for all candidates.
        run: says how it goes. No checkpoint is kept: what was interrupted starts again.
        candidates: what to consider, in this order; `suitable(config)` unless given.

    Returns:
        A choice whose `fitted.details` tell what was chosen, the folds, and the leaderboard as plain values.

    Raises:
        UsageError: the budget does not suffice for a single candidate; several processes.
        DataError: a class whose clips all lie in one group; or no candidate could be trained.
    """
    if run.accelerator.num_processes > 1:
        raise UsageError(
            "model is auto, which goes by the clock and therefore runs in one process; name a kind instead"
        )
    budget = Budget(60 * config.budget_minutes)
    search = _Search(material, config, run, budget)
    for candidate in candidates if candidates is not None else suitable(config):
        search.consider(candidate)
    members = search.chosen()
    name = members[0] if len(members) == 1 else average_name(members)
    rows = search.rows(members, name)
    run.say("\n" + leaderboard_text(rows) + "\n")
    run.say(f"training {name} on all {len(search.clips)} clips")
    fitted = search.refit(members)
    fitted.seconds = budget.elapsed()
    fitted.details |= {
        "chosen": name,
        "chosen_settings": {member: search.configs[member].to_dict() for member in members},
        "folds": search.num_folds,
        "budget_minutes": config.budget_minutes,
        "leaderboard": [row.record() for row in rows],
    }
    audio = material.audio
    title = f"{audio.name}: {len(audio.labels)} classes, {len(search.clips)} clips, {search.num_folds} folds"
    rate = AudioClassifier.of(fitted.model, fitted.extractor).sampling_rate
    return Choice(fitted, rows, title, _all_learnt(material.at(rate)))


def _all_learnt(audio: AudioData) -> AudioData:
    """The data with its validation clips among the training clips."""
    return dataclasses.replace(audio, train=learning_clips(audio), validation=audio.train.subset([]))


def average_name(members: tuple[str, ...]) -> str:
    """How an ensemble is called."""
    return "average of " + " + ".join(members)


def number_of_folds(num_clips: int, num_groups: int, budget_minutes: float) -> int:
    """Three folds; more for few clips or a patient person; never more than groups."""
    wanted = 5 if num_clips < FEW_CLIPS else 3 + sum(budget_minutes >= each for each in PATIENT_MINUTES)
    return max(2, min(wanted, num_groups))


class _Search:
    """What has been tried so far, what it gave and what it cost."""

    def __init__(self, material: Material, config: TrainConfig, run: Run, budget: Budget) -> None:
        self.material, self.config, self.run, self.budget = material, config, run, budget
        self.found: dict[str, CrossValidated | str] = {}
        self.configs: dict[str, TrainConfig] = {}
        self.costs: dict[str, Cost] = {}
        self.clips = learning_clips(material.audio)
        num_groups = len(np.unique(group_numbers(self.clips)))
        self.num_folds = number_of_folds(len(self.clips), num_groups, config.budget_minutes)
        self.folds = make_folds(material.audio, self.num_folds, config.seed)
        num_labels = len(material.audio.labels)
        self.bootstrap = Bootstrap(self.clips.targets, self.folds, self.clips.groups, num_labels)
        run.say(
            f"comparing kinds of model on {len(self.clips)} clips in {self.num_folds} folds; "
            f"{seconds_text(budget.seconds)} for that and the training that follows"
        )

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
            audio = self.material.at(config.sampling_rate)
            cost = self.costs[name] = self._cost(config, audio)
            total = cost.of_fits(self.num_folds + 1)
            if total + self._reserve() > self.budget.left():
                raise _Stopped(f"not tried: would take about {seconds_text(total)}")
            watch = _Watch(self, cost)
            self.found[name] = result = cross_validate(config, audio, self.folds, self.run, watch)
            self.costs[name] = Cost(0.0, max(result.seconds))
            told = f"balanced accuracy {result.mean(HEADLINE):.3f}"
        except _Stopped as stopped:
            self.found[name] = told = str(stopped)
        except OutputError:
            raise
        except (AudioclsError, RuntimeError, MemoryError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            self.found[name] = told = f"failed: {reason}"
        self.run.say(f"{name}: {told}  [{seconds_text(self.budget.elapsed())}]")

    def _cost(self, config: TrainConfig, audio: AudioData) -> Cost:
        if config.kind == "finetune":
            probe = self.results.get(f"probe:{config.backbone}")
            if probe is None:  # from which it starts, and which says how long it takes
                raise _Stopped("not tried: the probe of the same model was not worth its time")
            return finetune_cost(config, len(self.clips), probe.latency_ms)
        if self.results and self.budget.left() <= self._reserve():
            raise _Stopped("not tried: the time was over")
        return pilot_cost(config, audio, self.run, fit_kind)

    def _reserve(self) -> float:
        """Seconds to keep for training what may be chosen: the slowest of the good candidates, as many as average."""
        best = self.best()
        if best is None:
            return 0.0
        least = self.results[best].mean(HEADLINE) - HOPELESS
        good = [self.costs[each].fit for each, result in self.results.items() if result.mean(HEADLINE) >= least]
        return sum(sorted(good)[-MOST_MEMBERS:])

    def chosen(self) -> tuple[str, ...]:
        """The names of the best candidate, or of those whose average is better.

        Raises:
            UsageError: nothing could be tried in the time.
            DataError: all that was tried failed.
        """
        best = self.best()
        if best is None:
            failures = {name: each for name, each in self.found.items() if str(each).startswith("failed")}
            if failures or not self.costs:
                name, reason = next(iter(failures.items()), ("auto", "there is no candidate"))
                raise DataError(f"no kind of model could be trained; {name}: {reason}")
            name = min(self.costs, key=lambda each: self.costs[each].fit)
            needed = self.costs[name].of_fits(self.num_folds + 1)
            raise UsageError(
                f"budget_minutes is {self.config.budget_minutes:g}; even {name} needs about {needed / 60:.1f} minutes "
                f"to be compared and trained here: raise it, or name a kind of model instead of auto"
            )
        rate = self.configs[best].sampling_rate
        alike = {name: r.scores for name, r in self.results.items() if self.configs[name].sampling_rate == rate}
        cost = sum(sorted(self.costs[name].fit for name in alike)[-MOST_MEMBERS:])
        if cost > max(self.budget.left(), self.costs[best].fit):
            return (best,)
        return best_average(alike, self.bootstrap) or (best,)

    def rows(self, members: tuple[str, ...], name: str) -> list[Row]:
        """The leaderboard, with the average if that was chosen."""
        found = dict(self.found)
        if len(members) > 1:
            results = [self.results[member] for member in members]
            found[name] = CrossValidated(
                mean_scores([each.scores for each in results]),
                seconds=[sum(max(each.seconds) for each in results)],
                num_bytes=sum(each.num_bytes for each in results),
                latency_ms=sum(each.latency_ms for each in results),
            )
        return ranked(found, self.bootstrap, {name: "chosen"})

    def refit(self, members: tuple[str, ...]) -> Fitted:
        """The chosen trained on all clips there are to learn from."""
        run = dataclasses.replace(self.run, checkpoint=None, resume=False)
        fits = []
        for member in members:
            config = self.configs[member]
            audio = self.material.at(config.sampling_rate)
            fits.append(fit_kind(config, _all_learnt(audio), run))
            run.accelerator.free_memory()
        if len(fits) == 1:
            return fits[0]
        classifiers = [
            AudioClassifier.of(fit.model, fit.extractor, name) for fit, name in zip(fits, members, strict=True)
        ]
        history = [
            {"candidate": number, "model": name, **_validation(self.bootstrap.point(result.scores))}
            for number, (name, result) in enumerate(self.results.items(), 1)
        ]
        return Fitted(
            ensemble(classifiers, [1.0] * len(members)),
            feature_extractor(classifiers[0].sampling_rate),
            history,
            axis="candidate",
            best=1 + list(self.results).index(str(self.best())),
            seconds=0.0,
            base_model=next((fit.base_model for fit in fits if fit.base_model), None),
            details={"members": [dict(fit.details) for fit in fits]},
        )


def _validation(point: dict[str, float]) -> dict[str, float]:
    return {"validation_accuracy": point["accuracy"], "validation_f1": point["macro_f1"]}


class _Watch:
    """Called after each fold of a candidate: stops it when it is far behind the best, or slower than was thought."""

    def __init__(self, search: _Search, cost: Cost) -> None:
        self.search, self.cost = search, cost
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
            raise _Stopped(f"stopped after {fold + 1} of {search.num_folds} folds, {behind:.2f} behind {best}")
        each = (search.budget.elapsed() - self.started) / (fold + 1)
        if (remaining + 1) * each + search._reserve() > search.budget.left():
            raise _Stopped(f"stopped after {fold + 1} of {search.num_folds} folds: it takes longer than is left")
