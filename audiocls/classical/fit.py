"""Fitting a random forest or boosted trees on statistics of clips."""

import time
import warnings
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from audiocls.classical.growing import BOOSTING, FOREST, Grown, grow_boosting, grow_forest, staged_scores
from audiocls.classical.samples import Samples, collect, with_nothing
from audiocls.classical.tensors import tree_tensors
from audiocls.config import TrainConfig
from audiocls.data.dataset import AudioData
from audiocls.data.field import field_snr_db
from audiocls.evaluation.evaluation import scores_in_short
from audiocls.evaluation.metrics import predicted_classes, summary_scores
from audiocls.models.configuration_audiocls import AudioClsConfig
from audiocls.models.modeling_audiocls import AudioClsForAudioClassification
from audiocls.training.factory import feature_extractor, feature_settings, label_settings
from audiocls.training.losses import class_weights
from audiocls.training.run import Fitted, HeldOut, Run

GROW = {"forest": grow_forest, "boosting": grow_boosting}
AXIS = {"forest": "trees", "boosting": "round"}
# Where the learning curve is read. A forest keeps them all; boosting keeps the number of rounds with the lowest loss.
COUNTS = {
    "forest": [1, 2, 3, 5, 8, 12, 20, 30, 50, 75, 100, 150, 200, 300],
    "boosting": [1, 2, 3, 5, 8, 12, 17, 24, 32, 42, 55, 70, 85, 100],
}
USUAL_ROUNDS = 55  # of boosting, where nothing can be held out to choose them
INNER_FOLDS = 3
LEAST_SCORE = 1e-6  # what a score of 0 costs in the loss


def fit_trees(config: TrainConfig, audio: AudioData, run: Run) -> Fitted:
    """Train a forest or boosted trees on `audio.train`.

    The learning curve is measured on `audio.validation`, or without one in folds of the training part.

    Raises:
        UsageError: settings contradict each other.
    """
    started = time.perf_counter()
    kind, counts = config.kind, COUNTS[config.kind]
    settings = model_settings(config, audio)
    bare = AudioClsForAudioClassification(AudioClsConfig(**settings))
    samples = collect(bare, audio.train, len(audio.labels))
    weights = class_weights(samples.targets.sum(0), config.class_weights)

    # What is no class is learnt as being no more of one than of another, where the model is to meet it.
    others = collect(bare, audio.negatives, len(audio.labels)).statistics if field_snr_db(config) else None

    def grow(some: Samples, count: int) -> Grown:
        some = some if others is None else with_nothing(some, others, audio.multi_label)
        return GROW[kind](some, audio.multi_label, weights, count, config.seed)

    folds: list[tuple[np.ndarray, np.ndarray]] = []
    if len(audio.validation):
        measured_on = "the validation part"
        validation = collect(bare, audio.validation, len(audio.labels))
        stages = staged_scores(grow(samples, counts[-1]), validation.statistics, counts)
        curves = [validation.mean_scores(scores) for scores in stages]
        targets = validation.targets
    else:
        # Boosting chooses its rounds there; a forest needs nothing of it but the curve and what calibrates it.
        folds = inner_folds(samples, config.seed) if run.curves or kind == "boosting" else []
        measured_on = f"{len(folds)} grouped folds of the training part" if folds else "nothing"
        curves, targets = fold_scores(samples, folds, grow, counts)
    losses = [log_loss(targets, scores, audio.multi_label) for scores in curves]
    if kind == "forest":
        best = counts[-1]
    else:
        best = counts[int(np.argmin(losses))] if losses else USUAL_ROUNDS
    grown = grow(samples, best)
    history = learning_curve(kind, grown, samples, counts[: counts.index(best) + 1], curves, targets)
    sizes, state = tree_tensors(grown)
    model = AudioClsForAudioClassification(AudioClsConfig(**settings | {"network": sizes}))
    model.network.load_state_dict(state)
    seconds = time.perf_counter() - started
    for row in history:
        row["seconds"] = round(seconds / len(history), 3)
    details = {
        "estimator": type(next(iter(grown.estimators), None)).__name__,
        "parameters": FOREST if kind == "forest" else BOOSTING,
        "statistics": samples.statistics.shape[1],
        "windows": len(samples.statistics),
        "curve_measured_on": measured_on,
    }
    held_out = held_out_clips(audio, folds, curves[counts.index(best)], measured_on) if folds else None
    run.say(summary_line(kind, best, samples, measured_on, history[-1], held_out))
    return Fitted(
        model.eval(),
        feature_extractor(config.sampling_rate),
        history,
        AXIS[kind],
        best,
        seconds,
        details=details,
        held_out=held_out,
    )


def model_settings(config: TrainConfig, audio: AudioData) -> dict[str, Any]:
    """Configuration of the model but for the sizes of its trees. Features are not normalised: trees need no scale."""
    return feature_settings(config) | label_settings(audio.labels, audio.multi_label)


def inner_folds(samples: Samples, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds of the clips as (training, held out), groups on one side; none when all clips are one group."""
    first_label = samples.targets.argmax(1)
    most = min(INNER_FOLDS, len(set(samples.groups.tolist())), int(np.bincount(first_label).max()))
    if most < 2:
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # classes with fewer clips than folds: some folds lack them
        splitter = StratifiedGroupKFold(most, shuffle=True, random_state=seed)
        folds = list(splitter.split(samples.targets, first_label, samples.groups))
    return [(np.sort(train), np.sort(held)) for train, held in folds if len(train) and len(held)]


def fold_scores(
    samples: Samples, folds: list[tuple[np.ndarray, np.ndarray]], grow: Any, counts: list[int]
) -> tuple[list[np.ndarray], np.ndarray]:
    """Scores of held-out clips for each of `counts`, and their targets, (clips, labels) each."""
    if not folds:
        return [], samples.targets
    parts = []
    for train, held in folds:
        grown, clips = grow(samples.of_clips(train), counts[-1]), samples.of_clips(held)
        parts.append([clips.mean_scores(scores) for scores in staged_scores(grown, clips.statistics, counts)])
    targets = np.concatenate([samples.targets[held] for _, held in folds])
    return [np.concatenate(stage) for stage in zip(*parts, strict=True)], targets


def held_out_clips(
    audio: AudioData, folds: list[tuple[np.ndarray, np.ndarray]], scores: np.ndarray, origin: str
) -> HeldOut:
    """Scores from `fold_scores`, fold after fold, in the order of the training clips that were held out at all."""
    held = np.concatenate([held for _, held in folds])
    order = np.argsort(held, kind="stable")
    rows = held[order]
    groups = [audio.train.groups[row] for row in rows]
    return HeldOut(scores[order].astype(np.float32), audio.train.targets[rows], groups, origin)


def learning_curve(
    kind: str, grown: Grown, samples: Samples, counts: list[int], curves: list[np.ndarray], targets: np.ndarray
) -> list[dict[str, Any]]:
    """Rows of scores on the training clips and on those held out, over the number of trees or rounds."""
    rows = []
    for number, scores in enumerate(staged_scores(grown, samples.statistics, counts)):
        row: dict[str, Any] = {AXIS[kind]: counts[number]}
        parts = [("train", samples.targets, samples.mean_scores(scores))]
        parts += [("validation", targets, curves[number])] if curves else []
        for part, truth, found in parts:
            row[f"{part}_loss"] = log_loss(truth, found, grown.multi_label)
            wanted = truth.astype(int) if grown.multi_label else truth.argmax(1)
            summary = summary_scores(wanted, predicted_classes(found, grown.multi_label), grown.multi_label)
            row |= {f"{part}_{name}": value for name, value in summary.items()}
        rows.append(row)
    return rows


def log_loss(targets: np.ndarray, scores: np.ndarray, multi_label: bool) -> float:
    """Mean cross-entropy of clips; with several labels a clip, of labels."""
    likely = np.log(np.clip(scores, LEAST_SCORE, 1.0))
    if multi_label:
        unlikely = np.log(np.clip(1 - scores, LEAST_SCORE, 1.0))
        return float(-(targets * likely + (1 - targets) * unlikely).mean())
    return float(-(targets * likely).sum(1).mean())


def summary_line(
    kind: str, best: int, samples: Samples, measured_on: str, row: dict[str, Any], held_out: HeldOut | None
) -> str:
    """What the person who waits is told."""
    line = f"{kind}: {best} {AXIS[kind]}{'s' if kind == 'boosting' else ''} on {samples.statistics.shape[1]} statistics"
    if "validation_loss" in row:
        line += f"; on {measured_on}: loss {row['validation_loss']:.3f}"
    if held_out is not None:
        line += ", " + scores_in_short(held_out.targets, held_out.scores, held_out.targets.ndim == 2, held_out.groups)
    return line
