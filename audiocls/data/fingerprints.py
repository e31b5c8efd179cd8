"""Finding copies: clips that are the same recording after re-encoding, a change of volume, a small shift or a trim.

Two steps. A short descriptor of each clip, computed once when it is decoded, finds candidates; the waveforms of a
candidate pair then decide by cross-correlation. Changes of speed or pitch, mixes and excerpts are not found.
"""

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

import numpy as np
from tqdm import tqdm

DESCRIPTOR_BANDS = 24
DESCRIPTOR_SIZE = 2 * DESCRIPTOR_BANDS
_FRAME_SECONDS = 0.064
_LOWEST_HZ, _HIGHEST_HZ = 100.0, 3500.0  # survives low bit rates and telephone bandwidth
_FLOOR = 1e-3  # 30 dB below the loudest: below lies noise that a codec may change
_COMPARE_SECONDS = 4.0  # of the beginning of each clip
_NEIGHBOURS = 6  # candidates a clip: bounds the time for thousands of similar sounds
_LARGEST_DISTANCE = 2.5  # dB, root mean square over the descriptor
_WHITENING = 0.6  # 0 is plain correlation, 1 is phase only
_LEAST_CORRELATION = 0.82  # re-encoded copies reach 0.83 and more, hits of one drum up to 0.8


def describe(waveform: np.ndarray, sampling_rate: int) -> np.ndarray:
    """The long-term spectrum, and how each band varies while there is sound; free of volume and of silence around.

    Args:
        waveform: float32 (time,).
        sampling_rate: in Hz.

    Returns:
        float32 (DESCRIPTOR_SIZE,), in dB.
    """
    length = max(64, int(_FRAME_SECONDS * sampling_rate))
    if len(waveform) < 2 * length:
        waveform = np.pad(waveform, (0, 2 * length - len(waveform)))
    step = max(1, len(waveform) // (length * 256))  # at most about 512 frames, however long the clip
    frames = np.lib.stride_tricks.sliding_window_view(waveform, length)[:: length * step // 2]
    window, averages = _analysis(length, sampling_rate)
    spectrum = np.fft.rfft(frames * window, axis=1)
    bands = (spectrum.real**2 + spectrum.imag**2) @ averages  # (frames, bands)
    whole = bands.mean(axis=0)
    long_term = 10 * np.log10(whole / max(float(whole.max()), 1e-20) + _FLOOR)
    energy = bands.sum(axis=1)
    sounding = bands[energy > energy.max() * _FLOOR * 10]
    level = 10 * np.log10(sounding / max(float(sounding.max(initial=0)), 1e-20) + _FLOOR)
    spread = level.std(axis=0) if len(level) else np.zeros(DESCRIPTOR_BANDS)
    return np.concatenate([long_term, spread / 2]).astype(
        np.float32
    )  # the spread of a few frames depends on their grid


@lru_cache(8)
def _analysis(length: int, sampling_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """The window (length,), and the matrix that averages power over log-spaced bands (bins, bands)."""
    edges = np.geomspace(_LOWEST_HZ, min(_HIGHEST_HZ, 0.45 * sampling_rate), DESCRIPTOR_BANDS + 1)
    bins = (edges / sampling_rate * length).round().astype(int)
    averages = np.zeros((length // 2 + 1, DESCRIPTOR_BANDS), np.float32)
    for band, (low, high) in enumerate(pairwise(bins)):
        averages[low : max(high, low + 1), band] = 1 / max(high - low, 1)
    return np.hanning(length).astype(np.float32), averages


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
    if len(lengths) < 2:
        return []
    stop = min(int(_COMPARE_SECONDS * sampling_rate), int(lengths.max()))
    size = 1 << int(2 * stop - 1).bit_length()
    spectrum = lru_cache(512)(lambda clip: whitened(waveform(clip, 0, stop), sampling_rate, size))
    candidates = _candidates(descriptors, (lengths / sampling_rate).astype(np.float32))
    return [
        (first, second)
        for first, second in tqdm(candidates, desc="Looking for copies", unit="pair", delay=1)
        if _largest_correlation(spectrum(first), spectrum(second)) >= _LEAST_CORRELATION
    ]


def _candidates(descriptors: np.ndarray, seconds: np.ndarray) -> list[tuple[int, int]]:
    """Pairs with close descriptors and about the same length, at most a few for each clip; in order of the first."""
    found: set[tuple[int, int]] = set()
    largest = _LARGEST_DISTANCE**2 * DESCRIPTOR_SIZE
    squares = (descriptors**2).sum(axis=1)
    for start in range(0, len(descriptors), 256):
        stop = min(start + 256, len(descriptors))
        distance = squares[start:stop, None] + squares - 2 * descriptors[start:stop] @ descriptors.T
        slack = 0.3 + 0.1 * np.minimum(seconds[start:stop, None], seconds)
        distance[np.abs(seconds[start:stop, None] - seconds) > slack] = np.inf
        distance[np.arange(stop - start), np.arange(start, stop)] = np.inf
        nearest = np.argpartition(distance, min(_NEIGHBOURS, distance.shape[1] - 1), axis=1)[:, :_NEIGHBOURS]
        for row, columns in enumerate(nearest):
            for column in columns[distance[row, columns] < largest].tolist():
                found.add((min(start + row, column), max(start + row, column)))
    return sorted(found)


def correlation(first: np.ndarray, second: np.ndarray, sampling_rate: int) -> float:
    """Largest correlation over all shifts of two waveforms (time,), whitened and within the bands that codecs keep."""
    size = 1 << int(len(first) + len(second) - 1).bit_length()
    return _largest_correlation(*(whitened(waveform, sampling_rate, size) for waveform in (first, second)))


def whitened(waveform: np.ndarray, sampling_rate: int, size: int) -> np.ndarray:
    """Spectrum of unit energy between the lowest and highest frequency, flattened: complex64 (bins,).

    Flattening makes every frequency count: two notes of one instrument share their loudest partials and little
    else, two copies share everything. (Generalised cross-correlation, Knapp and Carter 1976.)
    """
    low, high = (int(hz * size / sampling_rate) for hz in (_LOWEST_HZ, min(_HIGHEST_HZ, 0.45 * sampling_rate)))
    spectrum = np.fft.rfft(waveform, size)[low:high]
    magnitude: np.ndarray = np.abs(spectrum)
    spectrum = spectrum * np.maximum(magnitude, max(1e-4 * float(magnitude.max()), 1e-20)) ** -_WHITENING
    return (spectrum / max(float(np.linalg.norm(spectrum)), 1e-20)).astype(np.complex64)


def _largest_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """The bands start at 0 here: that only turns the phase of the correlation, whose magnitude is taken."""
    size = 1 << int(2 * len(first) - 1).bit_length()
    return float(np.abs(np.fft.ifft(first * second.conj(), size)).max()) * size
