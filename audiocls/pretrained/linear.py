"""Linear classifiers of fixed features: regularised logistic regression, chosen by grouped cross-validation.

A clip has one or more rows of features (its windows), which share its weight; its probabilities are their mean.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

FOLDS = 5
MOST_STEPS = 500


@dataclass(frozen=True)
class Rows:
    """Features float32 (rows, width), the clip int64 (rows,) each belongs to, and the clips' targets.

    targets: int64 (clips,), or float32 0/1 (clips, labels) where clips have several labels.
    clip_weights: float64 (clips,).
    """

    features: np.ndarray
    clips: np.ndarray
    targets: np.ndarray
    clip_weights: np.ndarray

    @property
    def weights(self) -> np.ndarray:
        """Of the rows: each clip's, divided among its rows."""
        return (self.clip_weights / np.bincount(self.clips, minlength=len(self.targets)))[self.clips]

    def of_clips(self, chosen: np.ndarray) -> "Rows":
        """Those of clips chosen by bool (clips,); other clips keep their numbers but have no rows."""
        kept = chosen[self.clips]
        numbers = np.cumsum(chosen) - 1
        return Rows(self.features[kept], numbers[self.clips[kept]], self.targets[chosen], self.clip_weights[chosen])


@dataclass(frozen=True)
class Linear:
    """Logits are features @ weight.T + bias; weight float64 (labels, width), bias (labels,)."""

    weight: np.ndarray
    bias: np.ndarray

    def clip_scores(self, rows: Rows) -> np.ndarray:
        """Probabilities float64 (clips, labels), the mean over each clip's rows."""
        logits = rows.features @ self.weight.T + self.bias
        if rows.targets.ndim == 2:
            scores = 1 / (1 + np.exp(-logits))
        else:
            powers = np.exp(logits - logits.max(1, keepdims=True))
            scores = powers / powers.sum(1, keepdims=True)
        sums = np.zeros((len(rows.targets), len(self.bias)))
        np.add.at(sums, rows.clips, scores)
        return sums / np.bincount(rows.clips, minlength=len(sums))[:, None]


def fit_linear(rows: Rows, num_labels: int, strength: float) -> Linear:
    """Logistic regression on standardised features, with the standardisation folded into the weights.

    Args:
        rows: to learn from.
        num_labels: classes, some of which may have no clip here.
        strength: of the L2 regularisation, for a mean (not summed) loss over the clips.
    """
    mean = np.average(rows.features, axis=0, weights=rows.weights)
    scale = np.sqrt(np.average((rows.features - mean) ** 2, axis=0, weights=rows.weights))
    scale = np.where(scale > 1e-6 * (scale.max() or 1), scale, np.inf)  # a constant feature tells nothing
    features = ((rows.features - mean) / scale).astype(np.float64)
    if rows.targets.ndim == 2:
        fits = [
            _fit(features, rows.targets[rows.clips, label] > 0.5, rows.weights, 2, strength)
            for label in range(num_labels)
        ]
        weight = np.stack([fit.weight[1] - fit.weight[0] for fit in fits])
        bias = np.stack([fit.bias[1] - fit.bias[0] for fit in fits])
    else:
        fit = _fit(features, rows.targets[rows.clips], rows.weights, num_labels, strength)
        weight, bias = fit.weight, fit.bias
    weight = weight / scale
    return Linear(weight, bias - weight @ mean)


def _fit(features: np.ndarray, targets: np.ndarray, weights: np.ndarray, num_labels: int, strength: float) -> Linear:
    """Of one of `num_labels` classes a row; a class without rows is given the probability of half a clip."""
    weight, bias = np.zeros((num_labels, features.shape[1])), np.full(num_labels, np.nan)
    present = np.unique(targets).astype(int)
    if len(present) > 1:
        solver = LogisticRegression(C=1 / (strength * weights.sum()), max_iter=MOST_STEPS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # not having converged at a tiny strength is no fault
            solver.fit(features, targets, sample_weight=weights)
        coefficients, intercepts = solver.coef_, solver.intercept_
        if len(present) == 2:  # one logit between two classes; softmax over both is its sigmoid
            coefficients = np.concatenate([-coefficients, coefficients]) / 2
            intercepts = np.concatenate([-intercepts, intercepts]) / 2
        weight[present], bias[present] = coefficients, intercepts
    else:
        bias[present] = 0.0
    absent = np.isnan(bias)
    bias[absent] = bias[present].max() - np.log(2 * weights.sum() + 1)
    return Linear(weight, bias)


def make_folds(targets: np.ndarray, groups: list[str | None], seed: int) -> np.ndarray:
    """The fold int64 (clips,) of each clip: groups on one side, classes alike; all 0 when nothing can be divided."""
    classes = targets if targets.ndim == 1 else _rarest_label(targets)
    names = [f"group {name}" if name is not None else f"clip {clip}" for clip, name in enumerate(groups)]
    numbers = np.unique(names, return_inverse=True)[1]
    folds = np.zeros(len(targets), np.int64)
    largest_class = int(np.bincount(classes).max())
    count = min(FOLDS, int(numbers.max()) + 1, largest_class)
    if count < 2:
        return folds
    divide = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class with fewer clips than folds is in some of them only
        for fold, (_, held_out) in enumerate(divide.split(classes, classes, numbers)):
            folds[held_out] = fold
    return folds


def _rarest_label(targets: np.ndarray) -> np.ndarray:
    """One class a clip to stratify by: the rarest of its labels, or one past the last for a clip without any."""
    order = np.argsort(targets.sum(0), kind="stable")
    first = targets[:, order].argmax(1)
    return np.where(targets.any(1), order[first], targets.shape[1]).astype(np.int64)


def held_out_scores(rows: Rows, num_labels: int, strength: float, folds: np.ndarray) -> np.ndarray:
    """Probabilities (clips, labels) of each clip by a classifier fitted without its fold."""
    scores = np.zeros((len(rows.targets), num_labels))
    for fold in np.unique(folds):
        held_out = folds == fold
        linear = fit_linear(rows.of_clips(~held_out), num_labels, strength)
        scores[held_out] = linear.clip_scores(rows.of_clips(held_out))
    return scores


def mean_loss(scores: np.ndarray, targets: np.ndarray) -> float:
    """Cross-entropy of probabilities, binary where clips have several labels; mean over clips (and labels)."""
    scores = np.clip(scores, 1e-7, 1 - 1e-7)
    if targets.ndim == 2:
        return float(-(targets * np.log(scores) + (1 - targets) * np.log(1 - scores)).mean())
    return float(-np.log(scores[np.arange(len(targets)), targets]).mean())
