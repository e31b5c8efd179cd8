"""Whether several models answer better together: the mean of the probabilities they gave to clips they had not seen.

An average costs the time and size of all its members, and the best of many averages is partly the luckiest. So few are
looked at, and one is taken only for a gain that chance alone does not give.
"""

import itertools
from collections.abc import Mapping

import numpy as np

from audiocls.comparison.leaderboard import HEADLINE
from audiocls.comparison.resampling import Bootstrap

MOST_MEMBERS = 3
CONSIDERED = 4  # the best so many
LEAST_SURENESS = 0.7  # share of the bootstrap's draws in which the average must beat the best single model


def best_average(scores: Mapping[str, np.ndarray], bootstrap: Bootstrap) -> tuple[str, ...] | None:
    """The members whose equal-weight average should be preferred to the best single model, or None.

    Args:
        scores: out-of-fold probabilities (n, labels) of models that could be combined, by name.
        bootstrap: over the same clips.
    """
    points = {name: bootstrap.point(each) for name, each in scores.items()}
    order = sorted(scores, key=lambda name: (-points[name][HEADLINE], mean_loss(scores[name], bootstrap.targets)))
    averages = [
        members
        for size in range(2, MOST_MEMBERS + 1)
        for members in itertools.combinations(order[:CONSIDERED], size)
        if order[0] in members
    ]
    if not averages:
        return None
    best_draws = bootstrap.draws(scores[order[0]])[HEADLINE]
    means = {members: mean_scores([scores[name] for name in members]) for members in averages}
    # The loss looks at probabilities, not only at answers: it tells averages apart where the few clips that change
    # sides do not.
    chosen = min(averages, key=lambda members: mean_loss(means[members], bootstrap.targets))
    draws = bootstrap.draws(means[chosen])[HEADLINE]
    sureness = float(np.mean((draws > best_draws) + 0.5 * (draws == best_draws)))
    better = bootstrap.point(means[chosen])[HEADLINE] > points[order[0]][HEADLINE]
    return chosen if better and sureness >= LEAST_SURENESS else None


def mean_scores(scores: list[np.ndarray]) -> np.ndarray:
    """The mean of probabilities (n, labels) of several models."""
    return np.mean(scores, axis=0).astype(np.float32)


def mean_loss(scores: np.ndarray, targets: np.ndarray) -> float:
    """Cross-entropy of probabilities (n, labels), the mean over clips (and labels, for several a clip)."""
    likely = scores[np.arange(len(targets)), targets] if targets.ndim == 1 else np.where(targets, scores, 1 - scores)
    return float(-np.log(np.clip(likely, 1e-6, 1)).mean())
