"""Settings of the feature layer that cannot work are refused with the field, its value and the limit."""

from typing import Any

import pytest
import torch

from tests.models.feature_layers import layer


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": "log_mel+loudness"}, r"features has 'loudness'; choose from log_mel"),
        ({"features": "mfcc+mfcc"}, r"features is 'mfcc\+mfcc'; name each feature once"),
        ({"hop_length": 0}, r"hop_length is 0; it must be at least 1"),
        ({"features": "mfcc", "n_mfcc": 65}, r"n_mfcc is 65; it must be at most n_mels = 64"),
        ({"mel_scale": "bark"}, r"mel_scale is 'bark'; it must be slaney or htk"),
        ({"fmax_hz": 9000.0}, r"fmax_hz is 9000; it must be at most half the sampling rate, 8000"),
        ({"fmin_hz": 900.0, "fmax_hz": 800.0}, r"fmin_hz is 900; .* below fmax_hz = 800"),
        ({"image_size": [0, 32]}, r"image_size is \[0, 32\]; .* at least 1"),
        ({"image_size": [32, 32], "window_seconds": 0.0}, r"window_seconds is 0.0; .* one sample"),
        ({"feature_mean": [0.0] * 64}, r"feature_mean has 64 and feature_std 0 values; .* 64 bands"),
        ({"feature_mean": [0.0] * 3, "feature_std": [1.0] * 64}, r"feature_mean has 3 and"),
        ({"feature_mean": [0.0] * 64, "feature_std": [0.0] * 64}, r"feature_std goes down to 0.0; .* above 0"),
        (
            {"features": "spectral_contrast", "sampling_rate": 400, "fmin_hz": 0.0},
            r"sampling_rate is 400; .* more than 400",
        ),
        ({"features": "spectral_contrast", "n_fft": 64}, r"n_fft is 64; .* at least 80"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_bad_settings_name_field_value_and_limit(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        layer(**changes)


def test_too_many_mel_bands_name_the_most_that_work() -> None:
    with pytest.raises(ValueError, match=r"n_mels is 128; with n_fft = 256.*at most n_mels = \d+ works") as caught:
        layer(n_fft=256, n_mels=128)
    most = int(str(caught.value).split("at most n_mels = ")[1].split()[0])
    layer(n_fft=256, n_mels=most)
    with pytest.raises(ValueError, match="n_mels"):
        layer(n_fft=256, n_mels=most + 1)


@pytest.mark.parametrize(("rate", "octaves"), [(500, 1), (1000, 2), (8000, 5), (12800, 5), (12801, 6), (96000, 6)])
def test_contrast_has_as_many_octaves_as_fit(rate: int, octaves: int) -> None:
    config = {"features": "spectral_contrast", "sampling_rate": rate, "n_fft": 1024, "n_mels": 8}
    assert layer(**config).num_bands == octaves + 1
    features, _ = layer(**config)(torch.randn(1, 3000, generator=torch.Generator().manual_seed(0)))
    assert features.isfinite().all()
