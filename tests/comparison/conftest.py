"""What the tests of comparisons share: a small data set and a kind of model that costs nothing."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from audiocls.comparison import cross_validation
from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data
from audiocls.training.factory import feature_extractor
from audiocls.training.run import Fitted
from tests.small_models import small_model

HZ = {"high": 2000.0, "low": 300.0, "middle": 900.0}


@pytest.fixture(scope="session")
def tone_folder(make_tone, tmp_path_factory):
    """Three classes of six tones; those of a class lie apart, so that none is a copy of another."""
    root = tmp_path_factory.mktemp("tones")
    for label, hz in HZ.items():
        for clip in range(6):
            make_tone(root / label / f"{label}_{clip}.wav", hz=hz * 1.04**clip)
    return root


@pytest.fixture(scope="session")
def tones(tone_folder):
    return load_audio_data(str(tone_folder), TrainConfig(num_workers=1))


@pytest.fixture
def seen(monkeypatch):
    """Replaces training: each model gives every clip the share of the labels it was trained on. What it was given."""
    calls = []

    def fit(config, audio, run):
        calls.append(SimpleNamespace(audio=audio, run=run, config=config))
        model = small_model(audio.labels, sampling_rate=audio.sampling_rate)
        with torch.no_grad():
            model.network.classifier.weight.zero_()
            shares = np.bincount(audio.train.targets, minlength=len(audio.labels)) / len(audio.train)
            model.network.classifier.bias.copy_(torch.from_numpy(np.log(shares + 1e-9)))
        return Fitted(model, feature_extractor(audio.sampling_rate), [], "epoch", 1, 0.0)

    monkeypatch.setattr(cross_validation, "fit_kind", fit)
    return calls
