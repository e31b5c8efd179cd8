"""What other thresholds would find: several decisions on the same hearing."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from audiocls.detection.decision import Decision
from audiocls.detection.event import Event
from audiocls.detection.hearing import Heard, Hearing
from audiocls.detection.options import DetectOptions
from audiocls.detection.plan import Plan, plan_detection

if TYPE_CHECKING:
    from audiocls.inference.classifier import AudioClassifier


class Sweep:
    """Listens to one recording as a `Detector` does, and decides as the same one with each of several thresholds.

    plan: of the detector with the thresholds of the options.

    Args:
        thresholds: each is used for all labels.
        on_heard: is called with everything that is heard, before it is decided upon.

    Raises:
        UsageError: options that do not fit the model.
    """

    plan: Plan

    def __init__(
        self,
        classifier: "AudioClassifier",
        options: DetectOptions,
        thresholds: Sequence[float] = (),
        on_heard: Callable[[Heard], None] | None = None,
        batch_size: int = 32,
    ) -> None:
        self.plan = plan_detection(classifier, options)
        others = [
            dataclasses.replace(self.plan, thresholds=np.full(len(self.plan.labels), threshold, np.float32))
            for threshold in thresholds
        ]
        self._hearing = Hearing(classifier, self.plan, None, batch_size)
        self._on_heard = on_heard or (lambda heard: None)
        self._decisions = [
            Decision(plan, classifier.known_threshold, classifier.multi_label) for plan in (self.plan, *others)
        ]
        self._found: list[list[Event]] = [[] for _ in self._decisions]

    def push(self, samples: np.ndarray) -> None:
        """Take the next samples, float32 (time,) at the model's rate."""
        heard = self._hearing.push(samples)
        self._on_heard(heard)
        for found, decision in zip(self._found, self._decisions, strict=True):
            found += decision.push(heard)

    def finish(self) -> list[list[Event]]:
        """The recording is over: the events with the options' own thresholds, then those with each of the others."""
        heard = self._hearing.finish()
        self._on_heard(heard)
        for found, decision in zip(self._found, self._decisions, strict=True):
            found += decision.finish(heard, self._hearing.received)
        return [sorted(found, key=lambda event: (event.start_seconds, event.end_seconds)) for found in self._found]
