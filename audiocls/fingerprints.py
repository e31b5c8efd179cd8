"""Finding copies: clips that are the same recording after re-encoding, a change of volume, a small shift or a trim.

Two steps. A short descriptor of each clip, computed once when it is decoded, finds candidates; the waveforms of a
candidate pair then decide by cross-correlation. Changes of speed or pitch, mixes and excerpts are not found.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

DESCRIPTOR_BANDS = 24
DESCRIPTOR_SIZE = 2 * DESCRIPTOR_BANDS
_FRAME_SECONDS = 0.064
_LOWEST_HZ, _HIGHEST_HZ = 100.0, 3500.0  # survives low bit rates and telephone bandwidth
_COMPARE_SECONDS = 8.0
_LARGEST_DISTANCE = 2.5  # dB, root mean square over the descriptor
_WHITENING = 0.6  # 0 is plain correlation, 1 is phase only
_LEAST_CORRELATION = 0.6


def describe(waveform: np.ndarray, sampling_rate: int) -> np.ndarray:
    """Mean and spread over time of the levels in log-spaced bands, free of volume.

    Args:
        waveform: float32 (time,).
        sampling_rate: in Hz.

    Returns:
        float32 (DESCRIPTOR_SIZE,), in dB.
    """
    length = max(64, int(_FRAME_SECONDS * sampling_rate))
    if len(waveform) < 2 * length:
        waveform = np.pad(waveform, (0, 2 * length - len(waveform)))
    hop = length * max(1, len(waveform) // (length * 512))  # at most about 512 frames, however long the clip
    frames = np.lib.stride_tricks.sliding_window_view(waveform, length)[::hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(length).astype(np.float32), axis=1)) ** 2  # (frames, bins)
    edges = np.geomspace(_LOWEST_HZ, min(_HIGHEST_HZ, 0.45 * sampling_rate), DESCRIPTOR_BANDS + 1)
    bins = np.maximum.accumulate((edges / sampling_rate * length).round().astype(int))
    bands = np.stack([power[:, low : max(high, low + 1)].mean(axis=1) for low, high in pairwise(bins)], axis=1)
    loudest = bands.mean(axis=0).max()
    level = 10 * np.log10(bands / max(loudest, 1e-20) + 1e-5)  # dB below the loudest band, at least -50
    return np.concatenate([level.mean(axis=0), level.std(axis=0)]).astype(np.float32)


def find_copies(
    descriptors: np.ndarray, lengths: np.ndarray, sampling_rate: int, waveform: Callable[[int, int, int], np.ndarray]
) -> list[tuple[int, int]]:
    """Pairs of clips that are the same recording.

    Args:
        descriptors: float32 (clips, DESCRIPTOR_SIZE) from `describe`.
        lengths: int (clips,), in samples.
        sampling_rate: in Hz.
        waveform: gives samples start to stop of clip i, float32 (time,).

    Returns:
        Pairs (first, second) with first < second.
    """
    stop = int(_COMPARE_SECONDS * sampling_rate)
    return [
        (first, second)
        for first, second in _candidates(descriptors, lengths / sampling_rate)
        if correlation(waveform(first, 0, stop), waveform(second, 0, stop), sampling_rate) >= _LEAST_CORRELATION
    ]


def _candidates(descriptors: np.ndarray, seconds: np.ndarray) -> list[tuple[int, int]]:
    """Pairs with close descriptors and about the same length."""
    pairs = []
    largest = _LARGEST_DISTANCE**2 * DESCRIPTOR_SIZE
    squares = (descriptors.astype(np.float64) ** 2).sum(axis=1)
    for start in range(0, len(descriptors), 1024):
        stop = start + 1024
        distance = squares[start:stop, None] + squares - 2 * descriptors[start:stop] @ descriptors.T
        slack = 0.3 + 0.1 * np.minimum(seconds[start:stop, None], seconds)
        close = (distance < largest) & (np.abs(seconds[start:stop, None] - seconds) < slack)
        rows, columns = np.nonzero(np.triu(close, k=start + 1))
        pairs += [(int(row) + start, int(column)) for row, column in zip(rows, columns, strict=True)]
    return pairs


def correlation(first: np.ndarray, second: np.ndarray, sampling_rate: int) -> float:
    """Largest correlation over all shifts of two waveforms, whitened and limited to the bands that codecs keep.

    Whitening makes every frequency count: two notes of one instrument share their loudest partials and nothing
    else, two copies share everything. (Generalised cross-correlation, Knapp and Carter 1976.)
    """
    size = 1 << int(np.ceil(np.log2(len(first) + len(second))))
    hz = np.fft.rfftfreq(size, 1 / sampling_rate)
    inside = (hz > _LOWEST_HZ) & (hz < min(_HIGHEST_HZ, 0.45 * sampling_rate))
    spectra = []
    for waveform in (first, second):
        spectrum = np.where(inside, np.fft.rfft(waveform, size), 0)
        magnitude = np.abs(spectrum)
        spectrum *= np.maximum(magnitude, 1e-4 * max(magnitude.max(), 1e-20)) ** -_WHITENING
        spectra.append(spectrum / max(np.sqrt((np.abs(spectrum) ** 2).sum()), 1e-20))
    correlations = np.fft.irfft(spectra[0] * spectra[1].conj(), size) * (size / 2)
    return float(np.abs(correlations).max())
