"""Short trainings of every kind of model on two classes of tones, for tests of what is done with trained models."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForAudioClassification

from audiocls.comparison import auto
from audiocls.comparison.candidates import suitable
from audiocls.config import TrainConfig
from audiocls.experiment import Experiment, train

KINDS = ("cnn", "cnn1d", "crnn", "forest", "boosting", "probe", "finetune", "auto")
BARE = ("probe", "finetune")  # transformers knows their type
QUICK = ("forest", "cnn1d")  # what auto chooses from here


def write_sounds(root: Path, make_tone: Callable[..., Path]) -> Path:
    """Two classes of tones in noise, of several lengths, one clip longer than the window."""
    for label, hz in (("low", 300.0), ("high", 2500.0)):
        for clip in range(12):
            seconds = 2.6 if clip == 5 else 0.3 + 0.05 * clip
            make_tone(root / label / f"{label}_{clip}.wav", hz=hz + 11 * clip, seconds=seconds)
    return root


def write_tiny_whisper(folder: Path, **settings: Any) -> Path:
    """A tiny Whisper with random weights, to train probe and finetune on."""
    small = {"d_model": 32, "encoder_ffn_dim": 64, "encoder_layers": 2, "encoder_attention_heads": 2}
    config = WhisperConfig(**small, decoder_layers=1, num_mel_bins=80, vocab_size=100, pad_token_id=0, **settings)
    WhisperForAudioClassification(config).save_pretrained(folder)
    WhisperFeatureExtractor().save_pretrained(folder)
    return folder


def train_kind(kind: str, sounds: Path, backbone: Path, folder: Path, **settings: Any) -> Experiment:
    """A short training with a window of one second."""
    model = f"{kind}:{backbone}" if kind in BARE else kind
    defaults = {"num_epochs": 2, "clip_seconds": 1.0, "batch_size": 8, "num_workers": 1}
    config = TrainConfig(model=model, **(defaults | settings))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auto, "suitable", lambda config: [each for each in suitable(config, []) if each.name in QUICK])
        return train(sounds, folder, config)
