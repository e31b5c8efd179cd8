"""Sounds and spectrograms as data addresses, which stand within a page and play or show there. It reads no files."""

import base64
import io
from functools import lru_cache

import numpy as np
import soundfile
from PIL import Image

RANGE_DB = 80.0
# MP3 is small and played by every browser, also on telephones; it exists at these rates only. FLAC has all.
MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
MP3_QUALITY = 0.4  # soundfile's compression level: variable rate, about 4 kB a second of speech at 16 kHz


def sound_address(waveform: np.ndarray, sampling_rate: int) -> str:
    """A mono waveform float32 (time,) as a data address that a browser plays."""
    waveform = waveform / max(1.0, float(np.abs(waveform).max(initial=0)))
    buffer = io.BytesIO()
    if sampling_rate in MP3_RATES:
        soundfile.write(buffer, waveform, sampling_rate, format="MP3", compression_level=MP3_QUALITY)
        return _address("audio/mpeg", buffer)
    soundfile.write(buffer, waveform, sampling_rate, format="FLAC", subtype="PCM_16")
    return _address("audio/flac", buffer)


def spectrogram_address(decibels: np.ndarray, columns: int, loudest_db: float | None = None) -> str:
    """A spectrogram float32 (bands, frames) in dB as the data address of a PNG without axes, low bands at the bottom.

    Args:
        columns: pixels across, at most; each shows the loudest of its frames, or short calls would fade.
        loudest_db: what is brightest, if not the loudest there is; darkest is RANGE_DB below.
    """
    frames = decibels.shape[1]
    if frames > columns:
        starts = np.linspace(0, frames, columns, endpoint=False).astype(int)
        decibels = np.maximum.reduceat(decibels, starts, 1)
    loudest = float(decibels.max()) if loudest_db is None else loudest_db
    if loudest - float(decibels.min()) < 1:  # silence: dark, not bright
        loudest += RANGE_DB
    shades = np.clip(255 * (decibels - loudest + RANGE_DB) / RANGE_DB, 0, 255).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(shades[::-1]), "L")
    image.putpalette(magma().tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return _address("image/png", buffer)


@lru_cache(maxsize=1)
def magma() -> np.ndarray:
    """The colours of all our spectrograms, dark to bright: uint8 (256, 3)."""
    from matplotlib import colormaps

    return (np.array(colormaps["magma"](np.arange(256)))[:, :3] * 255).round().astype(np.uint8)


def _address(kind: str, buffer: io.BytesIO) -> str:
    return f"data:{kind};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
