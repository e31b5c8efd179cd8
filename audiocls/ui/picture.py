"""The picture of a sound: waveform and log-mel spectrogram, the same for every model."""

from typing import Any

import numpy as np

from audiocls.evaluation.spectrogram import log_mel_spectrogram

DOTS_PER_INCH = 160  # sharp in the width that the page gives it


def sound_picture(waveform: np.ndarray, sampling_rate: int) -> Any:
    """A matplotlib figure of a mono float32 waveform (time,)."""
    from audiocls.evaluation.plots import spectrogram_figure  # matplotlib takes a second to import

    figure = spectrogram_figure(waveform, sampling_rate, *log_mel_spectrogram(waveform, sampling_rate))
    figure.set_dpi(DOTS_PER_INCH)
    return figure
