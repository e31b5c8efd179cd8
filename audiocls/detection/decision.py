"""From what was heard to events: a label for each sound from a threshold on, neighbours of one label made one.

Takes what `Hearing` gives; with other thresholds it makes other events of the same.
"""

from collections import deque

import numpy as np

from audiocls.detection.event import Event
from audiocls.detection.hearing import Heard, Sound
from audiocls.detection.plan import Plan
from audiocls.detection.steady import Steady, Stretch

COVERED_SHARE = 0.5  # of a cell under sounds that are told by themselves: no steady sound begins there
SMOOTHING = (0.25, 0.5, 0.25)  # of a window with its neighbours


class Decision:
    """Push what is heard, get the events that are over.

    Time goes on in cells: cell i is the middle part of window i, one hop long. A sound is decided upon after all cells
    that end before it, so what is found does not depend on how much is pushed at once.

    Args:
        plan: its thresholds, labels, gap and shortest duration are used.
        known_threshold: of `AudioClassifier`: a steady sound must be one of the classes' own.
        multi_label: a sound may be an event of each label that reaches its threshold, not only of one.
    """

    def __init__(self, plan: Plan, known_threshold: float | None, multi_label: bool) -> None:
        self._plan, self._known_threshold, self._multi_label = plan, known_threshold, multi_label
        self._steady = Steady(plan)
        self._open: dict[int, list[Stretch]] = {}  # stretches of a label that are one event so far
        self._windows: deque[tuple[np.ndarray, float]] = deque()  # from the one before the next cell's on
        self._cell = 0  # next
        self._last_cell: int | None = None
        self._waiting: deque[Sound] = deque()
        self._recent: deque[Sound] = deque()  # decided upon; cells to come may lie under them
        self._length: int | None = None
        self._over: list[Stretch] = []
        self._gap = round(plan.merge_gap_seconds * plan.sampling_rate)
        self._least = round(plan.min_duration_seconds * plan.sampling_rate)

    def push(self, heard: Heard) -> list[Event]:
        """Take what is new; give the events that are over, in order of their end."""
        for windows in heard.windows:
            self._windows.extend(zip(windows.scores, windows.known.tolist(), strict=True))
        self._waiting.extend(heard.sounds)
        while self._waiting:
            if not self._advance(self._waiting[0].start):
                break
            self._take(self._waiting.popleft())
        if not self._waiting:
            self._advance(heard.certain)
        reached = min(self._cell_start(self._cell), self._waiting[0].start if self._waiting else heard.certain)
        for label in [label for label, parts in self._open.items() if parts[-1].stop + self._gap < reached]:
            self._close(label)
        return self._given()

    def finish(self, heard: Heard, length: int) -> list[Event]:
        """Take the last of a recording of `length` samples; give the events that are left, in order of their end."""
        self._length = length
        events = self.push(heard)
        for label in list(self._open):
            self._close(label)
        self._over += self._steady.finish()
        return sorted(events + self._given(), key=lambda event: (event.end_seconds, event.start_seconds))

    def _cell_start(self, cell: int) -> int:
        hop, window = self._plan.hop_length, self._plan.window_length
        return 0 if cell == 0 else cell * hop + (window - hop) // 2

    def _advance(self, until: int) -> bool:
        """Go through the cells that end by this sample; False if windows for that are still to come."""
        while self._length is not None or self._cell_start(self._cell + 1) <= until:
            number = min(self._cell, 1)  # of the cell's window in the queue
            if len(self._windows) <= number + (self._length is None):
                return self._length is not None  # at the end of a recording the last window has none after it
            start, stop = self._cell_start(self._cell), self._cell_start(self._cell + 1)
            if len(self._windows) == number + 1 and self._length is not None:
                stop = self._length
            if stop > until:
                return True
            self._decide_cell(start, stop, number)
            if number:
                self._windows.popleft()
            self._cell += 1
        return True

    def _decide_cell(self, start: int, stop: int, number: int) -> None:
        near = [(number + by, weight) for by, weight in zip((-1, 0, 1), SMOOTHING, strict=True)]
        near = [(at, weight) for at, weight in near if 0 <= at < len(self._windows)]
        total = sum(weight for _, weight in near)
        scores = np.sum([self._windows[at][0] * np.float32(weight / total) for at, weight in near], axis=0)
        known = self._windows[number][1]
        told = known >= self._known_threshold if self._known_threshold is not None else known != -np.inf
        while self._recent and self._recent[0].stop <= start:
            self._recent.popleft()
        under = sum(min(stop, each.stop) - max(start, each.start) for each in self._recent if each.start < stop)
        self._over += self._steady.push(start, stop, scores, bool(told), under > COVERED_SHARE * (stop - start))

    def _take(self, sound: Sound) -> None:
        """Decide upon a sound."""
        self._recent.append(sound)
        if sound.known == -np.inf:
            return
        thresholds = self._plan.thresholds
        passing = np.flatnonzero(sound.scores >= thresholds)
        if len(passing) > 1 and not self._multi_label:
            # The most above its threshold: the likelier of two classes would leave a low threshold without effect.
            passing = passing[[int((sound.scores - thresholds)[passing].argmax())]]
        for label in passing.tolist():
            if not self._plan.reported[label] or self._steady.goes_on(label):
                continue
            parts = self._open.get(label)
            if parts and (sound.start - parts[-1].stop > self._gap or sound.stop - parts[0].start > self._steady.most):
                self._close(label)
            score = float(sound.scores[label])
            self._open.setdefault(label, []).append(Stretch(label, sound.start, sound.stop, score, score))

    def _close(self, label: int) -> None:
        self._over.append(joined(self._open.pop(label)))

    def _given(self) -> list[Event]:
        found, self._over = sorted(self._over, key=lambda each: (each.stop, each.start)), []
        rate, labels = self._plan.sampling_rate, self._plan.labels
        return [
            Event(each.start / rate, each.stop / rate, labels[each.label], each.peak, each.mean)
            for each in found
            if each.stop - each.start >= self._least
        ]


def joined(parts: list[Stretch]) -> Stretch:
    """Stretches of one label, in order of time, as one."""
    lengths = np.array([part.stop - part.start for part in parts], np.float64)
    mean = float(np.average([part.mean for part in parts], weights=lengths))
    return Stretch(parts[0].label, parts[0].start, parts[-1].stop, max(part.peak for part in parts), mean)
