"""The one place where the app asks a model about a sound. It reads no file and shows nothing."""

import numpy as np

from audiocls.inference.answers import Answer
from audiocls.inference.classifier import AudioClassifier


def hear(classifier: AudioClassifier, waveform: np.ndarray) -> Answer:
    """What the model says of one sound.

    Args:
        waveform: float32 (time,), mono, at the model's sampling rate.
    """
    (answer,) = classifier.answers((classifier.sampling_rate, waveform))
    return answer
