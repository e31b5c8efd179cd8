"""Samples in, events out, while they come.

`Detector` takes blocks of any length; what it finds does not depend on how a recording is cut into blocks. It holds
some seconds of sound, however long the recording is. It reads no files.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from audiocls.detection.decision import Decision
from audiocls.detection.event import Event
from audiocls.detection.hearing import Hearing
from audiocls.detection.options import DetectOptions
from audiocls.detection.plan import Plan, plan_detection
from audiocls.detection.scan import Windows

if TYPE_CHECKING:
    from audiocls.inference.classifier import AudioClassifier


class Detector:
    """Finds the events of one recording or live stream.

    Whatever stands out of the noise is heard by the model from edge to edge and gets a label; what goes on without
    standing out is found by the model's windows. An event is given some seconds after its end (`Activity.delay_seconds`
    and a window at most); what goes on longer than ten minutes is given in parts.

    plan: the options as they were resolved: windows, thresholds, labels.

    Args:
        classifier: any model.
        options: what to look for and how.
        on_windows: is called with the windows as they are scored, in order, before the events they lead to are given.
        batch_size: windows that go through the model at once.
        like: a detector of the same model, with the same weights, options and batch size: saves preparing them again.
        num_threads: batches that are worked on at a time; as many as torch would use unless given.

    Raises:
        UsageError: options that do not fit the model.
    """

    plan: Plan
    _hearing: Hearing

    def __init__(
        self,
        classifier: "AudioClassifier",
        options: DetectOptions | None = None,
        on_windows: Callable[[Windows], None] | None = None,
        batch_size: int = 32,
        like: "Detector | None" = None,
        num_threads: int | None = None,
    ) -> None:
        options = options or DetectOptions()
        self.plan = plan_detection(classifier, options) if like is None else like.plan
        shared = None if like is None else like._hearing
        self._hearing = Hearing(classifier, self.plan, on_windows, batch_size, shared, num_threads)
        self._decision = Decision(self.plan, classifier.known_threshold, classifier.multi_label)

    def push(self, samples: np.ndarray) -> list[Event]:
        """Take the next samples, float32 (time,) at the model's rate; give the events that are over, by their end."""
        return self._decision.push(self._hearing.push(samples))

    def finish(self) -> list[Event]:
        """The recording is over: give the events that are left, by their end."""
        return self._decision.finish(self._hearing.finish(), self._hearing.received)
