"""Copies among the clips of a data set: identical files, and recordings that are the same by ear.

The fingerprints are those of `data.fingerprints`; here they are made while a clip is measured, and candidate pairs are
decoded once more, a few at a time.
"""

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import soxr

from audiocls.audio.decoding import Source
from audiocls.audio.native import read_native
from audiocls.data.fingerprints import WORDS, fingerprint
from audiocls.data.same_recording import find_copies
from audiocls.data.splits import merge_groups
from audiocls.data.store import Encoded
from audiocls.errors import AudioReadError

FINGERPRINT_RATE = 8000  # Hz; what survives every codec and the telephone
MOST_SECONDS = 300.0  # of a clip's beginning, which bounds memory
_KEPT_SAMPLES = 50_000_000  # of decoded clips while pairs are compared: 200 MB
_MOST_TIMES, _LEAST_SAMPLES = 2, 3600 * FINGERPRINT_RATE  # decoded once more: all sounds twice, and an hour


class Fingerprinter:
    """Takes the samples of one clip piece by piece; then gives its fingerprint."""

    def __init__(self, sampling_rate: int) -> None:
        self._rate = sampling_rate
        self._stream: soxr.ResampleStream | None = None
        self._first: np.ndarray | None = None
        self._blocks: list[np.ndarray] = []
        self._missing = int(MOST_SECONDS * FINGERPRINT_RATE)

    @property
    def full(self) -> bool:
        return self._missing <= 0

    def add(self, mono: np.ndarray) -> None:
        """float32 (time,), what follows the samples added before."""
        if self.full:
            return
        if self._first is None and self._stream is None:
            self._first = mono  # most clips come in one piece, which is resampled much faster as a whole
            if len(mono) * FINGERPRINT_RATE / self._rate < self._missing:
                return
        if self._stream is None:
            self._stream = soxr.ResampleStream(self._rate, FINGERPRINT_RATE, 1, "float32", "LQ")
            if self._first is not None and self._first is not mono:
                self._keep(self._stream.resample_chunk(self._first))
            self._first = None
        self._keep(self._stream.resample_chunk(mono))

    def _keep(self, block: np.ndarray) -> None:
        self._blocks.append(block[: self._missing])
        self._missing -= len(block)

    def waveform(self) -> np.ndarray:
        """The beginning of the clip at FINGERPRINT_RATE: float32 (time,)."""
        if self._first is not None:
            if self._rate == FINGERPRINT_RATE:
                return self._first
            return soxr.resample(self._first, self._rate, FINGERPRINT_RATE, "LQ")
        if self._stream is not None and not self.full:
            self._keep(self._stream.resample_chunk(np.empty(0, np.float32), last=True))
            self._missing = 0
        return np.concatenate(self._blocks) if self._blocks else np.empty(0, np.float32)

    def result(self) -> bytes:
        return fingerprint(self.waveform(), FINGERPRINT_RATE).tobytes()


@dataclass(frozen=True)
class Copies:
    """Pairs (first, second) of clips with first < second, and int64 (clips,) the set of copies each clip is in."""

    identical: list[tuple[int, int]]
    similar: list[tuple[int, int]]
    sets: np.ndarray
    unread: int = 0  # times that a sound was not decoded once more, because so many sounds are alike

    @property
    def pairs(self) -> list[tuple[int, int]]:
        return self.identical + self.similar


def find_duplicates(
    contents: Sequence[str], fingerprints: Sequence[bytes], seconds: np.ndarray, sources: Sequence[Encoded]
) -> Copies:
    """Copies among clips.

    Args:
        contents: hash of each encoded file.
        fingerprints: of each clip, from `Fingerprinter`; empty for a clip that is not to be compared (silence).
        seconds: (clips,), how long each clip is.
        sources: where each clip can be read again.
    """
    first_of: dict[str, int] = {}
    identical = []
    for clip, content in enumerate(contents):
        first = first_of.setdefault(content, clip)
        if first != clip:
            identical.append((first, clip))
    compared = [clip for clip in first_of.values() if fingerprints[clip]]
    prints = [np.frombuffer(fingerprints[clip], np.uint32).reshape(-1, WORDS) for clip in compared]
    lengths = (np.minimum(seconds[compared], MOST_SECONDS) * FINGERPRINT_RATE).astype(np.int64)
    decoded = _Decoded([sources[clip] for clip in compared], _MOST_TIMES * int(lengths.sum()) + _LEAST_SAMPLES)
    found = find_copies(prints, lengths, FINGERPRINT_RATE, decoded.waveform) if len(compared) > 1 else []
    similar = sorted((min(pair), max(pair)) for pair in ((compared[a], compared[b]) for a, b in found))
    return Copies(identical, similar, merge_groups(len(contents), identical + similar), decoded.unread)


class _Enough(Exception):
    """The beginning of a long file is decoded."""


class _Decoded:
    """The beginnings of clips, decoded when they are asked for; those used last are kept.

    When `most` samples are decoded there are no more: time stays bounded where thousands of long sounds are alike.
    """

    def __init__(self, sources: Sequence[Encoded], most: int) -> None:
        self._sources, self._left, self.unread = sources, most, 0
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()
        self._size = 0

    def waveform(self, clip: int, start: int, stop: int) -> np.ndarray:
        if clip in self._kept:
            self._kept.move_to_end(clip)
        elif self._left <= 0:
            self.unread += 1
            return np.empty(0, np.float32)
        else:
            source = self._sources[clip]
            self._kept[clip] = waveform = _beginning(source() if callable(source) else source)
            self._size += len(waveform)
            self._left -= len(waveform)
            while self._size > _KEPT_SAMPLES and len(self._kept) > 1:
                self._size -= len(self._kept.popitem(last=False)[1])
        return self._kept[clip][start:stop]


def _beginning(source: Source) -> np.ndarray:
    taken: list[Fingerprinter] = []

    def use(rate: int, block: np.ndarray) -> None:
        if not taken:
            taken.append(Fingerprinter(rate))
        taken[0].add(np.ascontiguousarray(block.mean(axis=1)))
        if taken[0].full:
            raise _Enough

    with suppress(_Enough, AudioReadError):  # a file may have gone since it was measured
        read_native(source, use)
    return taken[0].waveform() if taken else np.empty(0, np.float32)
