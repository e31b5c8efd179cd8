"""A feature layer for tests: default settings with changes."""

from types import SimpleNamespace
from typing import Any

from audiocls.models.acoustic_features import AcousticFeatures

RATE = 16000
EVERYTHING = "log_mel+mfcc+chroma+spectral_contrast"
SETTINGS: dict[str, Any] = {
    "features": "log_mel",
    "sampling_rate": RATE,
    "n_fft": 512,
    "hop_length": 256,
    "n_mels": 64,
    "n_mfcc": 20,
    "fmin_hz": 20.0,
    "fmax_hz": None,
    "mel_scale": "slaney",
    "image_size": None,
    "window_seconds": 1.0,
    "feature_mean": None,
    "feature_std": None,
}


def layer(**changes: Any) -> AcousticFeatures:
    assert not changes.keys() - SETTINGS.keys()
    return AcousticFeatures(SimpleNamespace(**{**SETTINGS, **changes}))
