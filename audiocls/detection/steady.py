"""Sounds that go on: told by a model's windows where nothing stands out of the noise, because they are the noise.

Hysteresis over smoothed scores of windows, for all labels at once: a stretch opens at a high score, goes on at less,
and counts once it is longer than one short sound within the windows would make it.
"""

from dataclasses import dataclass

import numpy as np

from audiocls.detection.plan import Plan

# A steady noise that is none of the classes is met in most recordings, so it takes more to be an event than what
# stands out does: from its threshold to 1, this share of the way; it goes on from the threshold itself.
HIGH_SHARE = 0.8
LEAST_WINDOWS = 3.0  # a stretch is at least so many windows long
MOST_SECONDS = 600.0  # a longer one is told of in parts


@dataclass(frozen=True)
class Stretch:
    """Part of a recording with one label. start, stop: in samples. peak, mean: of its scores."""

    label: int
    start: int
    stop: int
    peak: float
    mean: float


class Steady:
    """Push cells, parts of a recording one behind the other; get the stretches that are over.

    most: longest stretch, in samples.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._high = plan.thresholds + HIGH_SHARE * (1 - plan.thresholds)
        self._least = LEAST_WINDOWS * plan.window_length
        self.most = round(MOST_SECONDS * plan.sampling_rate)
        self._open: dict[int, tuple[int, int, list[float]]] = {}  # label: start, stop, scores of its cells

    def push(self, start: int, stop: int, scores: np.ndarray, known: bool, covered: bool) -> list[Stretch]:
        """Take the next cell.

        Args:
            start, stop: in samples.
            scores: float32 (labels,), smoothed.
            known: whether it is a sound of the classes at all.
            covered: whether it is full of sounds that are told by themselves; it then opens nothing.
        """
        found: list[Stretch] = []
        heard = self._plan.reported & known
        low = heard & (scores >= self._plan.thresholds)
        high = heard & (scores >= self._high)
        for label in list(self._open):
            if not low[label] or stop - self._open[label][0] > self.most:
                found += self._close(label)
        for label in np.flatnonzero(low).tolist():
            if label in self._open:
                first, _, values = self._open[label]
                values.append(float(scores[label]))
                self._open[label] = (first, stop, values)
            elif high[label] and not covered:
                self._open[label] = (start, stop, [float(scores[label])])
        return found

    def goes_on(self, label: int) -> bool:
        """Whether a stretch of this label is open, and long enough to be told of."""
        return label in self._open and self._open[label][1] - self._open[label][0] >= self._least

    def finish(self) -> list[Stretch]:
        """No more cells come: give what is open."""
        return [stretch for label in list(self._open) for stretch in self._close(label)]

    def _close(self, label: int) -> list[Stretch]:
        start, stop, scores = self._open.pop(label)
        if stop - start < self._least:
            return []
        return [Stretch(label, start, stop, max(scores), float(np.mean(scores)))]
