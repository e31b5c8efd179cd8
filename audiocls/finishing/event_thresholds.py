"""Which thresholds find the events of recordings best, as far as some recordings can tell.

What is best: the F1 of events and, for those who count, that as many are found as there are.
"""

from collections.abc import Callable

import numpy as np

from audiocls.evaluation.event_curves import GRID, best_thresholds
from audiocls.evaluation.event_scores import Tally

Find = Callable[[np.ndarray], Tally]  # thresholds (labels,) to sums (recordings, labels)

STEPS = tuple(np.arange(0.05, 0.91, 0.05).round(2).tolist())
ROUNDS = 2
COUNT_SHARE = 0.5  # of right counts, beside F1


def thresholds_for_events(find: Find, num_labels: int, multi_label: bool) -> np.ndarray:
    """The threshold of each label, float64 (labels,).

    Of classes that exclude each other, what one is given others lose. Of two, a low threshold of the rarer decides in
    its favour, so both are chosen one after the other. Of more there are too few events of each to tell, so they have
    one in common. Of several labels at once each is heard by itself: a common threshold, moved a little by each class's
    own events (`best_thresholds`).
    """
    if multi_label:
        return best_thresholds([find(np.full(num_labels, step)) for step in GRID], GRID)
    chosen = np.full(num_labels, best_step([worth(find(np.full(num_labels, step))) for step in STEPS]))
    for _ in range(ROUNDS if num_labels == 2 else 0):
        for label in range(num_labels):
            values = []
            for step in STEPS:
                chosen[label] = step
                values.append(worth(find(chosen)))
            chosen[label] = best_step(values)
    return chosen


def worth(tally: Tally) -> float:
    """What is made as large as possible: F1 and how right the counts of recordings are.

    Of two classes the mean of both, each counting the same; of more that of all events together.
    """
    hits, found, true = tally.hits, tally.found, tally.true
    if hits.shape[1] > 2:
        hits, found, true = (part.sum(1, keepdims=True) for part in (hits, found, true))
    f1 = 2 * hits.sum(0) / np.maximum((found + true).sum(0), 1e-9)
    counted = np.minimum(found, true) + 0.5, np.maximum(found, true) + 0.5
    return float(f1.mean() + COUNT_SHARE * (counted[0] / counted[1]).mean())


def best_step(values: list[float]) -> float:
    """The step with the highest value, smoothed over neighbours against lucky ones; of equals the middle."""
    padded = np.pad(np.array(values), 1, mode="edge")
    smooth = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    return float(np.median(np.asarray(STEPS)[smooth >= smooth.max() - 1e-9]))
