"""Recordings as a person makes them to teach a sound: several real examples with pauses between them."""

from pathlib import Path

import numpy as np
import soundfile
import soxr

from tests.small_models import SOUNDS

TRAIN = SOUNDS.parent / "train"


def write_lesson(path: Path, label: str, examples: int, folder: Path = SOUNDS, sampling_rate: int = 16000) -> Path:
    """The first examples of a bundled class, a second of faint noise after each."""
    noise = np.random.default_rng(0).normal(0, 1e-4, sampling_rate).astype(np.float32)
    parts = []
    for file in sorted((folder / label).glob("*.ogg"))[:examples]:
        waveform, rate = soundfile.read(file, dtype="float32")
        parts += [soxr.resample(waveform, rate, sampling_rate), noise]
    soundfile.write(path, np.concatenate(parts), sampling_rate, subtype="PCM_16")
    return path
