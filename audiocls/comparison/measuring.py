"""What a model costs: the bytes of its weights, and how long one clip takes."""

import time
from typing import Any

import numpy as np

from audiocls.data.clips import Clips
from audiocls.inference.classifier import AudioClassifier

TIMED_CALLS = 5


def weights_bytes(model: Any) -> int:
    """Bytes of everything that is saved with the model's weights."""
    return sum(tensor.nbytes for tensor in model.state_dict().values())


def latency_ms(classifier: AudioClassifier, clips: Clips) -> float:
    """Milliseconds from samples to scores for the clip of median length, alone: the median of some warm calls."""
    middle = int(np.argsort(clips.lengths, kind="stable")[len(clips) // 2])
    waveform = clips.waveform(middle)
    classifier.predict_waveforms([waveform])
    times = []
    for _ in range(TIMED_CALLS):
        started = time.perf_counter()
        classifier.predict_waveforms([waveform])
        times.append(time.perf_counter() - started)
    return 1000 * float(np.median(times))
