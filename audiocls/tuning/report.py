"""What a search found: the table of trials, how much each setting matters, and a summary for the model card."""

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from audiocls.comparison.leaderboard import p_text
from audiocls.evaluation.significance import SIGNIFICANT
from audiocls.tuning.space import Space, plain_space, shown_value
from audiocls.tuning.trials import FOLD_SCORES, best_trial, seconds
from audiocls.tuning.turns import REASON, Tally
from audiocls.whole_files import write_text

STATES = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "impossible"}
TRIALS_FILE = "trials.csv"
FEWEST_FOR_IMPORTANCE = 4  # full trials; from fewer nothing can be said


@dataclass(frozen=True)
class TrialRow:
    """One finished trial. number: from 1. state: complete, pruned (some folds only) or impossible (with a reason).

    difference: of a complete trial's mean to that of the settings as they were, with its 95% interval, the p-value of a
    paired test, and that corrected for the number of trials; None where there is nothing to compare.
    """

    number: int
    state: str
    settings: dict[str, Any]
    fold_scores: list[float]
    seconds: float
    reason: str | None = None
    difference: float | None = None
    difference_interval: tuple[float, float] | None = None
    p_value: float | None = None
    p_holm: float | None = None

    @property
    def mean(self) -> float:
        """Mean over the folds that were run; nan if there was none."""
        return float(np.mean(self.fold_scores)) if self.fold_scores else math.nan


def trial_rows(tally: Tally) -> list[TrialRow]:
    """The finished trials of a search, in order."""
    return [_row(turn, trial) for turn, trial in sorted(tally.finished.items())]


def _row(turn: int, trial: FrozenTrial) -> TrialRow:
    scores = [float(score) for score in trial.user_attrs.get(FOLD_SCORES, [])]
    reason = trial.user_attrs.get(REASON)
    return TrialRow(turn + 1, STATES[trial.state], dict(trial.params), scores, seconds(trial), reason)


def write_trials(rows: list[TrialRow], space: Space, num_folds: int, path: Path) -> None:
    """trials.csv: number, state, every setting, the score of every fold, their mean, the difference to the settings as
    they were with its interval and p-values, seconds, and a reason if any.

    Raises:
        OutputError: it cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    folds = [f"fold_{fold + 1}" for fold in range(num_folds)]
    differences = ["difference", "difference_low", "difference_high", "p_value", "p_holm"]
    writer.writerow(["trial", "state", *space, *folds, "mean", *differences, "seconds", "reason"])
    for row in rows:
        scores: list[str] = [f"{score:.6f}" for score in row.fold_scores]
        mean = f"{row.mean:.6f}" if scores else ""
        scores += [""] * (num_folds - len(scores))
        chosen = [row.settings.get(name, "") for name in space]
        values = (row.difference, *(row.difference_interval or (None, None)), row.p_value, row.p_holm)
        told = ["" if value is None else f"{value:.6f}" for value in values]
        writer.writerow([row.number, row.state, *chosen, *scores, mean, *told, f"{row.seconds:.1f}", row.reason or ""])
    write_text(path, text.getvalue())


def importances(study: optuna.Study, space: Space, seed: int) -> dict[str, float] | None:
    """How much of the variation of the score each setting explains, on average over the others; highest first.

    Functional ANOVA over a random forest fitted to the full trials (Hutter, Hoos and Leyton-Brown, 2014). Shares of 1;
    all 0 if every trial scored the same. None if there are too few trials to tell.
    """
    full = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(full) < FEWEST_FOR_IMPORTANCE:
        return None
    varied = [name for name in space if len({trial.params[name] for trial in full}) > 1]
    if not varied or len({trial.values[0] for trial in full}) == 1:
        return dict.fromkeys(space, 0.0)
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances  # scikit-learn takes 2 s to import

    try:
        found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=seed), params=varied)
    except RuntimeError:  # the forest saw no variation
        return dict.fromkeys(space, 0.0)
    shares = {name: float(found.get(name, 0.0)) for name in space}
    return dict(sorted(shares.items(), key=lambda pair: -pair[1]))


def summary(
    tally: Tally,
    space: Space,
    search: str,
    num_folds: int,
    score: str,
    shares: dict[str, float] | None,
    gain: dict[str, Any] | str,
) -> dict[str, Any]:
    """A search in plain values, for the model card and training_config.json.

    gain: as `audiocls.tuning.gain.gain` gives it, or why there is none.

    The best mean is the highest of many, so it flatters: what the model is worth is its score on the test part.
    """
    rows = trial_rows(tally)
    best = best_trial(tally)
    assert best is not None
    row = _row(*best)
    return {
        "search": search,
        "score": score,
        "folds": num_folds,
        "trials": len(rows),
        "pruned": sum(row.state == "pruned" for row in rows),
        "impossible": sum(row.state == "impossible" for row in rows),
        "best_trial": row.number,
        "best_score": row.mean,
        "best_fold_scores": row.fold_scores,
        "gain": gain,
        "chosen": row.settings,
        "space": plain_space(space),
        "importance": shares,
        "seconds": round(sum(row.seconds for row in rows), 1),
    }


def gain_sentences(found: dict[str, Any]) -> list[str]:
    """What a search gained and by how much it flatters, from a `summary`: plain sentences."""
    gain = found["gain"]
    if isinstance(gain, str):
        return [gain, "The best of many trials flatters."]
    number = gain["trials"]
    trials = f"{number} trials" if number > 1 else "a single trial"
    sure = "more than chance" if gain["p_holm"] < SIGNIFICANT else "which may be chance"
    start = f"The settings as they were reach {gain['start_score']:.3f} on the same folds"
    if gain["difference"] <= 0:
        told = f"{start}, and no trial did better."
    else:
        told = (
            f"{start}; the best trial is better by {gain['difference']:.3f} ({gain['difference_low']:+.3f} to "
            f"{gain['difference_high']:+.3f}), {sure} (paired test on the same clips, corrected for {trials}: "
            f"p {p_text(gain['p_holm'])})."
        )
    return [
        told,
        f"The best of {trials} flatters, here by about {gain['flattery']:.3f}."
        if number > 1
        else "With a single trial there was no choice that could flatter.",
    ]


def card_section(found: dict[str, Any], pictures: list[str]) -> str:
    """The model card's words about a search: Markdown from a `summary`, with the pictures beside the card."""
    score = str(found["score"]).replace("_", " ")
    told = {
        "grid": "every combination of",
        "random": "random draws from",
        "tpe": "draws guided by earlier ones (TPE) from",
    }
    space, chosen = found["space"], found["chosen"]
    if found["search"] == "grid" and found["trials"] < math.prod(map(len, space.values())):
        told["grid"] = "some of the combinations of"
    dropped = [
        f"{found[state]} {what}"
        for state, what in (("pruned", "given up early"), ("impossible", "impossible"))
        if found[state]
    ]
    lines = [
        "## How the settings were chosen",
        "",
        f"By cross-validation on the training clips: {found['trials']} trials ({told[found['search']]} the values below"
        f"{'; ' + ', '.join(dropped) if dropped else ''}), each on the same {found['folds']} folds that keep groups "
        f"together. Trial {found['best_trial']} was best with a mean {score} of {found['best_score']:.3f}. "
        f"{' '.join(gain_sentences(found))} What the model is worth is its score above: the test clips had no part in "
        "the choice.",
        "",
        "| setting | chosen | among | share of the variation explained |",
        "|---|---|---|---|",
    ]
    for name, among in space.items():
        share = "" if not found["importance"] else f"{found['importance'][name]:.0%}"
        lines.append(f"| `{name}` | {shown_value(chosen[name])} | {_among(among)} | {share} |")
    lines += ["", f"All trials are in [{TRIALS_FILE}]({TRIALS_FILE}).", ""]
    for picture in pictures:
        lines += [f"![{picture.removesuffix('.png').replace('_', ' ')}]({picture})", ""]
    return "\n".join(lines)


def _among(values: Any) -> str:
    if isinstance(values, list):
        return ", ".join(shown_value(value) for value in values)
    how = ", logarithmic" if values["log"] else f", steps of {values['step']:g}" if values["step"] else ""
    return f"{values['low']:g} to {values['high']:g}{how}"
