"""Sounds and their spectrograms small enough to stand within a page, as data addresses."""

import base64
import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import soundfile
from PIL import Image

from audiocls.data.clips import Clips
from audiocls.evaluation.spectrogram import log_mel_spectrogram

EXCERPT_SECONDS = 10.0  # of a longer clip, where it is loudest
MOST_BYTES = 12_000_000  # of all sounds and pictures of a page together
# MP3 is small and played by every browser, also on telephones; it exists at these rates only. FLAC has all.
MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
MP3_QUALITY = 0.4  # soundfile's compression level: variable rate, about 4 kB a second of speech at 16 kHz
COLUMNS = 360  # pixels of a spectrogram
RANGE_DB = 80.0


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


def sound_address(waveform: np.ndarray, sampling_rate: int) -> str:
    """A mono waveform float32 (time,) as a data address that a browser plays."""
    waveform = waveform / max(1.0, float(np.abs(waveform).max(initial=0)))
    buffer = io.BytesIO()
    if sampling_rate in MP3_RATES:
        soundfile.write(buffer, waveform, sampling_rate, format="MP3", compression_level=MP3_QUALITY)
        return _address("audio/mpeg", buffer)
    soundfile.write(buffer, waveform, sampling_rate, format="FLAC", subtype="PCM_16")
    return _address("audio/flac", buffer)


def picture_address(waveform: np.ndarray, sampling_rate: int) -> str:
    """Its log-mel spectrogram as the data address of a PNG without axes, low frequencies at the bottom."""
    log_mel_db, _ = log_mel_spectrogram(waveform, sampling_rate)
    frames = log_mel_db.shape[1]
    if frames > COLUMNS:
        log_mel_db = np.maximum.reduceat(log_mel_db, np.linspace(0, frames, COLUMNS, endpoint=False).astype(int), 1)
    loudest = float(log_mel_db.max())
    if loudest - float(log_mel_db.min()) < 1:  # silence: dark, not bright
        loudest += RANGE_DB
    shades = np.clip(255 * (log_mel_db - loudest + RANGE_DB) / RANGE_DB, 0, 255).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(shades[::-1]), "L")
    image.putpalette(_palette())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return _address("image/png", buffer)


@lru_cache(maxsize=1)
def _palette() -> bytes:
    from matplotlib import colormaps  # the colours of all our spectrograms

    return (np.array(colormaps["magma"](np.arange(256)))[:, :3] * 255).round().astype(np.uint8).tobytes()


def _address(kind: str, buffer: io.BytesIO) -> str:
    return f"data:{kind};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
