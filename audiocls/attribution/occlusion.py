"""Taking parts out of a sound: what is left there is the background of the rest of it, or silence.

In the short-time Fourier transform, so that a part has frequencies as well as a time, and edges that do not click.
"""

import numpy as np
import torch

from audiocls.models.filterbanks import mel_edges_hz

FRAME_SECONDS = 0.032
BACKGROUND_QUANTILE = 0.2  # of a frequency's magnitudes over time: what is there when nothing happens
SILENT_DB = -80.0  # frames so far under the loudest are padding or a muted microphone, not background
RANGE_DB = 60.0  # of what is looked at to find cells
NUM_BANDS = 40
LOWEST_HZ = 40.0


class Occluder:
    """A sound and the means to take parts out of it.

    Args:
        waveform: float32 (time,), mono; not silent.
        sampling_rate: in Hz.
    """

    def __init__(self, waveform: np.ndarray, sampling_rate: int) -> None:
        self.waveform = np.ascontiguousarray(waveform, dtype=np.float32)
        self.sampling_rate = sampling_rate
        self.n_fft = max(32, 2 ** round(np.log2(FRAME_SECONDS * sampling_rate)))
        self.hop = self.n_fft // 4
        self._window = torch.hann_window(self.n_fft)
        self._spectrum = torch.stft(
            torch.from_numpy(self.waveform), self.n_fft, self.hop, window=self._window, pad_mode="constant",
            return_complex=True,
        )  # fmt: skip
        self._magnitude = self._spectrum.abs().numpy()
        power = (self._magnitude**2).sum(axis=0)
        audible = power > power.max() * 10 ** (SILENT_DB / 10)
        self.first, self.last = int(audible.argmax()), len(audible) - int(audible[::-1].argmax())
        self._floor = np.quantile(self._magnitude[:, audible], BACKGROUND_QUANTILE, axis=1)[:, None]
        self.silence = False  # in place of background
        edges = mel_edges_hz(NUM_BANDS - 1, LOWEST_HZ, sampling_rate / 2, "htk")
        self.band_hz = np.concatenate([[0.0], edges[1:-1], [sampling_rate / 2]])

    @property
    def shape(self) -> tuple[int, ...]:
        """Bins and frames of a mask."""
        return self._magnitude.shape

    @property
    def seconds(self) -> float:
        """How long the sound is."""
        return len(self.waveform) / self.sampling_rate

    @property
    def hop_seconds(self) -> float:
        """From one frame to the next."""
        return self.hop / self.sampling_rate

    def bands_db(self) -> np.ndarray:
        """Power by mel band and frame, float64 (bands, frames) in dB, cut off `RANGE_DB` under the loudest."""
        bins = np.arange(len(self._magnitude)) * self.sampling_rate / self.n_fft
        number = np.clip(np.searchsorted(self.band_hz, bins, side="right") - 1, 0, len(self.band_hz) - 2)
        power = np.zeros((len(self.band_hz) - 1, self._magnitude.shape[1]))
        np.add.at(power, number, self._magnitude.astype(np.float64) ** 2)
        counts = np.bincount(number, minlength=len(power))
        for band in np.flatnonzero(counts == 0):  # narrower than a bin: as its neighbour
            power[band], counts[band] = power[band - 1], counts[band - 1]
        power /= np.maximum(counts, 1)[:, None]
        floor = max(float(power.max()), 1e-30) * 10 ** (-RANGE_DB / 10)
        return 10 * np.log10(np.maximum(power, floor))

    def mask(self, start: int, end: int, low_hz: float | None = None, high_hz: float | None = None) -> np.ndarray:
        """Where a cell is: float32 (bins, frames) from 0 to 1, for frames `start` to `end`."""
        bins = np.arange(len(self._magnitude), dtype=np.float32)
        per_bin = self.sampling_rate / self.n_fft
        rising = np.clip(bins - (-2 if low_hz is None else low_hz / per_bin) + 1, 0, 1)
        falling = np.clip((len(bins) + 2 if high_hz is None else high_hz / per_bin) - bins + 1, 0, 1)
        found = np.zeros(self._magnitude.shape, np.float32)
        found[:, start:end] = (rising * falling)[:, None]
        return found

    def without(self, mask: np.ndarray) -> np.ndarray:
        """The sound with what the mask covers brought down to the background: float32 (time,)."""
        floor = 0.0 if self.silence else self._floor
        surplus = np.maximum(1 - floor / np.maximum(self._magnitude, 1e-12), 0) * mask
        if not surplus.any():
            return self.waveform
        taken = torch.istft(
            self._spectrum * torch.from_numpy(surplus.astype(np.float32)),
            self.n_fft,
            self.hop,
            window=self._window,
            length=len(self.waveform),
        )
        return self.waveform - taken.numpy()
