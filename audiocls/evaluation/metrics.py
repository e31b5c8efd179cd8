"""Scores of predicted classes, as `evaluate` metrics that need no network.

Each class is an ordinary `evaluate.Metric`: `compute`, `add_batch` and `evaluate.combine` work. Predictions and
references are class indices, or with `config_name="multilabel"` rows of 0 and 1 per label. Scores that cannot be
computed (nothing predicted, nothing there) are 0; means over classes are over the classes that occur in the
references. Nothing here knows files, pictures or models.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import datasets
import evaluate
import numpy as np

from audiocls.data.listing import shown
from audiocls.errors import DataError, ModelError
from audiocls.evaluation.calibration import calibration_scores
from audiocls.evaluation.counts import Counts, confusion, count
from audiocls.evaluation.intervals import (
    LEVEL,
    Intervals,
    bootstrap_intervals,
    headline_scores,
    resampling_units,
)

MULTI_LABEL = "multilabel"
THRESHOLD = 0.5  # a label applies to a clip when its score is above
BOOTSTRAP_SEED = 42


class ClassMetric(evaluate.Metric):
    """Base: inputs are kept in memory, and nothing is written to the cache folder.

    Args:
        config_name: None for one class a clip, "multilabel" for several.
        num_labels: number of classes; None takes the highest index seen.
    """

    def __init__(self, config_name: str | None = None, num_labels: int | None = None, **kwargs: Any) -> None:
        self.num_labels = num_labels
        super().__init__(config_name=config_name, keep_in_memory=True, seed=0, **kwargs)

    def _build_data_dir(self) -> str:
        return self._data_dir_root  # made on disk by the base class, which fails where the home is read-only

    def _info(self) -> evaluate.MetricInfo:
        rows = self.config_name == MULTI_LABEL
        feature = datasets.Sequence(datasets.Value("int64")) if rows else datasets.Value("int64")
        return evaluate.MetricInfo(
            description=(type(self).__doc__ or "").strip(),
            citation="",
            inputs_description="",
            features=datasets.Features({"predictions": feature, "references": feature}),
            format=None if rows else "numpy",  # evaluate allows numpy for flat columns only
        )

    def _compute(self, predictions: Any, references: Any) -> dict[str, Any]:
        given, wanted = np.asarray(predictions), np.asarray(references)
        if given.ndim == 2:
            num_labels = given.shape[1]
        else:
            num_labels = self.num_labels or int(max(given.max(), wanted.max())) + 1
        return self.score(wanted, given, num_labels)

    def score(self, wanted: np.ndarray, given: np.ndarray, num_labels: int) -> dict[str, Any]:
        """The scores by name, from references and predictions."""
        raise NotImplementedError


class Accuracy(ClassMetric):
    """Share of clips answered exactly; with several labels a clip, with exactly its set of labels."""

    def score(self, wanted: np.ndarray, given: np.ndarray, num_labels: int) -> dict[str, Any]:
        return {"accuracy": float(count(wanted, given, num_labels).accuracy())}


class BalancedAccuracy(ClassMetric):
    """Mean recall of the classes; with several labels a clip, of the means of recall and specificity."""

    def score(self, wanted: np.ndarray, given: np.ndarray, num_labels: int) -> dict[str, Any]:
        counts = count(wanted, given, num_labels)
        return {"balanced_accuracy": float(counts.balanced_accuracy(wanted.ndim == 2))}


class Precision(ClassMetric):
    """Share of the clips given a class that belong to it: mean and per class."""

    def score(self, wanted: np.ndarray, given: np.ndarray, num_labels: int) -> dict[str, Any]:
        counts = count(wanted, given, num_labels)
        return _mean_and_each("precision", counts, counts.precision())


class Recall(ClassMetric):
    """Share of a class's clips that were given it: mean, per class, and the number of its clips."""

    def score(self, wanted: np.ndarray, given: np.ndarray, num_labels: int) -> dict[str, Any]:
        counts = count(wanted, given, num_labels)
        support = counts.support.astype(int).tolist()
        return {**_mean_and_each("recall", counts, counts.recall()), "support": support}


class F1(ClassMetric):
    """Harmonic mean of precision and recall: mean and per class; with several labels a clip also over all labels."""

    def score(self, wanted: np.ndarray, given: np.ndarray, num_labels: int) -> dict[str, Any]:
        counts = count(wanted, given, num_labels)
        scores = _mean_and_each("f1", counts, counts.f1())
        if wanted.ndim == 2:
            scores |= {name: float(v) for name, v in headline_scores(counts, True).items() if name.startswith("micro_")}
        return scores


class ConfusionMatrix(ClassMetric):
    """Clips by true class (rows) and given class (columns); with several labels a clip a 2x2 table per label."""

    def score(self, wanted: np.ndarray, given: np.ndarray, num_labels: int) -> dict[str, Any]:
        return {"confusion_matrix": confusion(wanted, given, num_labels).tolist()}


def _mean_and_each(name: str, counts: Counts, scores: np.ndarray) -> dict[str, Any]:
    return {f"macro_{name}": float(counts.macro(scores)), f"class_{name}": scores.tolist()}


def all_metrics(multi_label: bool, num_labels: int | None = None) -> evaluate.CombinedEvaluations:
    """Every metric of this module, combined into one."""
    kinds = (Accuracy, BalancedAccuracy, Precision, Recall, F1, ConfusionMatrix)
    return evaluate.combine([kind(MULTI_LABEL if multi_label else None, num_labels=num_labels) for kind in kinds])


def summary_scores(targets: np.ndarray, predictions: np.ndarray, multi_label: bool = False) -> dict[str, float]:
    """Accuracy and macro precision, recall and F1 of one epoch.

    Args:
        targets, predictions: int `(n,)` class indices, or 0/1 `(n, labels)` when multi-label.

    Returns:
        {"accuracy", "precision", "recall", "f1"}.
    """
    wanted, given = np.asarray(targets, np.int64), np.asarray(predictions, np.int64)
    # The arithmetic of the metrics above without their tables: those take 20 ms each, which every epoch would pay.
    counts = count(wanted, given, wanted.shape[1] if multi_label else int(max(wanted.max(), given.max())) + 1)
    macro = {"precision": counts.precision(), "recall": counts.recall(), "f1": counts.f1()}
    return {"accuracy": float(counts.accuracy()), **{name: float(counts.macro(each)) for name, each in macro.items()}}


def predicted_classes(
    scores: np.ndarray, multi_label: bool = False, thresholds: Sequence[float] | np.ndarray | None = None
) -> np.ndarray:
    """The answer for each clip.

    Args:
        scores: probabilities `(n, labels)`.
        thresholds: of each label, see `label_thresholds`; None takes one half, and of two classes the likelier.

    Returns:
        int64: 0/1 `(n, labels)` where the scores lie above the thresholds when multi-label; else `(n,)`, the index of
        the best class, or of two classes the second where its score lies above its threshold.

    Raises:
        ModelError: thresholds for one answer among more than two classes.
    """
    if multi_label:
        return (scores > (THRESHOLD if thresholds is None else np.asarray(thresholds))).astype(np.int64)
    if thresholds is None:
        return scores.argmax(axis=1)
    if scores.shape[1] != 2:
        raise ModelError(f"decision thresholds decide between 2 classes, not among {scores.shape[1]}")
    return (scores[:, 1] > thresholds[1]).astype(np.int64)


def label_thresholds(thresholds: Mapping[str, float] | None, labels: Sequence[str]) -> np.ndarray | None:
    """Thresholds by label as float64 `(labels,)`, None if there are none.

    Raises:
        ModelError: a label without a threshold, or one that is no number between 0 and 1.
    """
    if thresholds is None:
        return None
    for label in labels:
        value = thresholds.get(label)
        if value is None:
            raise ModelError(f"decision_thresholds has none for class {shown(label)}; give every class one")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ModelError(f"decision_thresholds: {value!r} of class {shown(label)} is no number between 0 and 1")
    return np.array([thresholds[label] for label in labels], np.float64)


def score_predictions(
    targets: np.ndarray,
    scores: np.ndarray,
    labels: Sequence[str],
    multi_label: bool = False,
    groups: Sequence[Hashable | None] | None = None,
    generator: np.random.Generator | None = None,
    thresholds: Mapping[str, float] | None = None,
    scores_before: np.ndarray | None = None,
    rejection: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Every score of a set of clips, ready for JSON.

    Args:
        targets: int `(n,)` class indices, or 0/1 `(n, labels)` when multi-label.
        scores: float `(n, labels)`, probabilities.
        groups: what each clip stands and falls with, for the intervals; None where unknown.
        generator: draws the bootstrap samples; None takes a fixed seed, so that numbers repeat.
        thresholds: by label, where the answer is not simply the best class; see `predicted_classes`.
        scores_before: the model's scores before it was calibrated, to tell what that changed.
        rejection: how many clips the model took for none of its classes; passed on as it is.

    Returns:
        size, multi_label, accuracy, balanced_accuracy, macro_precision, macro_recall, macro_f1 (and micro_* when
        multi-label); intervals {score: [low, high]} and how they were made; per_class {label: {precision, recall, f1,
        support, intervals}}, where the intervals of a class without a clip are None; confusion_matrix {labels,
        counts}; calibration, as `calibration.calibration_scores` with ece_before and interval_before; thresholds and
        rejection where they are given.

    Raises:
        DataError: no clip, or a target that is none of the labels.
        ModelError: scores of another shape, or not finite; or thresholds that do not fit.
    """
    targets, scores = np.asarray(targets), np.asarray(scores)
    _check(targets, scores, labels, multi_label)
    targets = (targets > THRESHOLD).astype(np.int64) if multi_label else targets.astype(np.int64)
    predictions = predicted_classes(scores, multi_label, label_thresholds(thresholds, labels))
    found = all_metrics(multi_label, len(labels)).compute(predictions=predictions, references=targets)
    units = resampling_units(groups, len(targets))
    num_units = int(units.max()) + 1
    generator = np.random.default_rng(BOOTSTRAP_SEED) if generator is None else generator
    intervals = bootstrap_intervals(targets, predictions, len(labels), units, generator)
    calibration = calibration_scores(targets, scores, multi_label, groups)
    if scores_before is not None:
        before = calibration_scores(targets, np.asarray(scores_before), multi_label, groups)
        calibration |= {"ece_before": before["ece"], "interval_before": before["interval"]}
    metrics = {
        "size": len(targets),
        "multi_label": multi_label,
        **{name: found[name] for name in intervals.overall},
        "intervals": {name: list(interval) for name, interval in intervals.overall.items()},
        "interval_level": LEVEL,
        "interval_units": num_units,
        "interval_unit": "group" if num_units < len(targets) else "clip",
        "per_class": _per_class(found, intervals, labels),
        "confusion_matrix": {"labels": list(labels), "counts": found["confusion_matrix"]},
        "calibration": calibration,
    }
    if thresholds is not None:
        metrics["thresholds"] = {label: float(thresholds[label]) for label in labels}
    if rejection is not None:
        metrics["rejection"] = dict(rejection)
    return metrics


def _per_class(found: dict[str, Any], intervals: Intervals, labels: Sequence[str]) -> dict[str, Any]:
    """Scores, support and intervals of each label."""
    rows = {}
    for k, label in enumerate(labels):
        row: dict[str, Any] = {name: found[f"class_{name}"][k] for name in intervals.per_class}
        pairs = {name: each[k] for name, each in intervals.per_class.items()}
        row["support"] = found["support"][k]
        row["intervals"] = {name: None if pair is None else list(pair) for name, pair in pairs.items()}
        rows[label] = row
    return rows


def _check(targets: np.ndarray, scores: np.ndarray, labels: Sequence[str], multi_label: bool) -> None:
    if len(set(labels)) != len(labels):
        raise DataError("two classes have the same name")
    if not len(targets):
        raise DataError("there is no clip to score")
    if scores.shape != (len(targets), len(labels)):
        raise ModelError(f"scores have shape {scores.shape}; {len(targets)} clips x {len(labels)} labels are needed")
    if not np.isfinite(scores).all():
        raise ModelError("the model gave scores that are not finite numbers (NaN or infinity)")
    if targets.ndim != (2 if multi_label else 1) or (multi_label and targets.shape != scores.shape):
        raise DataError(f"targets have shape {targets.shape}; that does not fit multi_label={multi_label}")
    if not multi_label and not (targets.min() >= 0 and targets.max() < len(labels)):
        raise DataError(f"a target lies outside the {len(labels)} labels")
