"""Where a clip lies in a window of background, and how far above it, as drawn for one clip apart from any sound."""

from dataclasses import dataclass

import numpy as np

PART_SHARE = 0.25  # of clips of which the window holds only a part, as windows over a long recording do
LEAST_PART = 0.5  # of a clip
WHOLE_WINDOW_SHARE = 0.5  # of windows that are as long as the model's; the others are shorter, down to the clip


@dataclass(frozen=True)
class Placement:
    """Lengths in samples: `take` samples of the clip from `start` on lie at `at` in a window of `length`.

    snr_db: as `audiocls.data.mixtures` defines it, of the part that is taken.
    """

    start: int
    take: int
    at: int
    length: int
    snr_db: float


def place(clip_length: int, window_length: int, snr_db: tuple[float, float], rng: np.random.Generator) -> Placement:
    """Draw where a clip lies: anywhere in a window of at most `window_length`, or reaching over one of its ends.

    A clip longer than the window fills it with a random part.
    """
    ratio = float(rng.uniform(*snr_db))
    length = window_length
    if rng.random() >= WHOLE_WINDOW_SHARE:
        length = int(rng.integers(min(clip_length, window_length), window_length + 1))
    kept = min(clip_length, length)
    if rng.random() < PART_SHARE:
        kept = min(kept, max(1, round(clip_length * rng.uniform(LEAST_PART, 1.0))))
        if rng.random() < 0.5:  # its end lies behind the window
            return Placement(0, kept, length - kept, length, ratio)
        return Placement(clip_length - kept, kept, 0, length, ratio)
    start, at = int(rng.integers(0, clip_length - kept + 1)), int(rng.integers(0, length - kept + 1))
    return Placement(start, kept, at, length, ratio)
