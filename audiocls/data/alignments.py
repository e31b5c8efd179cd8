"""Which clips may be copies, and how they align: pairs of fingerprints with equal hashes that agree as a whole.

Hashes are sorted, so that equal ones meet: no clip is compared with every other one. A hash counts only when the signs
before or after it agree too; three of its bits may be wrong. An alignment that hashes propose is kept when all
landmarks that meet in it agree in most of their signs: those of copies differ in a tenth, of other sounds in half.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from audiocls.data.fingerprints import BITS, FRAME_BITS, WORDS

_PASSES = 16  # over a part of the hashes each: bounds the memory
_MOST_EQUAL = 24  # entries that one entry meets: bounds the time for thousands of equal sounds
_MOST_WRONG = 10  # of the 48 signs before, or of those after
_MOST_WRONG_ALONE = 5  # where a single hash speaks for an alignment
_AT_ONCE = 2000  # alignments whose landmarks are compared together
_FEWEST_MET = 4  # landmarks
_MOST_DIFFERENT = 0.30  # of the signs of the landmarks that meet: 999 of 1000 copies lie below
_FEW_MET = 0.3  # divided by the root of their number: how much less is thought of agreement that few tell
_MOST_ALIGNMENTS = 3  # tried for a pair: sounds that repeat themselves align in several ways
_MOST_PARTNERS = 6  # of a clip, the likeliest: bounds the time where thousands of sounds are alike
_CLIP_BITS, _OFFSET_BITS = 22, FRAME_BITS + 1
_CLOSE = 30  # of a landmark's 120 signs differ at most where both clips surely have it


@dataclass(frozen=True)
class Alignment:
    """Frame t of clip `first` may be frame t + offset of clip `second`; `places`: frames of `first` that agree."""

    first: int
    second: int
    offset: int
    places: tuple[int, int]


class _Landmarks:
    """The landmarks of all clips, one below the other, sorted by clip and frame."""

    def __init__(self, fingerprints: Sequence[np.ndarray]) -> None:
        self.words = np.concatenate([np.asarray(one, np.uint32).reshape(-1, WORDS) for one in fingerprints])
        self.counts = np.array([len(one) for one in fingerprints], np.int64)
        self.begins = np.cumsum(self.counts) - self.counts
        self.clips = np.repeat(np.arange(len(self.counts)), self.counts)
        self.frames = (self.words[:, 1] & np.uint32((1 << FRAME_BITS) - 1)).astype(np.int64)
        self._keys = self.clips << FRAME_BITS | self.frames

    def meet(self, proposed: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Landmarks of both clips that lie at one place, for alignments int64 (n, 3) of first, second and offset.

        Returns:
            For each meeting: the number of the alignment, ascending, the frame of the first clip, the signs that differ
            (of BITS * (WORDS - 1)).
        """
        counts = self.counts[proposed[:, 0]]
        number = np.repeat(np.arange(len(proposed)), counts)
        rows = np.arange(len(number)) + np.repeat(self.begins[proposed[:, 0]] - (np.cumsum(counts) - counts), counts)
        frames = self.frames[rows] + proposed[number, 2]
        keys = proposed[number, 1] << FRAME_BITS | frames
        others = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        met = (frames >= 0) & (frames >> FRAME_BITS == 0) & (self._keys[others] == keys)
        rows, others = rows[met], others[met]
        differ = sum(
            np.bitwise_count(self.words[rows, i] ^ self.words[others, i]).astype(np.int64)
            for i in (0, *range(2, WORDS))
        )
        return number[met], self.frames[rows], np.asarray(differ)


def find_alignments(fingerprints: Sequence[np.ndarray]) -> list[Alignment]:
    """The likeliest alignments of pairs of clips that share hashes, sorted by clip, the best of a pair first.

    Args:
        fingerprints: uint32 (landmarks, WORDS) of each clip.
    """
    if len(fingerprints) < 2 or not any(len(one) for one in fingerprints):
        return []
    landmarks = _Landmarks(fingerprints)
    proposed, doubt = _agreeing(landmarks, _proposed(landmarks))
    proposed = _likeliest(proposed, doubt)
    alignments = []
    for start in range(0, len(proposed), _AT_ONCE):
        part = proposed[start : start + _AT_ONCE]
        number, frames, differ = landmarks.meet(part)
        bounds = np.searchsorted(number, np.arange(len(part) + 1))
        for (first, second, offset), low, high in zip(part.tolist(), bounds[:-1], bounds[1:], strict=True):
            places = frames[low:high]
            sure = places[differ[low:high] <= _CLOSE]
            places = sure if len(sure) else places
            alignments.append(
                Alignment(first, second, offset, (int(places[len(places) // 4]), int(places[3 * len(places) // 4])))
            )
    return alignments


def _proposed(landmarks: _Landmarks) -> np.ndarray:
    """Alignments int64 (n, 3) for which at least one sure hash or two hashes speak, sorted."""
    words, clips, frames = landmarks.words, landmarks.clips, landmarks.frames
    found = [np.empty(0, np.int64)]
    for one, two in _equal_hashes(words):
        differ = clips[one] != clips[two]
        one, two = one[differ], two[differ]
        close = np.minimum(_wrong(words, one, two, 2), _wrong(words, one, two, 4)) <= _MOST_WRONG
        one, two = one[close], two[close]
        found.append(np.minimum(one, two) << 32 | np.maximum(one, two))  # rows ascend with their clips
    codes = np.unique(np.concatenate(found))
    one, two = codes >> 32, codes & 0xFFFFFFFF
    wrong = np.minimum(_wrong(words, one, two, 2), _wrong(words, one, two, 4))
    offsets = frames[two] - frames[one] + (1 << FRAME_BITS)
    keys = (clips[one] << _CLIP_BITS | clips[two]) << _OFFSET_BITS | offsets
    order = np.argsort(keys, kind="stable")
    keys, wrong = keys[order], wrong[order]
    begins = np.flatnonzero(np.diff(keys, prepend=-2) > 1)  # neighbouring offsets are one alignment
    counts = np.diff(np.append(begins, len(keys)))
    chosen = (counts > 1) | (np.minimum.reduceat(wrong, begins) <= _MOST_WRONG_ALONE) if len(keys) else counts > 1
    keys = keys[(begins + counts // 2)[chosen]]
    pairs = keys >> _OFFSET_BITS
    offsets = (keys & ((1 << _OFFSET_BITS) - 1)) - (1 << FRAME_BITS)
    return np.stack([pairs >> _CLIP_BITS, pairs & ((1 << _CLIP_BITS) - 1), offsets], axis=1)


def _equal_hashes(words: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of `words` whose hashes are equal but for the bits that are least sure: two int64 (pairs,) at a time."""
    bit = np.uint32(1)
    variants = [words[:, 0]]
    for shift in (0, 5, 10):
        weak = bit << (words[:, 1] >> np.uint32(FRAME_BITS + shift) & np.uint32(31))
        variants += [hashes ^ weak for hashes in variants]
    for part in tqdm(range(_PASSES), desc="Looking for copies", unit="part", delay=1):
        chosen = [np.flatnonzero(hashes % _PASSES == part) for hashes in variants]
        hashes = np.concatenate([variant[rows] for variant, rows in zip(variants, chosen, strict=True)])
        order = np.argsort(hashes, kind="stable")
        hashes, rows = hashes[order], np.concatenate(chosen)[order]
        live = np.arange(len(hashes))
        for distance in range(1, _MOST_EQUAL + 1):
            live = live[live + distance < len(hashes)]
            live = live[hashes[live] == hashes[live + distance]]
            if not len(live):
                break
            yield rows[live], rows[live + distance]


def _wrong(words: np.ndarray, one: np.ndarray, two: np.ndarray, column: int) -> np.ndarray:
    """How many signs differ in two columns of the words."""
    return sum(np.bitwise_count(words[one, i] ^ words[two, i]) for i in (column, column + 1))


def _agreeing(landmarks: _Landmarks, proposed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The alignments in which the landmarks agree, and of each how little: the share of signs that differ, and more."""
    kept, doubts = [np.empty((0, 3), np.int64)], [np.empty(0)]
    for start in range(0, len(proposed), _AT_ONCE):
        part = proposed[start : start + _AT_ONCE]
        number, _, differ = landmarks.meet(part)
        met = np.bincount(number, minlength=len(part))
        share = np.bincount(number, differ, minlength=len(part)) / np.maximum(met * BITS * (WORDS - 1), 1)
        keep = (met >= _FEWEST_MET) & (share <= _MOST_DIFFERENT)
        kept.append(part[keep])
        doubts.append(share[keep] + _FEW_MET / np.sqrt(met[keep]))
    return np.concatenate(kept), np.concatenate(doubts)


def _likeliest(proposed: np.ndarray, doubt: np.ndarray) -> np.ndarray:
    """The best alignments of each pair, and of these the pairs that are among the best of one of their clips."""
    order = np.lexsort((doubt, proposed[:, 1], proposed[:, 0]))
    proposed, doubt = proposed[order], doubt[order]
    new = np.any(np.diff(proposed[:, :2], axis=0, prepend=-1), axis=1)
    pair = np.cumsum(new) - 1
    rank = np.arange(len(pair)) - np.flatnonzero(new)[pair] if len(pair) else pair
    pairs, least = proposed[new, :2], doubt[new]
    ends, partner = pairs.ravel(), np.repeat(np.arange(len(pairs)), 2)
    order = np.lexsort((least[partner], ends))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order)) - np.searchsorted(ends[order], ends[order])
    likely = place.reshape(-1, 2).min(axis=1) < _MOST_PARTNERS
    return proposed[(rank < _MOST_ALIGNMENTS) & likely[pair]]
