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

    Of two classes that exclude each other, what one is given the other loses: a low threshold of the rarer decides in
    its favour. So both are chosen one after the other, each class counting the same. Of more classes (or several at
    once) a common threshold, which each class's own events move a little (`best_thresholds`).
    """
    if num_labels != 2 or multi_label:
        return best_thresholds([find(np.full(num_labels, step)) for step in GRID], GRID)
    values = [worth(find(np.full(num_labels, step))) for step in STEPS]
    chosen = np.full(num_labels, best_step(values))
    for _ in range(ROUNDS):
        for label in range(num_labels):
            values = []
            for step in STEPS:
                chosen[label] = step
                values.append(worth(find(chosen)))
            chosen[label] = best_step(values)
    return chosen


def worth(tally: Tally) -> float:
    """What is made as large as possible: the mean over classes of F1 and of how right the counts are."""
    hits, found, true = (part.sum(0) for part in (tally.hits, tally.found, tally.true))
    f1 = 2 * hits / np.maximum(found + true, 1e-9)
    counted = np.minimum(tally.found, tally.true) + 0.5, np.maximum(tally.found, tally.true) + 0.5
    return float(f1.mean() + COUNT_SHARE * (counted[0] / counted[1]).mean())


def best_step(values: list[float]) -> float:
    """The step with the highest value, smoothed over neighbours against lucky ones; of equals the middle."""
    padded = np.pad(np.array(values), 1, mode="edge")
    smooth = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    return float(np.median(np.asarray(STEPS)[smooth >= smooth.max() - 1e-9]))
