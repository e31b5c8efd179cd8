"""Fingerprints: what is kept of a clip's sound so that copies of it can be found among many thousand clips.

A copy has been encoded again, made louder or softer, shifted, or trimmed at its ends. How each frame of 10 ms changes,
as signs of differences between bands and between frames, survives this (Haitsma and Kalker 2002, "A highly robust audio
fingerprinting system"). Of these frames only the most reliable are kept, a bounded number a clip: those whose signs are
far from changing. Changes of speed or pitch and mixes with other sounds are not survived.
"""

from functools import lru_cache

import numpy as np
import scipy.fft
import soxr

FRAMES_PER_SECOND = 100
WORDS = 6  # of 32 bits a landmark: see `fingerprint`
BITS = 24  # of a hash
FRAME_BITS = 20  # of the second word; above them two times 5 bits

_RATE = 8000  # what telephones and low bit rates keep
_LENGTH = 512  # samples: 64 ms
_HOP = _RATE // FRAMES_PER_SECOND
_LOWEST_HZ, _HIGHEST_HZ = 150.0, 3600.0
_FLOOR = 1e-3  # of the loudest band within 100 ms: what lies 30 dB below may be a codec's noise
_MASKING = 10  # frames on either side
_SPAN = 2  # frames on either side: a change is measured over 40 ms
_CONTEXT = (3, 7)  # frames on either side whose signs are kept beside the hash
_BLOCK = 512  # frames analysed at once: fits into the cache
_LANDMARKS_PER_SECOND, _FEWEST, _MOST = 24, 48, 256
_LONGEST_SECONDS = 600.0  # of a clip that are looked at: hours cost no more than minutes


def fingerprint(waveform: np.ndarray, sampling_rate: int) -> np.ndarray:
    """The most reliable frames of a clip.

    Args:
        waveform: float32 (time,), of any length.
        sampling_rate: in Hz.

    Returns:
        uint32 (landmarks, WORDS), in order of time, at most 256 landmarks: the hash; the frame, with the two bits of
        the hash that are least sure in the bits 20 to 24 and 25 to 29; the signs 7 and 3 frames before, 3 and 7 after.
    """
    levels = _levels(waveform[: int(_LONGEST_SECONDS * sampling_rate)], sampling_rate)
    change = np.zeros_like(levels)
    change[_SPAN:-_SPAN] = levels[2 * _SPAN :] - levels[: -2 * _SPAN]
    change = change[:, :-1] - change[:, 1:]  # (frames, BITS), in dB
    signs = np.packbits(change > 0, axis=1, bitorder="little")  # (frames, 3) bytes
    words = signs.astype(np.uint32) @ np.array([1, 1 << 8, 1 << 16], np.uint32)
    margins = np.abs(change)
    reliability = np.partition(margins, 2, axis=1)[:, 2]  # two signs may be wrong: see `weak`
    most = min(_MOST, max(_FEWEST, int(_LANDMARKS_PER_SECOND * len(words) / FRAMES_PER_SECOND)))
    chosen = np.arange(len(words))
    if len(words) > most:
        chosen = np.sort(np.argpartition(-reliability, most)[:most])
    chosen = chosen[reliability[chosen] > 0]
    weak = np.argpartition(margins[chosen], 1, axis=1)[:, :2].astype(np.uint32)
    around = [words[np.clip(chosen + step, 0, len(words) - 1)] for step in (-_CONTEXT[1], -_CONTEXT[0], *_CONTEXT)]
    place = chosen.astype(np.uint32) | weak[:, 0] << FRAME_BITS | weak[:, 1] << (FRAME_BITS + 5)
    return np.stack([words[chosen], place, *around], axis=1).astype(np.uint32)


def _levels(waveform: np.ndarray, sampling_rate: int) -> np.ndarray:
    """Levels in dB (frames, BITS + 1), none more than 30 dB below the loudest band nearby: free of volume."""
    if sampling_rate != _RATE and len(waveform):
        waveform = soxr.resample(waveform, sampling_rate, _RATE, quality="LQ")
    padded = np.pad(waveform, (_LENGTH // 2, _LENGTH // 2 + 2 * _SPAN * _HOP))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _LENGTH)[::_HOP]
    window, bank = _analysis()
    power = np.empty((len(frames), BITS + 1), np.float32)
    for start in range(0, len(frames), _BLOCK):
        spectrum = scipy.fft.rfft(frames[start : start + _BLOCK] * window, axis=1)
        np.matmul(spectrum.real**2 + spectrum.imag**2, bank, out=power[start : start + _BLOCK])
    loudest = np.pad(power.max(axis=1), _MASKING)
    floor = np.lib.stride_tricks.sliding_window_view(loudest, 2 * _MASKING + 1).max(axis=1)
    return 10 * np.log10(power + _FLOOR * floor[:, None] + 1e-12)


@lru_cache(1)
def _analysis() -> tuple[np.ndarray, np.ndarray]:
    """The window (_LENGTH,), and the matrix that averages power over log-spaced bands (bins, BITS + 1)."""
    edges = np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, BITS + 2) / _RATE * _LENGTH
    bins = np.arange(_LENGTH // 2 + 1)[:, None]
    inside = np.minimum(bins + 0.5, edges[1:]) - np.maximum(bins - 0.5, edges[:-1])
    window = np.hanning(_LENGTH + 1)[:-1]
    return window.astype(np.float32), (inside.clip(0, 1) / np.diff(edges)).astype(np.float32)
