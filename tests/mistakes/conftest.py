"""Clips with known mistakes: the bundled test sounds, and answers made for them."""

import numpy as np
import pytest

from audiocls.config import TrainConfig
from audiocls.data.dataset import load_labelled_clips
from audiocls.evaluation.evaluation import evaluate_scores
from tests.small_models import LABELS


@pytest.fixture(scope="session")
def sounds(everyday_sounds):
    """The bundled test sounds."""
    return load_labelled_clips(str(everyday_sounds / "test"), TrainConfig(num_workers=1), LABELS, False).test


def answer(targets, wrong=None):
    """Scores of 0.9 for the right class, but for the clips of `wrong`: {clip: (class, score)}."""
    num_labels = len(LABELS)
    scores = np.full((len(targets), num_labels), 0.1 / (num_labels - 1))
    scores[np.arange(len(targets)), targets] = 0.9
    for clip, (label, score) in (wrong or {}).items():
        scores[clip] = (1 - score) / (num_labels - 1)
        scores[clip, label] = score
    return scores.astype(np.float32)


@pytest.fixture
def evaluated(sounds):
    """Three mistakes: clips 1 and 2 (animals) taken for drums, clip 69 (wood) for speech."""
    scores = answer(sounds.targets, {1: (1, 0.95), 2: (1, 0.6), 69: (4, 0.8)})
    return evaluate_scores(sounds.files, sounds.targets, scores, LABELS, sounds.groups)
