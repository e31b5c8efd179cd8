"""Clips that exist only when they are read: copies of clips laid into backgrounds, and backgrounds alone.

A copy follows from its clip's content, its number, the backgrounds and the settings, never from where it stands among
others; so what was computed of it can be kept (`contents`), and folds and later runs find it. A copy belongs to its
clip's group.
"""

from collections.abc import Sequence

import numpy as np
import xxhash

from audiocls.data.backgrounds import Backgrounds
from audiocls.data.clips import Clips
from audiocls.data.mixtures import laid_into
from audiocls.data.placing import AROUND_SECONDS, Placement, alone_length, place

MIXING_VERSION = 2  # part of the contents: raise it whenever the same settings would give other samples
COPIES_SHARE = 0.25  # of a clip, that all its copies together count


class Mixer:
    """How clips are laid into backgrounds: the first copy of a clip lies tight, the second anywhere, and so on.

    Args:
        snr_db: lowest and highest signal-to-noise ratio.
        window_length: of the longest window a clip is laid into, in samples; a longer clip is all in noise.
    """

    def __init__(self, backgrounds: Backgrounds, snr_db: tuple[float, float], window_length: int, seed: int) -> None:
        self.backgrounds, self.snr_db, self.window_length, self.seed = backgrounds, snr_db, window_length, seed
        told = repr((MIXING_VERSION, backgrounds.fingerprint, *map(float, snr_db), window_length, seed))
        self.key = xxhash.xxh3_64_hexdigest(told.encode())

    def generator(self, content: str, copy: int) -> np.random.Generator:
        """The random numbers of one copy of one clip."""
        return np.random.default_rng([self.seed, copy, xxhash.xxh3_64_intdigest(content.encode())])

    def placement(self, length: int, content: str, copy: int) -> Placement:
        """Where a copy of a clip of `length` samples lies."""
        return self._place(length, copy, self.generator(content, copy))

    def alone(self, number: int) -> tuple[int, np.random.Generator]:
        """Samples of a stretch of background alone, and the random numbers that it is drawn with."""
        rng = self.generator("background", number)
        return alone_length(self.window_length, self.backgrounds.sampling_rate, rng), rng

    def _place(self, length: int, copy: int, rng: np.random.Generator) -> Placement:
        around = round(AROUND_SECONDS * self.backgrounds.sampling_rate) if copy % 2 == 0 else None
        return place(length, max(length, self.window_length), self.snr_db, rng, around)

    def mix(self, waveform: np.ndarray, content: str, copy: int) -> np.ndarray:
        """A copy of a clip (time,): float32, as long as its placement says."""
        rng = self.generator(content, copy)
        placed = self._place(len(waveform), copy, rng)
        background = self.backgrounds.draw(placed.length, rng)
        part = waveform[placed.start : placed.start + placed.take]
        return laid_into(part, background, placed.at, placed.snr_db, self.backgrounds.sampling_rate)


class MadeClips(Clips):
    """Clips that are made when read. What makes them is in `_read`; a part of them shares it."""

    def __init__(
        self,
        sampling_rate: int,
        contents: Sequence[str],
        lengths: np.ndarray,
        files: list[str],
        targets: np.ndarray,
        groups: Sequence[str | None],
    ) -> None:
        self._rate, self._contents = sampling_rate, list(contents)
        self.lengths = np.asarray(lengths, np.int64)
        self.files, self.targets, self.groups = files, targets, list(groups)

    @property
    def sampling_rate(self) -> int:
        return self._rate

    @property
    def contents(self) -> list[str]:
        return list(self._contents)

    def copies(self) -> list[tuple[int, int]]:
        first: dict[str, int] = {}
        return [(first[name], k) for k, name in enumerate(self._contents) if first.setdefault(name, k) != k]

    def _read(self, index: int) -> np.ndarray:
        raise NotImplementedError

    def waveform(self, index: int, start: int = 0, stop: int | None = None) -> np.ndarray:
        return self._read(int(index))[start:stop]

    def subset(self, indices: Sequence[int] | np.ndarray) -> "Clips":
        return JoinedClips([self]).subset(indices)

    def followed_by(self, other: Clips) -> "Clips":
        return JoinedClips([self, other])


class MixedClips(MadeClips):
    """Every clip laid into backgrounds `num_copies` times: all clips the first time, then all the second."""

    def __init__(self, clean: Clips, mixer: Mixer, num_copies: int) -> None:
        self._clean, self._mixer = clean, mixer
        self._of = [(index, copy) for copy in range(num_copies) for index in range(len(clean))]
        self._names = clean.contents
        self._last = (-1, np.zeros(0, np.float32))
        super().__init__(
            clean.sampling_rate,
            [f"{self._names[index]}-{mixer.key}-{copy}" for index, copy in self._of],
            np.array([mixer.placement(int(clean.lengths[k]), self._names[k], c).length for k, c in self._of], np.int64),
            [f"{clean.files[index]} in background {copy + 1}" for index, copy in self._of],
            np.concatenate([clean.targets] * num_copies) if num_copies else clean.targets[:0],
            [group_of(clean, index) for index, _ in self._of],
        )

    def _read(self, index: int) -> np.ndarray:
        last, waveform = self._last
        if last != index:  # a clip is mostly read window by window
            clip, copy = self._of[index]
            waveform = self._mixer.mix(self._clean.waveform(clip), self._names[clip], copy)
            self._last = (index, waveform)
        return waveform


class BackgroundClips(MadeClips):
    """`count` stretches of background in which nothing of the classes sounds, up to the longest window; each is a group
    of its own.

    Args:
        like: targets have the form of its; all are 0, and of clips of one label each they mean nothing.
    """

    def __init__(self, mixer: Mixer, count: int, like: Clips) -> None:
        self._mixer = mixer
        super().__init__(
            mixer.backgrounds.sampling_rate,
            [f"background-{mixer.key}-{number}" for number in range(count)],
            np.array([mixer.alone(number)[0] for number in range(count)], np.int64),
            [f"background {number + 1}" for number in range(count)],
            np.zeros((count, *like.targets.shape[1:]), like.targets.dtype),
            [f"background {number + 1}" for number in range(count)],
        )

    def _read(self, index: int) -> np.ndarray:
        length, rng = self._mixer.alone(index)
        return self._mixer.backgrounds.draw(length, rng)


class JoinedClips(MadeClips):
    """Clips of several kinds, one after the other; of the same sampling rate and form of targets.

    shares: what each counts beside a whole clip, float64 (n,); None when all are whole, and after `subset`.
    clean: the clips that the others are copies of; None where there are no copies, and after `subset`.
    """

    shares: np.ndarray | None = None
    clean: Clips | None = None

    def __init__(self, parts: Sequence[Clips], of: Sequence[tuple[int, int]] | None = None) -> None:
        """`of`: the part and the number in it of each clip; all of them in order unless given."""
        self._parts = list(parts)
        self._of = [(p, k) for p, clips in enumerate(parts) for k in range(len(clips))] if of is None else list(of)
        contents = [clips.contents for clips in parts]
        super().__init__(
            parts[0].sampling_rate,
            [contents[p][k] for p, k in self._of],
            np.array([parts[p].lengths[k] for p, k in self._of], np.int64),
            [parts[p].files[k] for p, k in self._of],
            np.array([parts[p].targets[k] for p, k in self._of], parts[0].targets.dtype).reshape(
                len(self._of), *parts[0].targets.shape[1:]
            ),
            [parts[p].groups[k] for p, k in self._of],
        )

    def waveform(self, index: int, start: int = 0, stop: int | None = None) -> np.ndarray:
        part, inside = self._of[int(index)]
        return self._parts[part].waveform(inside, start, stop)

    def subset(self, indices: Sequence[int] | np.ndarray) -> Clips:
        chosen = JoinedClips(self._parts, [self._of[int(index)] for index in indices])
        chosen.groups = [self.groups[int(index)] for index in indices]
        return chosen


def group_of(clips: Clips, index: int) -> str:
    """The group that a clip and its copies share: its own, or one of them alone."""
    group = clips.groups[index]
    return f"clip {clips.files[index]}" if group is None else group


def with_copies(clean: Clips, mixer: Mixer, num_copies: int) -> Clips:
    """Clips, then their copies in background; those of a clip together count COPIES_SHARE of it."""
    both = JoinedClips([clean, MixedClips(clean, mixer, num_copies)])
    both.clean = clean
    both.shares = np.repeat([1.0, COPIES_SHARE / max(1, num_copies)], [len(clean), len(clean) * num_copies])
    both.groups[: len(clean)] = [group_of(clean, index) for index in range(len(clean))]
    return both


def clip_shares(clips: Clips) -> np.ndarray:
    """What each clip counts beside a whole one: float64 (n,)."""
    shares = clips.shares if isinstance(clips, JoinedClips) else None
    return np.ones(len(clips)) if shares is None else shares


def without_copies(clips: Clips) -> Clips:
    """The clips that `with_copies` was given; any other clips as they are."""
    clean = clips.clean if isinstance(clips, JoinedClips) else None
    return clips if clean is None else clean
