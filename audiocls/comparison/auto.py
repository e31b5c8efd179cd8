"""`--model auto`: finding the model that suits the data within a budget of time.

Candidates are cross-validated on the training part, cheap ones first and each only if it can end in time; the best, or
an average of the best, is trained again on all of that part. The test part plays no role in any of it.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np

from audiocls.comparison.averaging import MOST_MEMBERS, best_mixture, mean_loss, mean_scores
from audiocls.comparison.budget import Budget
from audiocls.comparison.candidates import Candidate, suitable
from audiocls.comparison.cross_validation import CrossValidated
from audiocls.comparison.ensemble import ensemble
from audiocls.comparison.folds import learning_clips
from audiocls.comparison.leaderboard import Row, leaderboard_text, ranked
from audiocls.comparison.material import Material
from audiocls.comparison.resampling import Bootstrap
from audiocls.comparison.search import Search
from audiocls.config import TrainConfig
from audiocls.data.dataset import AudioData
from audiocls.errors import DataError, UsageError
from audiocls.inference.classifier import AudioClassifier
from audiocls.kinds import fit_kind
from audiocls.training.factory import feature_extractor
from audiocls.training.run import Fitted, HeldOut, Run


@dataclass
class Choice:
    """What `choose` found: the trained model, the leaderboard, and the data at the model's sampling rate."""

    fitted: Fitted
    rows: list[Row]
    title: str
    audio: AudioData


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
    search = Search(material, config, run, budget)
    for candidate in candidates if candidates is not None else suitable(config):
        search.consider(candidate)
    members = chosen_members(search)
    name = mean_name(members)
    rows = leaderboard_rows(search, members, name)
    run.say("\n" + leaderboard_text(rows) + "\n")
    run.say(f"training {name} on all {len(search.clips)} clips")
    fitted = refit(search, members)
    fitted.seconds = budget.elapsed()
    fitted.held_out = cross_validated(search, members)
    fitted.details |= {
        "chosen": name,
        "weights": members,
        "chosen_settings": {member: search.configs[member].to_dict() for member in members},
        "folds": search.num_folds,
        "speeds": list(search.speeds),
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


def mean_name(members: dict[str, float]) -> str:
    """How the choice is called: by its only member, or by all and their weights."""
    if len(members) == 1:
        return next(iter(members))
    return " + ".join(f"{weight:.2f} {name}" for name, weight in members.items())


def chosen_members(search: Search) -> dict[str, float]:
    """The best candidate, or those that answer better together, with the weights of their mean.

    Raises:
        UsageError: nothing could be tried in the time.
        DataError: all that was tried failed.
    """
    best = search.best()
    if best is None:
        failures = {name: each for name, each in search.found.items() if str(each).startswith("failed")}
        if failures or not search.costs:
            name, reason = next(iter(failures.items()), ("auto", "there is no candidate"))
            raise DataError(f"no kind of model could be trained; {name}: {reason}")
        name = min(search.costs, key=lambda each: search.costs[each].fit)
        needed = search.costs[name].of_fits(search.num_folds + 1)
        raise UsageError(
            f"budget_minutes is {search.config.budget_minutes:g}; even {name} needs about {needed / 60:.1f} minutes "
            f"to be compared and trained here: raise it, or name a kind of model instead of auto"
        )
    rate = search.configs[best].sampling_rate
    alike = {name: r.scores for name, r in search.results.items() if search.configs[name].sampling_rate == rate}
    cost = sum(sorted(search.costs[name].fit for name in alike)[-MOST_MEMBERS:])
    if cost > max(search.budget.left(), search.costs[best].fit):
        return {best: 1.0}
    return best_mixture(alike, search.bootstrap)


def leaderboard_rows(search: Search, members: dict[str, float], name: str) -> list[Row]:
    """The leaderboard, with the mean of several if that was chosen."""
    found = dict(search.found)
    if len(members) > 1:
        results = [search.results[member] for member in members]
        found[name] = CrossValidated(
            mean_scores([each.scores for each in results], list(members.values())),
            seconds=[sum(max(each.seconds) for each in results)],
            num_bytes=sum(each.num_bytes for each in results),
            latency_ms=sum(each.latency_ms for each in results),
        )
    return ranked(found, search.bootstrap, {name: "chosen"})


def cross_validated(search: Search, members: dict[str, float]) -> HeldOut:
    """What the choice said of every clip in the fold that it had not learnt, at each of the search's speeds."""
    scores = mean_scores([search.results[member].scores for member in members], list(members.values()))
    views = len(search.speeds)
    groups = list(search.clips.groups)
    if views > 1:  # the views of a clip stand and fall together
        groups = [str(number) for _ in search.speeds for number in range(len(search.clips))]
    origin = f"{search.num_folds} grouped folds of the training part"
    return HeldOut(scores, np.concatenate([search.clips.targets] * views), groups, origin)


def refit(search: Search, members: dict[str, float]) -> Fitted:
    """The chosen trained on all clips there are to learn from."""
    run = dataclasses.replace(search.run, checkpoint=None, resume=False)
    fits = []
    for member in members:
        config = search.configs[member]
        audio = search.audio(config.sampling_rate)
        fits.append(fit_kind(config, _all_learnt(audio), run))
        run.accelerator.free_memory()
    if len(fits) == 1:
        return fits[0]
    classifiers = [AudioClassifier.of(fit.model, fit.extractor, name) for fit, name in zip(fits, members, strict=True)]
    history = [
        {"candidate": number, "model": name, **_validation(result.scores, search.bootstrap)}
        for number, (name, result) in enumerate(search.results.items(), 1)
    ]
    return Fitted(
        ensemble(classifiers, list(members.values())),
        feature_extractor(classifiers[0].sampling_rate),
        history,
        axis="candidate",
        best=1 + list(search.results).index(str(search.best())),
        seconds=0.0,
        base_model=next((fit.base_model for fit in fits if fit.base_model), None),
        details={"members": [dict(fit.details) for fit in fits]},
    )


def _validation(scores: np.ndarray, bootstrap: Bootstrap) -> dict[str, float]:
    """What results.csv tells of a candidate, on clips that its models had not seen."""
    point, loss = bootstrap.point(scores), mean_loss(scores, bootstrap.targets)
    return {"validation_loss": loss, "validation_accuracy": point["accuracy"], "validation_f1": point["macro_f1"]}
