"""Loudness and bandwidth of a clip from one pass of short Fourier transforms over its samples.

Loudness follows ITU-R BS.1770-5 (K-weighting, blocks of 400 ms, gates at -70 LUFS and 10 LU below the mean) for the
mono mix, as models hear it; the weighting is applied to the spectrum instead of by filters, and the overlap of the
blocks is that of the frames, which together stay within a few tenths of a decibel.
"""

from functools import lru_cache

import numpy as np
import scipy.fft
from scipy.signal import freqz

FLOOR_DB = -120.0
_FRAME_SECONDS = 0.046
_BLOCK_SECONDS = 0.4
_FRAMES_AT_ONCE = 64  # keeps the work within the processor's cache
_RANGE_DB = 80.0  # below the strongest frequency nothing counts as content
_NOISE_DB = -120.0  # a bin of 1024: what rounding to 16 bit leaves, with room
_SMOOTHING_BINS = 5
ORIGINAL_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_LEAST_DROP_DB = 25.0  # at the end of the band of an upsampled file; a steep roll-off of nature reaches 20 there


class Spectrum:
    """Takes the samples of one clip piece by piece; then tells loudness, bandwidth and the rate it was recorded at."""

    def __init__(self, sampling_rate: int) -> None:
        self._rate = sampling_rate
        self._size = max(16, 1 << round(np.log2(_FRAME_SECONDS * sampling_rate)))
        self._window, self._weights = _analysis(self._size, sampling_rate)
        # Summed over the frames. Those at the ends are apart: mirroring puts a kink there, which has every frequency.
        self._power, self._power_of_ends = np.zeros((2, self._size // 2 + 1))
        self._num_frames = 0
        self._levels: list[np.ndarray] = []  # K-weighted mean square of each frame
        self._kept: np.ndarray | None = None

    def add(self, mono: np.ndarray) -> None:
        """float32 (time,), what follows the samples added before."""
        half = self._size // 2
        if self._kept is None:  # half a frame mirrored, so that the first samples count as much as all others
            mono = np.pad(mono, (half, 0), mode="reflect") if len(mono) > 1 else np.pad(mono, (half, 0), mode="edge")
        else:
            mono = np.concatenate([self._kept, mono])
        count = max(0, (len(mono) - self._size) // half + 1)
        if self._kept is None:
            self._transform(mono, min(count, 1), self._power_of_ends)
            self._transform(mono[half:], count - 1, self._power)
        else:
            self._transform(mono, count, self._power)
        self._kept = mono[count * half :]

    def finish(self) -> None:
        """Take in the end, mirrored."""
        if self._kept is None or len(self._kept) == 0:
            return
        missing = self._size - len(self._kept) % (self._size // 2)
        mono = np.pad(self._kept, (0, missing), mode="reflect" if len(self._kept) > 1 else "edge")
        self._transform(mono, max(1, (len(mono) - self._size) // (self._size // 2) + 1), self._power_of_ends)
        self._kept = mono[:0]

    def _transform(self, mono: np.ndarray, count: int, total: np.ndarray) -> None:
        if count <= 0:
            return
        frames = np.lib.stride_tricks.sliding_window_view(mono, self._size)[:: self._size // 2][:count]
        for start in range(0, count, _FRAMES_AT_ONCE):
            spectrum = scipy.fft.rfft(frames[start : start + _FRAMES_AT_ONCE] * self._window, axis=1)
            power = np.square(spectrum.real) + np.square(spectrum.imag)
            total += power.sum(axis=0)
            self._levels.append(power @ self._weights)
        self._num_frames += count

    def loudness(self) -> float:
        """Integrated loudness in LUFS, at least FLOOR_DB. A clip shorter than a block is one block."""
        levels = np.concatenate(self._levels) if self._levels else np.zeros(1)
        frames = max(1, round(_BLOCK_SECONDS * self._rate / (self._size // 2)))
        if len(levels) > frames:
            sums = np.cumsum(np.concatenate([[0.0], levels.astype(np.float64)]))
            blocks = (sums[frames:] - sums[:-frames]) / frames
            for gate in (-70.0, None):
                least = gate if gate is not None else _lufs(blocks.mean()) - 10
                blocks = blocks[_lufs(blocks) > least]
                if len(blocks) == 0:
                    return FLOOR_DB
        else:
            blocks = levels
        return float(np.maximum(_lufs(blocks.mean()), FLOOR_DB))

    def bandwidth(self) -> tuple[float, int]:
        """The highest frequency with content, in Hz, and the lower rate the file was once sampled at (0: none found).

        Content is what lies less than 80 dB below the strongest frequency and above the rounding noise of 16 bit. An
        upsampled file has content up to half its first rate and, from one moment to the next, none above.
        """
        size = len(self._power)
        power = self._power if self._power.any() else self._power_of_ends
        scale = 2 / (self._size * float(np.square(self._window).sum()) * max(self._num_frames, 1))
        smooth = np.convolve(power * scale, np.full(_SMOOTHING_BINS, 1 / _SMOOTHING_BINS), "same")
        level = 10 * np.log10(np.maximum(smooth, 1e-16))
        least = max(float(level.max()) - _RANGE_DB, _NOISE_DB - 10 * np.log10(size / 1024))
        above = np.flatnonzero(level > least)
        if len(above) == 0:
            return 0.0, 0
        bin_hz = self._rate / self._size
        hz = max(int(above[-1]) - _SMOOTHING_BINS // 2, 1) * bin_hz
        drops = {}
        for rate in ORIGINAL_RATES:
            edge = rate / 2 / bin_hz
            inside, outside = level[int(0.82 * edge) : int(0.95 * edge) + 1], level[int(1.1 * edge) + 3 :]
            if rate <= 0.9 * self._rate and len(outside) > 2 and np.median(inside) > least:
                drops[rate] = float(np.median(inside) - np.quantile(outside, 0.98))
        original = max(drops, key=lambda rate: drops[rate], default=0)
        if original and drops[original] >= _LEAST_DROP_DB:
            return min(hz, original / 2), original
        return hz, 0


def _lufs(mean_square: np.ndarray) -> np.ndarray:
    return -0.691 + 10 * np.log10(np.maximum(mean_square, 1e-14))


@lru_cache(32)
def _analysis(size: int, sampling_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """The window (size,), and what turns the power of a frame's bins into a K-weighted mean square (bins,)."""
    window = np.hanning(size + 1)[:-1]
    hz = np.fft.rfftfreq(size, 1 / sampling_rate)
    response = np.ones(len(hz))
    for numerator, denominator in _k_weighting(sampling_rate):
        response *= np.abs(freqz(numerator, denominator, worN=hz, fs=sampling_rate)[1]) ** 2
    response *= 2 / (size * np.square(window).sum())
    return window.astype(np.float32), response.astype(np.float32)


def _k_weighting(sampling_rate: int) -> list[tuple[list[float], list[float]]]:
    """The two filters of BS.1770 at any rate: the analogue prototypes behind its coefficients for 48 kHz.

    A high shelf of +4 dB (the head) and a high pass at 38 Hz; values as in the reference of libebur128 (MIT).
    """
    k, q, gain = np.tan(np.pi * min(1681.974450955533 / sampling_rate, 0.49)), 0.7071752369554196, 3.999843853973347
    high = 10 ** (gain / 20)
    middle = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    shelf = (
        [(high + middle * k / q + k * k) / a0, 2 * (k * k - high) / a0, (high - middle * k / q + k * k) / a0],
        [1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0],
    )
    k, q = np.tan(np.pi * 38.13547087602444 / sampling_rate), 0.5003270373238773
    a0 = 1 + k / q + k * k
    high_pass = ([1.0, -2.0, 1.0], [1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0])
    return [shelf, high_pass]
