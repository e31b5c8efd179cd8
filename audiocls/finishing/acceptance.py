"""The threshold that a given share of known clips passes, from the scores of few of them."""

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

SLACK = 1e-4  # below a clip's own score, whose last digits differ from batch to batch
ENOUGH = 100  # clips, whose own distribution says more than that of others


def lowest_passing(scores: np.ndarray, acceptance: float) -> float:
    """The threshold that new clips pass with probability `acceptance` or more.

    An order statistic, as in split conformal prediction (Vovk et al. 2005, "Algorithmic learning in a random world"):
    no more than `(1 - acceptance) (n + 1)` scores lie below. Of too few for that, below the lowest and the bound
    of a prediction by Student's t.

    Args:
        scores: float (n,), at least one, exchangeable with those of new clips.
        acceptance: above 0 and at most 1; 1 is the lowest score.
    """
    ordered = np.sort(scores)
    below = int((1 - acceptance) * (len(ordered) + 1) + 1e-9)
    if below >= 1:
        return float(ordered[min(below, len(ordered)) - 1] - SLACK)
    lowest = float(ordered[0])
    if acceptance < 1 and len(ordered) > 1:
        wide = float(ordered.std(ddof=1)) * (1 + 1 / len(ordered)) ** 0.5
        lowest = min(lowest, float(ordered.mean() - student.ppf(acceptance, len(ordered) - 1) * wide))
    return lowest - SLACK


def passing(scores: np.ndarray, learnt: np.ndarray, acceptance: float) -> float:
    """As `lowest_passing`, where few clips are new and many learnt, which a model knows better than new ones.

    The shape is that of the learnt clips, moved and stretched to the mean and deviation of the new ones.

    Args:
        scores: of clips that were not learnt, float (n,).
        learnt: of learnt clips, at least one.
    """
    if len(scores) >= ENOUGH or not len(learnt):
        return lowest_passing(scores, acceptance)
    threshold = lowest_passing(learnt, acceptance)
    if len(scores) < 2:
        return threshold
    stretch = max(float(scores.std(ddof=1)) / max(float(learnt.std()), 1e-9), 1.0)
    if 0.5 < acceptance < 1:  # mean and deviation of few clips are themselves uncertain
        doubt = student.ppf(acceptance, len(scores) - 1) / norm.ppf(acceptance) * (1 + 1 / len(scores)) ** 0.5
        stretch *= float(doubt)
    return float(scores.mean()) + stretch * (threshold - float(learnt.mean()))
