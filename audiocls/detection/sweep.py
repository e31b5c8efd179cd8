"""What other thresholds would find: a recording that is heard once, and decided upon as often as one likes."""

import dataclasses
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
    """Listens to one recording as a `Detector` does, and keeps what it heard: some numbers a second, and no sound.

    plan: of the detector with the thresholds of the options. heard: everything that was heard.

    Raises:
        UsageError: options that do not fit the model.
    """

    plan: Plan
    heard: list[Heard]

    def __init__(self, classifier: "AudioClassifier", options: DetectOptions, batch_size: int = 32) -> None:
        self.plan = plan_detection(classifier, options)
        self.heard = []
        self._hearing = Hearing(classifier, self.plan, None, batch_size)
        self._known_threshold, self._multi_label = classifier.known_threshold, classifier.multi_label

    def push(self, samples: np.ndarray) -> None:
        """Take the next samples, float32 (time,) at the model's rate."""
        self.heard.append(self._hearing.push(samples))

    def finish(self) -> None:
        """The recording is over."""
        self.heard.append(self._hearing.finish())

    def events(self, thresholds: np.ndarray | float | None = None) -> list[Event]:
        """The events of the whole recording, in order of their start, as a `Detector` would find them.

        Args:
            thresholds: (labels,), or one for all labels; those of the options unless given.
        """
        plan = self.plan
        if thresholds is not None:
            chosen = np.broadcast_to(np.asarray(thresholds, np.float32), plan.thresholds.shape)
            plan = dataclasses.replace(plan, thresholds=chosen)
        decision = Decision(plan, self._known_threshold, self._multi_label)
        found = [event for part in self.heard[:-1] for event in decision.push(part)]
        found += decision.finish(self.heard[-1], self._hearing.received)
        return sorted(found, key=lambda event: (event.start_seconds, event.end_seconds))
