"""Checks of the settings that the feature layer reads, before anything is computed with them."""

from typing import Any

import numpy as np

from .pitch import PITCH_FMAX_HZ

FEATURES = ("log_mel", "mfcc", "chroma", "spectral_contrast", "pitch")


def normalisation(mean: list[float] | None, std: list[float] | None, num_bands: int) -> list[np.ndarray]:
    """Check the numbers per band and make them arrays, (bands, 1) float32 each."""
    counts = [0 if values is None else len(values) for values in (mean, std)]
    if mean is None or std is None or counts != [num_bands, num_bands]:
        raise ValueError(
            f"feature_mean has {counts[0]} and feature_std {counts[1]} values; "
            f"each must have one for each of the {num_bands} bands, or both be None"
        )
    if not np.all(np.isfinite(mean)) or not np.all(np.isfinite(std)) or not min(std) > 0:
        raise ValueError(f"feature_std goes down to {min(std)}; it must be above 0, and finite like feature_mean")
    return [np.asarray(values, np.float32)[:, None] for values in (mean, std)]


def check_settings(config: Any) -> None:
    """Refuse settings no feature can be computed with.

    Raises:
        ValueError: names the field, its value and the limit.
    """
    names = config.features.split("+")
    for name in names:
        if name not in FEATURES:
            raise ValueError(f"features has {name!r}; choose from {', '.join(FEATURES)}, joined by +")
    if len(set(names)) < len(names):
        raise ValueError(f"features is {config.features!r}; name each feature once")
    for field, least in (("sampling_rate", 1), ("n_fft", 2), ("hop_length", 1), ("n_mels", 1), ("n_mfcc", 1)):
        if getattr(config, field) < least:
            raise ValueError(f"{field} is {getattr(config, field)}; it must be at least {least}")
    if "mfcc" in names and config.n_mfcc > config.n_mels:
        raise ValueError(f"n_mfcc is {config.n_mfcc}; it must be at most n_mels = {config.n_mels}")
    if config.mel_scale not in ("slaney", "htk"):
        raise ValueError(f"mel_scale is {config.mel_scale!r}; it must be slaney or htk")
    nyquist_hz = config.sampling_rate / 2
    fmax_hz = nyquist_hz if config.fmax_hz is None else config.fmax_hz
    if not 0 <= config.fmin_hz < fmax_hz:
        raise ValueError(f"fmin_hz is {config.fmin_hz:g}; it must be at least 0 and below fmax_hz = {fmax_hz:g}")
    if fmax_hz > nyquist_hz:
        raise ValueError(f"fmax_hz is {fmax_hz:g}; it must be at most half the sampling rate, {nyquist_hz:g}")
    if "pitch" in names and config.sampling_rate < 2 * PITCH_FMAX_HZ:
        raise ValueError(f"sampling_rate is {config.sampling_rate}; pitch needs at least {2 * PITCH_FMAX_HZ:g} Hz")
    if config.image_size and (len(config.image_size) != 2 or min(config.image_size) < 1):
        raise ValueError(f"image_size is {list(config.image_size)}; it must be two numbers of at least 1")
    if config.image_size and not config.window_seconds * config.sampling_rate >= 1:
        raise ValueError(f"window_seconds is {config.window_seconds}; it must hold at least one sample")
