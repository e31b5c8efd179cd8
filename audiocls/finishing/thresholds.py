"""From which score on a label is the answer: chosen on predictions for clips that were not learnt.

For several labels a clip the threshold of each label with the best F1; for two classes the one with the best balanced
accuracy. A threshold other than one half must earn its place: it is taken when resampled clips agree that it is better.
"""

from collections.abc import Callable, Sequence

import numpy as np

from audiocls.evaluation.counts import ratio
from audiocls.evaluation.metrics import THRESHOLD

# Of clips rightly given the label, wrongly given it, with it and without it; arrays of one shape.
Score = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]

LEAST_CLIPS = 5  # with a label and without it; with fewer the threshold stays at one half
NUM_DRAWS = 200
LEAST_DRAWS = 20  # of very many clips, which differ little from draw to draw
MOST_CELLS = 2_000_000
SEED = 42
# Of the resamples in which a threshold must do better than one half. Of several labels, rare ones often gain; of two
# classes the likelier is what everybody expects, and what `pipeline` puts first.
SHARE_BETTER = 0.6
SHARE_BETTER_OF_TWO = 0.9


def chosen_thresholds(
    scores: np.ndarray, targets: np.ndarray, labels: Sequence[str], multi_label: bool
) -> dict[str, float] | None:
    """The threshold of each label, between 0 and 1; None for one answer among more than two classes.

    Args:
        scores: float (n, labels), calibrated probabilities.
        targets: int (n,), or 0/1 (n, labels) when multi-label.

    Returns:
        With several labels a clip, a label is given to clips whose score lies above its threshold. Of two classes the
        second is, and the first's threshold is what remains to 1.
    """
    scores, targets = np.asarray(scores, np.float64), np.asarray(targets)
    if multi_label:
        columns = zip(labels, scores.T, targets.T > 0.5, strict=True)
        return {label: best_threshold(column, wanted, f1, SHARE_BETTER) for label, column, wanted in columns}
    if len(labels) != 2:
        return None
    second = best_threshold(scores[:, 1], targets == 1, balanced_accuracy, SHARE_BETTER_OF_TWO)
    return {labels[0]: 1 - second, labels[1]: second}


def f1(hits: np.ndarray, false_alarms: np.ndarray, wanted: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Harmonic mean of precision and recall."""
    return ratio(2 * hits, hits + false_alarms + wanted)


def balanced_accuracy(hits: np.ndarray, false_alarms: np.ndarray, wanted: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Mean of recall and specificity."""
    return (ratio(hits, wanted) + 1 - ratio(false_alarms, others)) / 2


def best_threshold(scores: np.ndarray, wanted: np.ndarray, score: Score, share_better: float) -> float:
    """The threshold of one label with the best score, or one half where that is not clearly worse.

    The mean over resamples of the clips of each one's best threshold: a single clip then moves it little, and it comes
    to lie in the middle of a gap, not at its edge.

    Args:
        scores: (n,). wanted: bool (n,), the clips that have the label. share_better: in how many of the resamples it
            must be better than one half.
    """
    if min(wanted.sum(), (~wanted).sum()) < LEAST_CLIPS:
        return THRESHOLD
    order = np.argsort(scores, kind="stable")
    scores, wanted = scores[order], wanted[order]
    ends = np.flatnonzero(np.diff(scores, append=np.inf))  # of each stretch of equal scores
    # A threshold between two neighbouring scores, below all, or above all.
    borders = np.concatenate([[0.0], scores[ends], [1.0]])
    middles = (borders[:-1] + borders[1:]) / 2
    generator = np.random.default_rng(SEED)
    size = int(np.clip(MOST_CELLS // len(scores), LEAST_DRAWS, NUM_DRAWS))
    drawn = generator.multinomial(len(scores), np.full(len(scores), 1 / len(scores)), size=size).astype(np.float64)
    missed, rejected = (_reached(drawn * which, ends) for which in (wanted, ~wanted))
    found = score(missed[:, -1:] - missed, rejected[:, -1:] - rejected, missed[:, -1:], rejected[:, -1:])
    best = found.max(1, keepdims=True)
    # Of equally good thresholds the middle one, by length.
    widths = np.diff(borders) * (found >= best - 1e-12)
    chosen = float(((widths * middles).sum(1) / np.maximum(widths.sum(1), 1e-300)).mean())
    at = [int(np.searchsorted(scores[ends], threshold, side="right")) for threshold in (chosen, THRESHOLD)]
    better = found[:, at[0]] > found[:, at[1]]
    return chosen if better.mean() >= share_better else THRESHOLD


def _reached(weights: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Clips at or below each threshold, (draws, thresholds), from how often each was drawn, (draws, clips)."""
    return np.concatenate([np.zeros((len(weights), 1)), np.cumsum(weights, axis=1)[:, ends]], axis=1)
