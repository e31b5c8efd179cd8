"""A new model for a data set: configuration from the settings, features normalised on the training part."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import Wav2Vec2FeatureExtractor

from audiocls.config import TrainConfig
from audiocls.data.clips import Clips
from audiocls.data.dataset import AudioData
from audiocls.errors import UsageError
from audiocls.models.acoustic_features import AcousticFeatures, band_statistics
from audiocls.models.configuration_audiocls import AudioClsConfig
from audiocls.models.denoising import denoise_settings
from audiocls.models.modeling_audiocls import AudioClsForAudioClassification
from audiocls.training.waveforms import pad_waveforms

# Feature normalisation is measured on at most this many training clips, a window of each: more change nothing.
NORMALISATION_CLIPS = 2000
SMALLEST_STD = 1e-3  # a band that never changes would otherwise be amplified without limit


def measure_normalisation(model: AudioClsForAudioClassification, clips: Clips) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each feature band over the training clips, a window from the middle of each."""
    window = model.config.window_length
    chosen = np.linspace(0, len(clips) - 1, min(len(clips), NORMALISATION_CLIPS)).astype(int)
    sums = torch.zeros(2, model.features.num_bands, dtype=torch.float64)
    frames = 0
    for start in range(0, len(chosen), 32):
        parts = []
        for index in chosen[start : start + 32].tolist():
            first = max(0, (int(clips.lengths[index]) - window) // 2)
            parts.append(clips.waveform(index, first, first + window))
        batch = pad_waveforms(parts)
        total, squares, count = band_statistics(*model.window_features(batch.samples, batch.lengths))
        sums += torch.stack([total, squares])
        frames += int(count)
    mean, square = sums / frames
    std = (square - mean**2).clamp(min=0).sqrt().clamp(min=SMALLEST_STD)
    return mean.tolist(), std.tolist()


FEATURE_SETTINGS = (
    "sampling_rate",
    "features",
    "n_fft",
    "hop_length",
    "n_mels",
    "n_mfcc",
    "fmin_hz",
    "fmax_hz",
    "mel_scale",
    "image_size",
)


def feature_settings(config: TrainConfig) -> dict[str, Any]:
    """The part of a model's configuration that is known before the data is."""
    chosen = {name: getattr(config, name) for name in FEATURE_SETTINGS}
    network = {"rnn": config.rnn} if config.kind == "crnn" else {}
    chosen |= {"architecture": config.kind, "window_seconds": config.clip_seconds, "network": network}
    return chosen | {"denoise": chosen_denoise(config)}


def chosen_denoise(config: TrainConfig) -> dict[str, Any] | None:
    """How the model reduces noise, for its `config.denoise`; None where it does not."""
    return None if config.denoise == "no" else denoise_settings(config.denoise, config.sampling_rate)


def label_settings(labels: Sequence[str], multi_label: bool) -> dict[str, Any]:
    """The part of any model's configuration that says what it tells apart."""
    return {
        "id2label": dict(enumerate(labels)),
        "label2id": {label: number for number, label in enumerate(labels)},
        "problem_type": "multi_label_classification" if multi_label else "single_label_classification",
    }


def check_features(config: TrainConfig) -> None:
    """Fail before anything is decoded when the features cannot be computed.

    Raises:
        UsageError: such as more mel bands than the transform has bins for.
    """
    try:
        AcousticFeatures(AudioClsConfig(**feature_settings(config)))
    except ValueError as error:
        raise UsageError(str(error)) from error


def build_model(config: TrainConfig, data: AudioData) -> AudioClsForAudioClassification:
    """A new model for these labels, its features normalised on the training part, weights drawn from `config.seed`."""
    settings = feature_settings(config)
    settings |= label_settings(data.labels, data.multi_label)
    unmeasured = AudioClsForAudioClassification(AudioClsConfig(**settings))
    mean, std = measure_normalisation(unmeasured, data.train)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        return AudioClsForAudioClassification(AudioClsConfig(feature_mean=mean, feature_std=std, **settings))


def feature_extractor(sampling_rate: int) -> Wav2Vec2FeatureExtractor:
    """The extractor saved with our models: it only pads and says which samples are real."""
    return Wav2Vec2FeatureExtractor(
        feature_size=1, sampling_rate=sampling_rate, padding_value=0.0, do_normalize=False, return_attention_mask=True
    )
