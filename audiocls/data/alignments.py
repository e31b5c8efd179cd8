"""Which clips may be copies, and how they align: pairs of fingerprints with equal hashes at one offset.

Hashes are sorted, so that equal ones meet: no clip is compared with every other one. A hash counts only when the signs
before or after it agree too; three of its bits may be wrong.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from audiocls.data.fingerprints import FRAME_BITS, WORDS

_PASSES = 16  # over a part of the hashes each: bounds the memory
_MOST_EQUAL = 24  # entries that one entry meets: bounds the time for thousands of equal sounds
_MOST_WRONG = 10  # of the 48 signs before, or of those after
_MOST_WRONG_ALONE = 5  # where a single hash speaks for an alignment
_MOST_ALIGNMENTS = 3  # tried for a pair: sounds that repeat themselves align in several ways


@dataclass(frozen=True)
class Alignment:
    """Frame t of clip `first` may be frame t + offset of clip `second`; `places`: frames of `first` that agree."""

    first: int
    second: int
    offset: int
    places: tuple[int, int]


def find_alignments(fingerprints: Sequence[np.ndarray]) -> list[Alignment]:
    """The likeliest alignments of all pairs of clips that share hashes, sorted by clip.

    Args:
        fingerprints: uint32 (landmarks, WORDS) of each clip.
    """
    sizes = np.array([len(one) for one in fingerprints], np.int64)
    if len(sizes) < 2 or not sizes.any():
        return []
    words = np.concatenate([np.asarray(one, np.uint32).reshape(-1, WORDS) for one in fingerprints])
    clips = np.repeat(np.arange(len(sizes)), sizes)
    frames = (words[:, 1] & np.uint32((1 << FRAME_BITS) - 1)).astype(np.int64)
    found = [np.empty((0, 5), np.int64)]
    for one, two in _equal_hashes(words):
        wrong = np.minimum(_wrong(words, one, two, 2), _wrong(words, one, two, 4))
        keep = (clips[one] != clips[two]) & (wrong <= _MOST_WRONG)
        one, two, wrong = one[keep], two[keep], wrong[keep]
        one, two = np.where(clips[one] < clips[two], one, two), np.where(clips[one] < clips[two], two, one)
        offsets = frames[two] - frames[one]
        found.append(np.stack([clips[one], clips[two], offsets, frames[one], wrong.astype(np.int64)], axis=1))
    return _best(np.unique(np.concatenate(found), axis=0))


def _equal_hashes(words: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of `words` whose hashes are equal but for the bits that are least sure: two int64 (pairs,) at a time."""
    bit = np.uint32(1)
    variants = [words[:, 0]]
    for shift in (0, 5, 10):
        weak = bit << (words[:, 1] >> np.uint32(FRAME_BITS + shift) & np.uint32(31))
        variants += [hashes ^ weak for hashes in variants]
    for part in range(_PASSES):
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


def _best(matches: np.ndarray) -> list[Alignment]:
    """From rows (first, second, offset, frame, wrong), sorted, to the alignments with the most matches of each pair."""
    if not len(matches):
        return []
    step = np.diff(matches[:, :3], axis=0)
    begins = np.flatnonzero(np.r_[True, (step[:, :2] != 0).any(axis=1) | (step[:, 2] > 1)])  # of an alignment
    counts = np.diff(np.r_[begins, len(matches)])
    wrong = np.minimum.reduceat(matches[:, 4], begins)
    order = np.lexsort((wrong, -counts, matches[begins, 1], matches[begins, 0]))
    order = order[(counts[order] > 1) | (wrong[order] <= _MOST_WRONG_ALONE)]
    alignments: list[Alignment] = []
    for number in order:
        run = matches[begins[number] : begins[number] + counts[number]]
        first, second = int(run[0, 0]), int(run[0, 1])
        earlier = alignments[-_MOST_ALIGNMENTS:]
        if len(earlier) == _MOST_ALIGNMENTS and all((one.first, one.second) == (first, second) for one in earlier):
            continue
        places = np.sort(run[:, 3])
        offset = int(np.median(run[:, 2]))
        alignments.append(
            Alignment(first, second, offset, (int(places[len(run) // 4]), int(places[3 * len(run) // 4])))
        )
    return alignments
