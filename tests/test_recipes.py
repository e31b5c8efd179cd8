"""Every recipe that ships is valid, and its features can be computed."""

from pathlib import Path

import pytest
import torch

from audiocls.arguments import load_recipe
from audiocls.config import TrainConfig
from audiocls.models.acoustic_features import AcousticFeatures
from audiocls.models.configuration_audiocls import AudioClsConfig

RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_gives_finite_features(path):
    assert path.read_text(encoding="utf-8").startswith("#")  # says what it is for
    config = TrainConfig.from_dict(load_recipe(path))
    names = ("sampling_rate", "features", "n_fft", "hop_length", "n_mels", "n_mfcc", "fmin_hz", "fmax_hz", "image_size")
    values = {name: getattr(config, name) for name in names}
    layer = AcousticFeatures(AudioClsConfig(window_seconds=config.clip_seconds, **values))
    noise = torch.randn(2, config.sampling_rate, generator=torch.Generator().manual_seed(0)) * 0.1
    features, mask = layer(noise, torch.tensor([config.sampling_rate, config.sampling_rate // 3]))
    assert torch.isfinite(features).all()
    assert mask[0].sum() > mask[1].sum() > 0


def test_there_are_recipes():
    assert RECIPES
