"""What other thresholds would find: several detectors that listen to the same windows, which are scored once."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from audiocls.detection.detector import Detector
from audiocls.detection.event import Event
from audiocls.detection.options import DetectOptions
from audiocls.detection.plan import Plan
from audiocls.detection.scan import Scanner, Windows

if TYPE_CHECKING:
    from audiocls.inference.classifier import AudioClassifier


class Sweep:
    """Listens to one recording as a `Detector` does, and as the same one with each of several thresholds.

    plan: of the detector with the thresholds of the options.

    Args:
        thresholds: each is used for all labels.
        on_windows: as of `Detector`.

    Raises:
        UsageError: options that do not fit the model.
    """

    plan: Plan

    def __init__(
        self,
        classifier: "AudioClassifier",
        options: DetectOptions,
        thresholds: Sequence[float] = (),
        on_windows: Callable[[Windows], None] | None = None,
        batch_size: int = 32,
    ) -> None:
        self._relay = _Relay()
        others = [dataclasses.replace(options, threshold=f"{threshold:g}") for threshold in thresholds]
        first = Detector(classifier, options, on_windows, scanner=self._relay)
        self._detectors = [first, *(Detector(classifier, each, scanner=self._relay) for each in others)]
        self.plan = first.plan
        self._scanner = Scanner(classifier, self.plan.window_length, self.plan.hop_length, batch_size)
        self._found: list[list[Event]] = [[] for _ in self._detectors]

    def push(self, samples: np.ndarray) -> None:
        """Take the next samples, float32 (time,) at the model's rate."""
        self._relay.windows = self._scanner.push(samples)
        for found, detector in zip(self._found, self._detectors, strict=True):
            found += detector.push(samples)

    def finish(self) -> list[list[Event]]:
        """The recording is over: the events with the options' own thresholds, then those with each of the others."""
        self._relay.windows = self._scanner.finish()
        for found, detector in zip(self._found, self._detectors, strict=True):
            found += detector.finish()
        return [sorted(found, key=lambda event: (event.start_seconds, event.end_seconds)) for found in self._found]


class _Relay:
    """Stands where a detector's scanner does, and gives the windows that were scored for all."""

    windows: list[Windows]

    def push(self, samples: np.ndarray) -> list[Windows]:
        return self.windows

    def finish(self) -> list[Windows]:
        return self.windows
