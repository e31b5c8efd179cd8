"""The picture of a sound: waveform and log-mel spectrogram, the same for every model."""

from functools import lru_cache
from typing import Any

import numpy as np
import torch

from audiocls.models.acoustic_features import AcousticFeatures
from audiocls.models.configuration_audiocls import AudioClsConfig
from audiocls.models.filterbanks import mel_edges_hz

BANDS = 64
LOWEST_HZ = 30.0
MEL_SCALE = "htk"  # gives the low bands, where most sounds have their pitch, more room
DOTS_PER_INCH = 160  # sharp in the width that the page gives it
FRAME_SECONDS = 0.064  # long enough to tell neighbouring low bands apart


def sound_picture(waveform: np.ndarray, sampling_rate: int) -> Any:
    """A matplotlib figure of a mono float32 waveform (time,)."""
    from audiocls.evaluation.plots import spectrogram_figure  # matplotlib takes a second to import

    features, band_hz = _spectrogram(sampling_rate)
    with torch.inference_mode():
        log_mel_db = features(torch.from_numpy(waveform)[None])[0][0, 0].numpy()  # (bands, frames)
    figure = spectrogram_figure(waveform, sampling_rate, log_mel_db, band_hz)
    figure.set_dpi(DOTS_PER_INCH)
    return figure


@lru_cache(maxsize=4)
def _spectrogram(sampling_rate: int) -> tuple[AcousticFeatures, np.ndarray]:
    """The transform for one rate, and the centre of each band in Hz."""
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
