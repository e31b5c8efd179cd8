"""Samples in, events out, while they come: a model's windows joined into events.

`Detector` takes blocks of any length; what it finds does not depend on how a recording is cut into blocks. It holds
some windows of sound, however long the recording is. It reads no files.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np

from audiocls.detection.event import Event
from audiocls.detection.options import DetectOptions
from audiocls.detection.plan import Plan, plan_detection
from audiocls.detection.scan import Scanner, Windows

if TYPE_CHECKING:
    from audiocls.inference.classifier import AudioClassifier


class WindowSource(Protocol):
    """What takes samples and gives their windows, as a `Scanner` does."""

    def push(self, samples: np.ndarray) -> list[Windows]:
        """Take the next samples; give the windows they complete."""

    def finish(self) -> list[Windows]:
        """The end is reached: give what is left."""


class Detector:
    """Finds the events of one recording or live stream.

    plan: the options as they were resolved: windows, thresholds, labels.

    Args:
        classifier: any model.
        options: what to look for and how.
        on_windows: is called with the windows as they are scored, in order, before the events they lead to are given.
        batch_size: windows that go through the model at once.
        scanner: where windows come from; its own unless given (see `sweep`).

    Raises:
        UsageError: options that do not fit the model.
    """

    plan: Plan

    def __init__(
        self,
        classifier: "AudioClassifier",
        options: DetectOptions | None = None,
        on_windows: Callable[[Windows], None] | None = None,
        batch_size: int = 32,
        scanner: WindowSource | None = None,
    ) -> None:
        self.plan = plan_detection(classifier, options or DetectOptions())
        self._on_windows = on_windows
        self._scanner: WindowSource = scanner or Scanner(
            classifier, self.plan.window_length, self.plan.hop_length, batch_size
        )
        self._open: dict[int, list] = {}
        self._seconds = 0.0
        self._received = 0

    def push(self, samples: np.ndarray) -> list[Event]:
        """Take the next samples, float32 (time,) at the model's rate; give the events that are over, by their end."""
        self._received += len(samples)
        return self._take(self._scanner.push(samples))

    def finish(self) -> list[Event]:
        """The recording is over: give the events that are left."""
        events = self._take(self._scanner.finish())
        for label in sorted(self._open):
            events += self._close(label)
        return sorted(events, key=lambda event: (event.end_seconds, event.start_seconds))

    def _take(self, found: list[Windows]) -> list[Event]:
        events: list[Event] = []
        for windows in found:
            if self._on_windows is not None:
                self._on_windows(windows)
            for number, scores in enumerate(windows.scores, windows.first):
                self._window(number, scores, windows.known[number - windows.first], events)
        return events

    def _window(self, number: int, scores: np.ndarray, known: float, events: list[Event]) -> None:
        heard = (scores >= self.plan.thresholds) & self.plan.reported & (known > -np.inf)
        if np.isnan(known):
            heard = (scores >= self.plan.thresholds) & self.plan.reported
        start = number * self.plan.hop_seconds
        end = min(start + self.plan.window_seconds, self._received / self.plan.sampling_rate)
        for label in range(len(scores)):
            if heard[label]:
                self._open.setdefault(label, [start, end, []])
                self._open[label][1] = end
                self._open[label][2].append(float(scores[label]))
            elif label in self._open and start > self._open[label][1] + self.plan.merge_gap_seconds:
                events += self._close(label)

    def _close(self, label: int) -> list[Event]:
        start, end, scores = self._open.pop(label)
        if end - start < self.plan.min_duration_seconds:
            return []
        return [Event(start, end, self.plan.labels[label], max(scores), float(np.mean(scores)))]
