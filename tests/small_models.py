"""Small model folders with random weights, for tests of whatever uses a model."""

from pathlib import Path

import torch

from audiocls.models.configuration_audiocls import AudioClsConfig
from audiocls.models.modeling_audiocls import AudioClsForAudioClassification
from audiocls.training.factory import feature_extractor

SOUNDS = Path(__file__).parent.parent / "data" / "everyday_sounds" / "test"
# What every kind of model leaves in its folder.
MODEL_FOLDER = {
    "README.md",
    "config.json",
    "model.safetensors",
    "preprocessor_config.json",
    "metrics.json",
    "results.csv",
    "training_hist.json",
    "predictions.csv",
    "confusion_matrix.png",
    "reliability.png",
    "curves.png",
    "training_config.json",
    "examples",
}
LABELS = ["animal", "drum", "metal", "music", "speech", "water", "wood"]


def small_model(labels: list[str] | None = None, **config: object) -> AudioClsForAudioClassification:
    """An untrained audiocls model with lively batch norms, so that scores differ from clip to clip."""
    labels = labels or LABELS
    torch.manual_seed(0)
    model = AudioClsForAudioClassification(
        AudioClsConfig(id2label=dict(enumerate(labels)), label2id={n: i for i, n in enumerate(labels)}, **config)
    )
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.uniform_(-0.5, 0.5)
                module.running_var.uniform_(0.5, 2)
    return model


def write_model(model: AudioClsForAudioClassification, folder: Path) -> Path:
    """Save a model as training does."""
    model.save_pretrained(folder)
    feature_extractor(model.config.sampling_rate).save_pretrained(folder)
    return folder


def write_small_model(folder: Path, labels: list[str] | None = None, **config: object) -> Path:
    """Save a `small_model`."""
    return write_model(small_model(labels, **config), folder)
