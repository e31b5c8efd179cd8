"""Logits of whole clips are those of the model's own forward, whatever shares the batch."""

import numpy as np
import pytest
import torch
from torch.nn.functional import log_softmax

from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data
from audiocls.inference.classifier import AudioClassifier
from audiocls.training.factory import build_model
from audiocls.training.logits import clip_logits


def test_windows_of_many_clips_add_up_to_the_models_own_logits(everyday_sounds):
    config = TrainConfig(clip_seconds=0.7)
    data = load_audio_data(str(everyday_sounds), config)
    model = build_model(config, data).eval()
    chosen = np.arange(0, len(data.test), 3)
    assert data.test.lengths[chosen].max() > 5 * 0.7 * 16000  # several windows
    logits = clip_logits(AudioClassifier.of(model, None), data.test, chosen)
    with torch.inference_mode():
        for row, index in zip(logits, chosen, strict=True):
            clip = torch.from_numpy(data.test.waveform(int(index)).copy())
            assert row == pytest.approx(log_softmax(model(clip[None]).logits[0], 0).numpy(), abs=1e-4)


def test_no_clips_give_no_rows(everyday_sounds):
    config = TrainConfig()
    data = load_audio_data(str(everyday_sounds), config)
    model = build_model(config, data).eval()
    assert clip_logits(AudioClassifier.of(model, None), data.test, np.array([], dtype=int)).shape == (0, 7)
