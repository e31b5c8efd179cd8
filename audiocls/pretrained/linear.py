"""Linear classifiers of fixed features: regularised logistic regression, chosen by grouped cross-validation.

A clip has one or more rows of features (its windows), which share its weight; its probabilities are their mean.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit, softmax
from sklearn.model_selection import StratifiedGroupKFold

FOLDS = 5
MOST_STEPS = 500
TOLERANCE = 1e-4  # of the gradient of the mean loss
# p (1 - p) of a fairly sure classifier, in place of the curvature that each solution has: it only sets the pace.
CURVATURE = 0.03


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

    def and_nothing(self, others: np.ndarray, num_labels: int, weight: float = 1.0) -> "Rows":
        """These rows, and features (others, width) of no class, each a clip of this weight: without any of several
        labels, or where a clip has one, once with each of them in equal shares."""
        multi_label = self.targets.ndim == 2
        times = 1 if multi_label else num_labels
        count = len(others) * times
        wanted = np.zeros((count, num_labels)) if multi_label else np.tile(np.arange(num_labels), len(others))
        return Rows(
            np.concatenate([self.features, np.repeat(others, times, axis=0)]),
            np.concatenate([self.clips, len(self.targets) + np.arange(count)]),
            np.concatenate([self.targets, wanted.astype(self.targets.dtype)]),
            np.concatenate([self.clip_weights, np.full(count, weight / times)]),
        )


@dataclass(frozen=True)
class Linear:
    """Logits are features @ weight.T + bias; weight float64 (labels, width), bias (labels,)."""

    weight: np.ndarray
    bias: np.ndarray

    def clip_scores(self, rows: Rows) -> np.ndarray:
        """Probabilities float64 (clips, labels), the mean over each clip's rows."""
        logits = rows.features @ self.weight.T + self.bias
        scores = expit(logits) if rows.targets.ndim == 2 else softmax(logits, axis=1)
        sums = np.zeros((len(rows.targets), len(self.bias)))
        np.add.at(sums, rows.clips, scores)
        return sums / np.bincount(rows.clips, minlength=len(sums))[:, None]


def fit_linear(rows: Rows, num_labels: int, strengths: Sequence[float]) -> list[Linear]:
    """Logistic regression on standardised features, with the standardisation folded into the weights.

    Args:
        rows: to learn from.
        num_labels: classes, some of which may have no clip here.
        strengths: of the L2 penalty beside the mean (not summed) loss over the clips; from strong to weak is quickest,
            as each solution is the start of the next.

    Returns:
        One classifier a strength.
    """
    shares = rows.weights / rows.weights.sum()
    mean = shares @ rows.features
    scale = np.sqrt(shares @ (rows.features - mean) ** 2)
    scale = np.where(scale > 1e-6 * (scale.max() or 1), scale, np.inf)  # a constant feature tells nothing
    features = ((rows.features - mean) / scale).astype(np.float64)
    # Along its principal axes the problem has no more dimensions than rows, and its curvature is nearly known.
    if len(features) < features.shape[1]:
        squares, left = np.linalg.eigh(features @ features.T)
        axes = features.T @ left / np.sqrt(np.maximum(squares, 1e-12))
    else:
        squares, axes = np.linalg.eigh(features.T @ features)
    axes = axes[:, squares > 1e-10 * squares.max()]
    turned = features @ axes  # (rows, axes)
    spread = shares @ turned**2
    wanted = _indicators(rows, num_labels)
    present = shares @ wanted
    multi_label = rows.targets.ndim == 2
    learnt = wanted.any(0) & ~(wanted.all(0) & multi_label)
    start = np.zeros((learnt.sum(), turned.shape[1] + 1))
    start[:, -1] = logit(present[learnt]) if multi_label else np.log(present[learnt])
    found = []
    for strength in strengths:
        start = _minimise(turned, wanted[:, learnt], shares, spread, strength, start, multi_label)
        weight, bias = np.zeros((num_labels, features.shape[1])), np.zeros(num_labels)
        weight[learnt] = start[:, :-1] @ axes.T / scale
        bias[learnt] = start[:, -1] - weight[learnt] @ mean
        # Labels that no clip has, or that all have, get the logit of half a clip, whatever is heard.
        half = 0.5 / (len(rows.targets) + 1)
        centre = 0.0 if multi_label else start[:, -1].max()
        bias[~learnt] = centre + logit(np.clip(present[~learnt], half, 1 - half))
        found.append(Linear(weight, bias))
    return found


def _minimise(
    features: np.ndarray,
    wanted: np.ndarray,
    shares: np.ndarray,
    spread: np.ndarray,
    strength: float,
    start: np.ndarray,
    multi_label: bool,
) -> np.ndarray:
    """Weights and bias (labels, axes + 1) of least mean loss plus strength / 2 * |weights|^2, from `start` on.

    L-BFGS in coordinates in which the curvature is about the same in all directions.
    """
    step = 1 / np.sqrt(np.append(spread * CURVATURE, CURVATURE) + np.append(np.full(len(spread), strength), 0.0))
    shape = start.shape

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(shape) * step
        logits = features @ weights[:, :-1].T + weights[:, -1]
        if multi_label:
            value = shares @ (np.logaddexp(0, logits) - wanted * logits).sum(1)
            scores = expit(logits)
        else:
            logits -= logits.max(1, keepdims=True)
            powers = np.exp(logits)
            totals = powers.sum(1, keepdims=True)
            value = shares @ (np.log(totals[:, 0]) - (wanted * logits).sum(1))
            scores = powers / totals
        errors = (scores - wanted) * shares[:, None]
        gradient = np.concatenate([errors.T @ features + strength * weights[:, :-1], errors.sum(0)[:, None]], axis=1)
        return value + strength / 2 * (weights[:, :-1] ** 2).sum(), (gradient * step).ravel()

    found = minimize(
        loss, (start / step).ravel(), jac=True, method="L-BFGS-B",
        options={"maxiter": MOST_STEPS, "gtol": TOLERANCE, "ftol": 1e-12, "maxcor": 20},
    )  # fmt: skip
    return found.x.reshape(shape) * step


def _indicators(rows: Rows, num_labels: int) -> np.ndarray:
    """Targets of the rows as float64 0/1 (rows, labels)."""
    clips = rows.targets if rows.targets.ndim == 2 else np.eye(num_labels)[rows.targets]
    return clips[rows.clips].astype(np.float64)


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


def held_out_scores(rows: Rows, num_labels: int, strengths: Sequence[float], folds: np.ndarray) -> np.ndarray:
    """Probabilities (strengths, clips, labels) of each clip by classifiers fitted without its fold."""
    scores = np.zeros((len(strengths), len(rows.targets), num_labels))
    for fold in np.unique(folds):
        held_out = folds == fold
        judged = rows.of_clips(held_out)
        for number, linear in enumerate(fit_linear(rows.of_clips(~held_out), num_labels, strengths)):
            scores[number, held_out] = linear.clip_scores(judged)
    return scores


def mean_loss(scores: np.ndarray, targets: np.ndarray, shares: np.ndarray | None = None) -> float:
    """Cross-entropy of probabilities, binary where clips have several labels; mean over clips (and labels), each of
    which counts by its share."""
    scores = np.clip(scores, 1e-7, 1 - 1e-7)
    if targets.ndim == 2:
        losses = -(targets * np.log(scores) + (1 - targets) * np.log(1 - scores)).mean(1)
    else:
        losses = -np.log(scores[np.arange(len(targets)), targets])
    return float(np.average(losses, weights=shares))
