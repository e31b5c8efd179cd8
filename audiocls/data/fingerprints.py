"""Fingerprints: what is kept of a clip's sound so that copies of it can be found among many thousand clips.

A copy has been encoded again, made louder or softer, shifted, or trimmed at its ends. How each frame of 10 ms changes,
as signs of differences between bands and between frames, survives this (Haitsma and Kalker 2002, "A highly robust audio
fingerprinting system"). Of these frames only the most reliable are kept, a bounded number a clip: those whose signs are
far from changing. Changes of speed or pitch and mixes with other sounds are not survived.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import scipy.fft
import soxr

FRAMES_PER_SECOND = 100
WORDS = 6  # of 32 bits a landmark: see `fingerprint`
BITS = 24  # of a hash
FRAME_BITS = 17  # of the second word; above them three times 5 bits

_RATE = 8000  # what telephones and low bit rates keep
_LENGTH = 512  # samples: 64 ms
_HOP = _RATE // FRAMES_PER_SECOND
_LOWEST_HZ, _HIGHEST_HZ = 150.0, 3600.0
_FLOOR = 1e-3  # of the loudest band within 100 ms: what lies 30 dB below may be a codec's noise
_MASKING = 10  # frames on either side
_SPAN = 2  # frames on either side: a change is measured over 40 ms
_CONTEXT = (3, 7)  # frames on either side whose signs are kept beside the hash
_SECTION_SECONDS = 60  # resampled at once
_BLOCK = 512  # frames analysed at once: fits into the cache
_LANDMARKS_PER_SECOND, _FEWEST, _MOST = 32, 64, 256
_LONGEST_SECONDS = 600.0  # of a clip that are looked at: hours cost no more than minutes


def fingerprint(waveform: np.ndarray, sampling_rate: int) -> np.ndarray:
    """The most reliable frames of a clip.

    Args:
        waveform: float32 (time,), of any length.
        sampling_rate: in Hz.

    Returns:
        uint32 (landmarks, WORDS), in order of time, at most 256 landmarks: the hash; the frame, and above it the
        numbers of the three bits of the hash that are least sure, in 5 bits each; the signs 7 and 3 frames before, 3
        and 7 after.
    """
    levels = _levels(waveform[: int(_LONGEST_SECONDS * sampling_rate)], sampling_rate)
    words, reliability, weak = (np.concatenate(parts) for parts in zip(*_signs(levels), strict=True))
    most = min(_MOST, max(_FEWEST, int(_LANDMARKS_PER_SECOND * len(words) / FRAMES_PER_SECOND)))
    chosen = np.arange(len(words))
    if len(words) > most:
        chosen = np.sort(np.argpartition(-reliability, most)[:most])
    chosen = chosen[reliability[chosen] > 0]
    around = [words[np.clip(chosen + step, 0, len(words) - 1)] for step in (-_CONTEXT[1], -_CONTEXT[0], *_CONTEXT)]
    weak = weak[chosen].astype(np.uint32) << np.arange(FRAME_BITS, FRAME_BITS + 15, 5, dtype=np.uint32)
    place = chosen.astype(np.uint32) | np.bitwise_or.reduce(weak, axis=1)
    return np.stack([words[chosen], place, *around], axis=1).astype(np.uint32)


def _signs(levels: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """For blocks of frames: signs as words (n,), how sure they are in dB (n,), the three least sure bits (n, 3)."""
    ends = np.zeros((_SPAN, levels.shape[1]), np.float32)
    for start in range(0, len(levels), _BLOCK):
        stop = min(start + _BLOCK, len(levels))
        near = levels[max(0, start - _SPAN) : stop + _SPAN]
        change = near[2 * _SPAN :] - near[: -2 * _SPAN]  # none at the clip's ends
        change = np.concatenate([ends] * (start == 0) + [change] + [ends] * (stop + _SPAN > len(levels)))[
            : stop - start
        ]
        change = change[:, :-1] - change[:, 1:]  # (n, BITS), in dB
        signs = np.packbits(change > 0, axis=1, bitorder="little").astype(np.uint32)
        margins = np.abs(change)
        order = np.argpartition(margins, 3, axis=1)[:, :4]  # the fourth smallest at its place, smaller ones before it
        sure = np.take_along_axis(margins, order[:, 3:], axis=1)[:, 0]  # the three before it may be wrong
        yield signs @ np.array([1, 1 << 8, 1 << 16], np.uint32), sure, order[:, :3].astype(np.uint8)


def _levels(waveform: np.ndarray, sampling_rate: int) -> np.ndarray:
    """Levels in dB (frames, BITS + 1), none more than 30 dB below the loudest band nearby: free of volume."""
    power = np.concatenate([_power(part) for part in _sections(waveform, sampling_rate)])
    loudest = np.pad(power.max(axis=1), _MASKING)
    power += _FLOOR * np.lib.stride_tricks.sliding_window_view(loudest, 2 * _MASKING + 1).max(axis=1)[:, None] + 1e-12
    np.log10(power, out=power)
    power *= 10
    return power


def _sections(waveform: np.ndarray, sampling_rate: int) -> Iterator[np.ndarray]:
    """The clip at _RATE in pieces, which keeps memory low, each with what its first and last frames reach."""
    margin = sampling_rate  # beyond a piece's ends, so that the pieces fit together
    start, half = 0, _LENGTH // 2
    while True:
        stop = start + _SECTION_SECONDS * sampling_rate
        last = stop + margin >= len(waveform)
        piece = waveform[max(0, start - margin) : None if last else stop + margin]
        if sampling_rate != _RATE and len(piece):
            piece = soxr.resample(piece, sampling_rate, _RATE, quality="LQ")
        piece = np.pad(piece, (0 if start else half, half + 2 * _SPAN * _HOP if last else 0))
        piece = piece[_RATE - half if start else 0 :]
        yield piece if last else piece[: _SECTION_SECONDS * _RATE + _LENGTH - _HOP]
        if last:
            return
        start = stop


def _power(padded: np.ndarray) -> np.ndarray:
    """Power in bands (frames, BITS + 1)."""
    frames = np.lib.stride_tricks.sliding_window_view(padded, _LENGTH)[::_HOP]
    window, bank = _analysis()
    power = np.empty((len(frames), BITS + 1), np.float32)
    for start in range(0, len(frames), _BLOCK):
        spectrum = scipy.fft.rfft(frames[start : start + _BLOCK] * window, axis=1)
        np.matmul(spectrum.real**2 + spectrum.imag**2, bank, out=power[start : start + _BLOCK])
    return power


@lru_cache(1)
def _analysis() -> tuple[np.ndarray, np.ndarray]:
    """The window (_LENGTH,), and the matrix that averages power over log-spaced bands (bins, BITS + 1)."""
    edges = np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, BITS + 2) / _RATE * _LENGTH
    bins = np.arange(_LENGTH // 2 + 1)[:, None]
    inside = np.minimum(bins + 0.5, edges[1:]) - np.maximum(bins - 0.5, edges[:-1])
    window = np.hanning(_LENGTH + 1)[:-1]
    return window.astype(np.float32), (inside.clip(0, 1) / np.diff(edges)).astype(np.float32)
