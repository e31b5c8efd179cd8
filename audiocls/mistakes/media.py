"""Sounds and their spectrograms small enough to stand within a page, as data addresses."""

from dataclasses import dataclass

import numpy as np

from audiocls.data.clips import Clips
from audiocls.evaluation.page_media import sound_address, spectrogram_address
from audiocls.evaluation.spectrogram import log_mel_spectrogram

EXCERPT_SECONDS = 10.0  # of a longer clip, where it is loudest
MOST_BYTES = 12_000_000  # of all sounds and pictures of a page together
COLUMNS = 360  # pixels of a spectrogram


@dataclass(frozen=True)
class Medium:
    """A clip to hear and to see. sound, picture: data addresses. seconds: of the clip; start, stop: of the excerpt."""

    sound: str
    picture: str
    seconds: float
    start: float
    stop: float
    top_khz: float

    @property
    def excerpt(self) -> bool:
        """Whether only a part of the clip is here."""
        return self.stop - self.start < self.seconds - 0.05


class MediaBox:
    """Makes media until a number of bytes is used up."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.left = most_bytes

    def medium(self, clips: Clips, index: int) -> Medium | None:
        """The clip, or None when the page is full."""
        if self.left <= 0:
            return None
        rate = clips.sampling_rate
        start = loudest_start(clips.waveform(index), round(EXCERPT_SECONDS * rate))
        waveform = np.array(clips.waveform(index, start, start + round(EXCERPT_SECONDS * rate)))
        sound, picture = sound_address(waveform, rate), picture_address(waveform, rate)
        self.left -= len(sound) + len(picture)
        stop = start + len(waveform)
        return Medium(sound, picture, int(clips.lengths[index]) / rate, start / rate, stop / rate, rate / 2000)


def loudest_start(waveform: np.ndarray, length: int) -> int:
    """Where the loudest stretch of `length` samples begins, in steps of an eighth of it; 0 for shorter clips."""
    if len(waveform) <= length:
        return 0
    step = max(1, length // 8)
    pieces = (waveform[at : at + step] for at in range(0, len(waveform), step))
    energies = [float(np.dot(piece, piece)) for piece in pieces]
    sums = np.convolve(energies, np.ones(8), "valid")
    return min(int(sums.argmax()) * step, len(waveform) - length)


def picture_address(waveform: np.ndarray, sampling_rate: int) -> str:
    """Its log-mel spectrogram as the data address of a PNG without axes, low frequencies at the bottom."""
    return spectrogram_address(log_mel_spectrogram(waveform, sampling_rate)[0], COLUMNS)
