"""The log-mel spectrogram that is shown to people, the same for every model and in every picture."""

from functools import lru_cache

import numpy as np
import torch

from audiocls.models.acoustic_features import AcousticFeatures
from audiocls.models.configuration_audiocls import AudioClsConfig
from audiocls.models.filterbanks import mel_edges_hz

BANDS = 64
LOWEST_HZ = 30.0
MEL_SCALE = "htk"  # gives the low bands, where most sounds have their pitch, more room
FRAME_SECONDS = 0.064  # long enough to tell neighbouring low bands apart


def log_mel_spectrogram(waveform: np.ndarray, sampling_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Spectrogram float32 (bands, frames) in dB of a mono float32 waveform (time,), and the bands' centres in Hz."""
    features, band_hz = _transform(sampling_rate)
    with torch.inference_mode():
        return features(torch.from_numpy(waveform)[None])[0][0, 0].numpy(), band_hz


@lru_cache(maxsize=4)
def _transform(sampling_rate: int) -> tuple[AcousticFeatures, np.ndarray]:
    n_fft = max(1024, 2 ** round(np.log2(FRAME_SECONDS * sampling_rate)))
    config = AudioClsConfig(
        sampling_rate=sampling_rate,
        features="log_mel",
        n_fft=n_fft,
        hop_length=n_fft // 4,
        n_mels=BANDS,
        fmin_hz=LOWEST_HZ,
        mel_scale=MEL_SCALE,
    )
    return AcousticFeatures(config), mel_edges_hz(BANDS, LOWEST_HZ, sampling_rate / 2, MEL_SCALE)[1:-1]
