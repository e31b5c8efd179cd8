"""Where a clip lies in a window of background, and how far above it, as drawn for one clip apart from any sound.

A model meets its sounds in two ways. Windows at even distances hold them anywhere, whole or in part; what stands out of
the noise is heard from edge to edge, with little before and behind it. So a clip lies anywhere, or tight.
"""

from dataclasses import dataclass

import numpy as np

PART_SHARE = 0.25  # of clips of which the window holds only a part, as windows over a long recording do
LEAST_PART = 0.5  # of a clip
WHOLE_WINDOW_SHARE = 0.5  # of windows that are as long as the model's; the others are shorter, down to the clip
TIGHT_SHARE = 0.5  # of clips that lie tight
AROUND_SECONDS = 0.5  # most background before and behind a clip that lies tight
SHORTEST_SECONDS = 0.15  # of background alone: what stands out of noise by chance is as short


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


def place(
    clip_length: int,
    window_length: int,
    snr_db: tuple[float, float],
    rng: np.random.Generator,
    around: int | None = None,
) -> Placement:
    """Draw where a clip lies: anywhere in a window of at most `window_length`, or reaching over one of its ends.

    A clip longer than the window fills it with a random part.

    Args:
        around: lie tight instead: whole, with at most so many samples before it, and as many behind.
    """
    ratio = float(rng.uniform(*snr_db))
    length = window_length
    if around is not None:
        kept = min(clip_length, window_length)
        before, behind = (int(rng.integers(0, min(around, window_length - kept) + 1)) for _ in range(2))
        start = int(rng.integers(0, clip_length - kept + 1))
        return Placement(start, kept, before, min(before + kept + behind, window_length), ratio)
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


def alone_length(window_length: int, sampling_rate: int, rng: np.random.Generator) -> int:
    """How many samples of background alone are heard: from SHORTEST_SECONDS to the window, each octave as often."""
    shortest = min(round(SHORTEST_SECONDS * sampling_rate), window_length)
    return round(shortest * (window_length / shortest) ** rng.random())
