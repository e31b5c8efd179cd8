"""Finding copies: clips that are the same recording after encoding, a change of volume, a shift or a trim.

Fingerprints with equal hashes propose pairs and how they align; the waveforms there decide. So time grows with the
number of clips and of true pairs, not with its square. What decides is coherence: whether the phases of two sounds
agree in all bands, and whether energy is shared: so it is with copies, not with two hits of one drum.
"""

from collections.abc import Callable, Sequence

import numpy as np
from tqdm import tqdm

from audiocls.data.alignments import Alignment, find_alignments
from audiocls.data.coherence import LEAST_SHARE, SHORTEST_SECONDS, is_same_sound
from audiocls.data.fingerprints import FRAMES_PER_SECOND

Waveform = Callable[[int, int, int], np.ndarray]

_LONGEST_SECONDS = 2.0  # compared at one place
_ENOUGH_PARTNERS = 4  # for clips that are in one set already: bounds the time for thousands of copies of one sound


def find_copies(
    fingerprints: Sequence[np.ndarray], lengths: Sequence[int] | np.ndarray, sampling_rate: int, waveform: Waveform
) -> list[tuple[int, int]]:
    """Pairs of clips that are the same recording.

    Args:
        fingerprints: of each clip, from `audiocls.data.fingerprints.fingerprint`.
        lengths: of each clip, in samples.
        sampling_rate: of what `waveform` gives, in Hz; 8000 is enough.
        waveform: gives samples start to stop of clip i, float32 (time,), at most two seconds at a time; fewer or none
            where they cannot be read, then the pair is no copy.

    Returns:
        Pairs (first, second) with first < second, sorted. Of very many copies of one sound each is paired with some of
        the others, such that the pairs connect them all.
    """
    found: set[tuple[int, int]] = set()
    partners = [0] * len(fingerprints)
    set_of = list(range(len(fingerprints)))  # a clip that leads to the one that stands for its set

    def leader(clip: int) -> int:
        while set_of[clip] != clip:
            set_of[clip] = set_of[set_of[clip]]
            clip = set_of[clip]
        return clip

    for near in tqdm(find_alignments(fingerprints), desc="Comparing likely copies", unit="pair", delay=1):
        first, second = near.first, near.second
        if (first, second) in found:
            continue
        if min(partners[first], partners[second]) >= _ENOUGH_PARTNERS and leader(first) == leader(second):
            continue
        if _is_copy(near, sampling_rate, waveform, int(lengths[first]), int(lengths[second])):
            found.add((first, second))
            partners[first] += 1
            partners[second] += 1
            set_of[leader(second)] = leader(first)
    return sorted(found)


def _is_copy(near: Alignment, sampling_rate: int, waveform: Waveform, first_length: int, second_length: int) -> bool:
    """Whether the two clips, aligned so, agree in what both have; long ones are compared at two places."""
    ahead = near.offset * sampling_rate // FRAMES_PER_SECOND  # sample t of the first clip is t + ahead of the second
    start, stop = max(0, -ahead), min(first_length, second_length - ahead)
    if stop - start < max(SHORTEST_SECONDS * sampling_rate, LEAST_SHARE * min(first_length, second_length)):
        return False
    most = int(_LONGEST_SECONDS * sampling_rate)
    places = near.places if stop - start > most else near.places[:1]
    for place in places:
        middle = place * sampling_rate // FRAMES_PER_SECOND
        low = int(np.clip(middle - most // 2, start, max(start, stop - most)))
        high = min(stop, low + most)
        first, second = waveform(near.first, low, high), waveform(near.second, low + ahead, high + ahead)
        length = min(len(first), len(second))  # a file may have changed since its length was taken
        if length < SHORTEST_SECONDS * sampling_rate:
            return False
        if not is_same_sound(first[:length], second[:length], sampling_rate):
            return False
    return True
