"""Logits of whole clips, as the finished model would score them."""

import numpy as np

from audiocls.data.clips import Clips
from audiocls.inference.classifier import AudioClassifier

SMALLEST = 1e-7  # probability that a float32 still tells from 0, and its complement from 1


def clip_logits(classifier: AudioClassifier, clips: Clips, indices: np.ndarray) -> np.ndarray:
    """Logits float32 `(len(indices), labels)` whose probabilities are the classifier's scores of the chosen clips.

    Logarithms of the scores, or their log-odds where clips have several labels. Going by the scores keeps to one rule
    for clips of many windows, whatever the architecture.
    """
    rate = clips.sampling_rate
    scores = classifier.scores(
        {"array": clips.waveform(int(index)), "sampling_rate": rate} for index in indices.tolist()
    ).clip(SMALLEST, 1 - SMALLEST)
    return np.log(scores) - np.log1p(-scores) if classifier.multi_label else np.log(scores)
