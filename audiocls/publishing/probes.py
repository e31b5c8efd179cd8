"""Five short real sounds that come with the package: what a published model is tried on.

They need not be of the model's classes: two copies of one model must say the same of any sound.
"""

from pathlib import Path

import numpy as np

from audiocls.audio.decoding import decode
from audiocls.errors import UsageError

_FOLDER = Path(__file__).parent / "probe_clips"  # ATTRIBUTION.csv there says whose they are
_STEP_SECONDS = 0.01


def probe_clips(sampling_rate: int, max_seconds: float) -> list[np.ndarray]:
    """The bundled sounds as mono float32 (time,) at `sampling_rate` Hz, from 0.3 to 1.1 s long.

    Args:
        sampling_rate: of the model, in Hz.
        max_seconds: longer clips are cut to their loudest part of this length, such as the window of the model.

    Raises:
        UsageError: max_seconds is no time.
    """
    if not max_seconds > 0:
        raise UsageError(f"max_seconds is {max_seconds}; it must be more than 0")
    longest = max(1, round(max_seconds * sampling_rate))
    step = max(1, round(_STEP_SECONDS * sampling_rate))
    return [_loudest(decode(path, sampling_rate), longest, step) for path in sorted(_FOLDER.glob("*.ogg"))]


def _loudest(clip: np.ndarray, length: int, step: int) -> np.ndarray:
    """The part float32 (length,) with the most energy, looked for every `step` samples; all of a shorter clip."""
    if len(clip) <= length:
        return clip
    energy = np.concatenate([[0.0], np.cumsum(clip.astype(np.float64) ** 2)])
    starts = np.arange(0, len(clip) - length + 1, step)
    start = int(starts[np.argmax(energy[starts + length] - energy[starts])])
    return clip[start : start + length].copy()
