"""Scores that mean what they say: logits times a scale, fitted on predictions for clips that were not learnt.

With one label a clip a single temperature, which leaves every answer as it is (Guo et al., "On calibration of modern
neural networks", ICML 2017). With several a scale and a bias for each label (Platt, "Probabilistic outputs for support
vector machines", 1999). It sees scores and targets only; `folding` puts the result into a model.

Few clips tell little, and if a handful are all answered rightly the likeliest temperature is none at all. So there is a
prior: what is fitted starts from "as it is" and moves as far as the clips are evidence for it.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_softmax, logit, softmax

LEAST_SCORE = 1e-9  # whose logarithm is still a number; as the models' own
PRIOR = 8.0  # strength, 1 / variance of the scale's logarithm: it lies within 0.7 and 1.4 unless clips say otherwise
LABEL_PRIOR = 16.0  # of a label's own scale and bias around what all labels have in common
WIDEST = 4.0  # the scale's logarithm lies between its negative and it


@dataclass(frozen=True)
class Scaling:
    """New logits are logits * scale + bias; float64 (labels,) each, bias None where there is none."""

    scale: np.ndarray
    bias: np.ndarray | None = None

    @property
    def temperature(self) -> float:
        """1 / scale where one scale serves all labels."""
        return float(1 / self.scale[0])

    def after(self, earlier: "Scaling") -> "Scaling":
        """Both as one: first the earlier, then this."""
        moved = None if earlier.bias is None else self.scale * earlier.bias
        bias = moved if self.bias is None else self.bias if moved is None else moved + self.bias
        return Scaling(self.scale * earlier.scale, bias)

    def scores(self, scores: np.ndarray, multi_label: bool) -> np.ndarray:
        """Calibrated probabilities float32 (n, labels) for a model's probabilities (n, labels).

        As the model with the scaling folded in gives them, for clips of one window.
        """
        logits = score_logits(scores, multi_label) * self.scale + (0 if self.bias is None else self.bias)
        return (expit(logits) if multi_label else softmax(logits, axis=1)).astype(np.float32)

    def undone(self, scores: np.ndarray, multi_label: bool) -> np.ndarray:
        """The inverse of `scores`: what the model said before it was calibrated."""
        logits = (
            score_logits(scores, multi_label, float(np.finfo(np.float32).tiny))
            - (0 if self.bias is None else self.bias)
        ) / self.scale
        return (expit(logits) if multi_label else softmax(logits, axis=1)).astype(np.float32)


def score_logits(scores: np.ndarray, multi_label: bool, least: float = LEAST_SCORE) -> np.ndarray:
    """Logits float64 (n, labels) whose softmax (sigmoid, for several labels a clip) is `scores`."""
    scores = np.clip(np.asarray(scores, np.float64), least, 1 - LEAST_SCORE if multi_label else 1)
    return logit(scores) if multi_label else np.log(scores)


def fit_scaling(scores: np.ndarray, targets: np.ndarray, multi_label: bool) -> Scaling:
    """The scaling under which the targets are likeliest, the prior considered.

    Args:
        scores: float (n, labels), probabilities for clips the model did not learn; n is at least 1.
        targets: int (n,), or 0/1 (n, labels) when multi-label.
    """
    logits = score_logits(scores, multi_label)
    if not multi_label:
        return Scaling(np.full(logits.shape[1], _common_scale(logits, targets, multi_label)))
    wanted = np.asarray(targets, np.float64)
    common = _common_scale(logits, wanted, multi_label)
    pairs = np.array([_scale_and_bias(*columns, common) for columns in zip(logits.T, wanted.T, strict=True)])
    return Scaling(pairs[:, 0], pairs[:, 1])


def _common_scale(logits: np.ndarray, targets: np.ndarray, multi_label: bool) -> float:
    """One scale for all labels."""

    def loss(log_scale: float) -> float:
        scaled = np.exp(log_scale) * logits
        if multi_label:
            found = (np.logaddexp(0, scaled) - targets * scaled).mean(1).sum()
        else:
            found = -log_softmax(scaled, axis=1)[np.arange(len(targets)), targets].sum()
        return float(found + PRIOR * log_scale**2 / 2)

    # The prior makes a second valley possible, so the best of a grid is where the search begins.
    grid = np.linspace(-WIDEST, WIDEST, 25)
    best = grid[int(np.argmin([loss(each) for each in grid]))]
    step = grid[1] - grid[0]
    return float(np.exp(minimize_scalar(loss, bounds=(best - step, best + step), method="bounded").x))


def _scale_and_bias(logits: np.ndarray, targets: np.ndarray, common: float) -> tuple[float, float]:
    """Scale and bias of one label, from (n,) logits and 0/1 targets."""

    def loss(found: np.ndarray) -> tuple[float, np.ndarray]:
        log_scale, bias = found
        scaled = common * np.exp(log_scale) * logits
        errors = expit(scaled + bias) - targets
        value = (np.logaddexp(0, scaled + bias) - targets * (scaled + bias)).sum() + LABEL_PRIOR * (found @ found) / 2
        return float(value), np.array([errors @ scaled, errors.sum()]) + LABEL_PRIOR * found

    limits = [(-WIDEST, WIDEST), (-4 * WIDEST, 4 * WIDEST)]
    log_scale, bias = minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B", bounds=limits).x
    return common * float(np.exp(log_scale)), float(bias)
