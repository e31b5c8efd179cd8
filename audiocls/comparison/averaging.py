"""Whether several models answer better together: the weighted mean of their probabilities on clips they had not seen.

The weights are those that make the right answers most likely. They are found by expectation maximisation, as the
weights of a mixture whose components are given (Dempster, Laird and Rubin 1977): two or three numbers from all clips
together, so there is little to overfit, and a model that adds nothing to the best one gets next to no weight.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from audiocls.comparison.leaderboard import HEADLINE
from audiocls.comparison.resampling import Bootstrap, difference_interval

MOST_MEMBERS = 3  # the best so many are tried together
LEAST_WEIGHT = 0.1  # below this a member is not worth its time and size
STEPS = 200  # of expectation maximisation; weights of three models have settled long before


def best_mixture(scores: Mapping[str, np.ndarray], bootstrap: Bootstrap) -> dict[str, float]:
    """The models to answer together, with weights that add up to 1; often just the best one.

    Likelihood decides, as it looks at every probability, where the score only sees the few clips whose answer changes;
    but a mean whose score is clearly below that of the best model is not taken.

    Args:
        scores: out-of-fold probabilities (n, labels) of models that could be combined, by name; at least one.
        bootstrap: over the same clips.
    """
    points = {name: bootstrap.point(each) for name, each in scores.items()}
    names = sorted(scores, key=lambda name: (-points[name][HEADLINE], mean_loss(scores[name], bootstrap.targets)))
    best, names = names[0], names[:MOST_MEMBERS]
    weights = np.zeros(len(names))
    while weights.min() < LEAST_WEIGHT:
        weights = mixture_weights([scores[name] for name in names], bootstrap.targets)
        names = [name for name, weight in zip(names, weights, strict=True) if weight >= LEAST_WEIGHT]
    if len(names) == 1:
        return {best: 1.0}
    mean = mean_scores([scores[name] for name in names], weights)
    change = bootstrap.draws(mean)[HEADLINE] - bootstrap.draws(scores[best])[HEADLINE]
    if difference_interval(change)[1] < 0:
        return {best: 1.0}
    return dict(zip(names, weights.tolist(), strict=True))


def mixture_weights(scores: Sequence[np.ndarray], targets: np.ndarray) -> np.ndarray:
    """The weights (models,) of the mean of probabilities (n, labels) under which the targets are most likely."""
    likely = np.stack([likelihood(each, targets) for each in scores], axis=-1).reshape(-1, len(scores))
    weights = np.full(len(scores), 1 / len(scores))
    for _ in range(STEPS):
        shares = weights * likely
        weights = (shares / shares.sum(1, keepdims=True)).mean(0)
    return weights


def mean_scores(scores: Sequence[np.ndarray], weights: Sequence[float] | np.ndarray) -> np.ndarray:
    """The weighted mean of probabilities (n, labels) of several models, float32."""
    return np.average(scores, axis=0, weights=weights).astype(np.float32)


def mean_loss(scores: np.ndarray, targets: np.ndarray) -> float:
    """Cross-entropy of probabilities (n, labels), the mean over clips (and labels, for several a clip)."""
    return float(-np.log(likelihood(scores, targets)).mean())


def likelihood(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Probability of what is right: (n,) for class indices, (n, labels) for 0/1 rows; never quite 0."""
    right = scores[np.arange(len(targets)), targets] if targets.ndim == 1 else np.where(targets, scores, 1 - scores)
    return np.clip(right.astype(np.float64), 1e-4, 1)
