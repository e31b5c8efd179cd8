"""Where something sounds: levels of 10 ms frames over a noise floor that adapts, in blocks of any size, without end.

It says when something is louder than the noise around it, in whatever band; it does not say what. A band's floor and
how far it fluctuates are taken from two quantiles of its levels over some seconds, in the manner of minimum statistics
(R. Martin, IEEE Transactions on Speech and Audio Processing 9(5), 2001). They come from a histogram: cheap, and
the same whatever the blocks.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft

FRAME_SECONDS = 0.01
LOWEST_DB = -120.0  # what digital silence counts as
_WINDOW_FRAMES = 1.6  # length of the Hann window around a frame, in frames: shorter blurs frequencies, longer times
_LOWEST_HZ, _SPLIT_HZ = 60.0, 250.0  # where the lowest band begins and ends; the others are octaves
_STEP_DB, _NUM_STEPS = 1.0, 140  # the histogram: -120 to 20 dB
FLOOR_FRAMES = 100  # frames that share a noise floor
_QUANTILES = (0.3, 0.6)  # lower ones know less of how a background fluctuates, higher ones take sounds for noise
_NORMAL_QUANTILES = (-0.5244, 0.2533)  # the same two of the normal distribution
_LOW = 0.5  # what is over this share of the threshold is joined to what is over all of it
_MOST_SPREAD_DB = 6.0  # noise varies less; what varies more is sounds and the silence between them
_LOOK_FRAMES = 100  # how far ahead a quiet beginning may wait for the sound that it belongs to
_MOST_FRAMES = 200  # analysed at once: what stays in the processor's cache


@dataclass(frozen=True)
class Frames:
    """Consecutive frames, from number `first` on. Frame i is the sound from i * hop_length to (i + 1) * hop_length.

    level_db: float32 (frames,), mean power above some 50 Hz in dB, 0 dB is a power of 1; -120 at least.
    band_db: float32 (frames, bands), the same of each octave.
    floor_db: float32 (frames, bands), level of the noise in each band at that time.
    excess_db: float32 (frames,), how far the most prominent band is over what its noise reaches; above 0 is a sound,
        0 or less is most likely noise.
    active: bool (frames,), whether something sounds: over the threshold, or over half of it and joined to such frames.
    """

    first: int
    level_db: np.ndarray
    band_db: np.ndarray
    floor_db: np.ndarray
    excess_db: np.ndarray
    active: np.ndarray

    def __len__(self) -> int:
        return len(self.active)


class Activity:
    """Push samples, get frames, `delay_seconds` later at most; `finish` gives the rest. Blocks may have any size.

    Levels are taken with a Hann window of 16 ms around each frame, so a click is felt one frame before and after it. An
    edge lies where a sound rises out of the noise or sinks into it: inside what would be heard in silence where a sound
    begins slowly or dies away.

    Args:
        sampling_rate: of the samples, in Hz.
        snr_db: how far over the noise a band must be to be active.
        past_seconds, ahead_seconds: the noise floor of a moment is taken from so much sound before and after it.
        spread: a band must also be so many standard deviations of its noise's level over the noise.
        quietest_db: nothing below this level is active.

    Attributes:
        hop_length: of a frame, in samples. frame_seconds: the same in seconds. band_edges_hz: (bands + 1,).
    """

    def __init__(
        self,
        sampling_rate: int,
        snr_db: float = 6.0,
        past_seconds: float = 10.0,
        ahead_seconds: float = 5.0,
        spread: float = 3.5,
        quietest_db: float = -80.0,
    ) -> None:
        self.sampling_rate = sampling_rate
        self.hop_length = max(1, round(sampling_rate * FRAME_SECONDS))
        self.frame_seconds = self.hop_length / sampling_rate
        self.delay_seconds = past_seconds + ahead_seconds + 2 * FLOOR_FRAMES * self.frame_seconds
        self.snr_db, self.spread, self.quietest_db = snr_db, spread, quietest_db
        win_length = scipy.fft.next_fast_len(round(self.hop_length * _WINDOW_FRAMES), real=True)
        window = np.hanning(win_length + 1)[:-1]
        self._window = (window / np.sqrt((window**2).sum() * win_length / 2)).astype(np.float32)
        self._bins, self.band_edges_hz = _octaves(sampling_rate, win_length)
        self._before = (win_length - self.hop_length) // 2  # of the window, before the frame
        self._past = max(1, round(past_seconds / self.frame_seconds / FLOOR_FRAMES))
        self._ahead = max(1 + _LOOK_FRAMES // FLOOR_FRAMES, round(ahead_seconds / self.frame_seconds / FLOOR_FRAMES))
        self._samples = np.zeros(self._before, np.float32)  # not analysed yet
        self._length = 0  # samples pushed
        self._bands = np.empty((0, self.num_bands), np.float32)  # frames not given yet
        self._levels = np.empty(0, np.float32)
        self._counted = 0  # blocks in histograms
        self._given = 0  # blocks given
        self._histograms: list[np.ndarray] = []  # of blocks from `_oldest` on: int32 (bands, steps)
        self._oldest = 0
        self._running = False  # whether the last frame given was active

    @property
    def num_bands(self) -> int:
        return len(self.band_edges_hz) - 1

    def push(self, samples: np.ndarray) -> Frames:
        """Take the next samples, float32 (time,); give the frames, none or many, that are now certain."""
        self._length += len(samples)
        self._samples = np.concatenate([self._samples, np.asarray(samples, np.float32)])
        self._analyse((len(self._samples) - len(self._window)) // self.hop_length + 1)
        return self._give(finished=False)

    def finish(self) -> Frames:
        """Give the frames that are left, the last one filled up with zeros."""
        num_frames = -(-self._length // self.hop_length)
        done = self._given * FLOOR_FRAMES + len(self._levels)
        missing = num_frames - done
        if missing > 0:
            needed = (missing - 1) * self.hop_length + len(self._window)
            self._samples = np.concatenate([self._samples, np.zeros(max(0, needed - len(self._samples)), np.float32)])
            self._analyse(missing)
        return self._give(finished=True)

    def _analyse(self, num_frames: int) -> None:
        """Levels of the next frames whose samples are there."""
        if num_frames <= 0:
            return
        hop, length = self.hop_length, len(self._window)
        bands = [self._bands]
        for first in range(0, num_frames, _MOST_FRAMES):
            count = min(_MOST_FRAMES, num_frames - first)
            piece = self._samples[first * hop : (first + count - 1) * hop + length]
            views = np.lib.stride_tricks.as_strided(piece, (count, length), (piece.strides[0] * hop, piece.strides[0]))
            spectra = scipy.fft.rfft(views * self._window)
            spectra[:, 1] += spectra[:, 0] / 2  # takes an offset out of where the window spread it
            power = spectra.real**2
            power += spectra.imag**2
            bands.append(np.add.reduceat(power, self._bins[:-1], axis=1)[:, : self.num_bands])
        new = np.concatenate(bands[1:])
        smallest = np.float32(10 ** (LOWEST_DB / 10))
        self._levels = np.concatenate([self._levels, 10 * np.log10(np.maximum(new.sum(axis=1), smallest))])
        self._bands = np.concatenate([self._bands, 10 * np.log10(np.maximum(new, smallest))])
        self._samples = self._samples[num_frames * hop :].copy()

    def _give(self, finished: bool) -> Frames:
        """Frames of the blocks whose surroundings are there."""
        self._count(finished)
        last = self._counted if finished else self._counted - self._ahead
        if not finished and self._counted < self._past + self._ahead + 1:
            last = 0
        blocks = max(0, last - self._given)
        first = self._given * FLOOR_FRAMES
        num_frames = min(blocks * FLOOR_FRAMES, len(self._levels))
        if num_frames == 0:
            empty = np.empty((0, self.num_bands), np.float32)
            return Frames(first, empty[:, 0], empty, empty, empty[:, 0], np.empty(0, bool))
        look = min(num_frames + _LOOK_FRAMES, len(self._levels))
        floors, spreads = self._floors(-(-look // FLOOR_FRAMES))
        floor = np.repeat(floors, FLOOR_FRAMES, axis=0)[:look]
        margin = np.maximum(self.snr_db, self.spread * np.repeat(spreads, FLOOR_FRAMES, axis=0)[:look])
        over = self._bands[:look] - floor - margin
        over[self._bands[:look] < self.quietest_db] = LOWEST_DB
        excess = over.max(axis=1)
        low = (over > (_LOW - 1) * margin).any(axis=1)
        active = self._joined(excess > 0, low)[:num_frames]
        self._running = bool(active[-1])
        frames = Frames(
            first, self._levels[:num_frames], self._bands[:num_frames], floor[:num_frames], excess[:num_frames], active
        )
        self._levels, self._bands = self._levels[num_frames:].copy(), self._bands[num_frames:].copy()
        self._given += blocks
        return frames

    def _count(self, finished: bool) -> None:
        """Histograms of the blocks that are complete; at the end also of the incomplete one."""
        start = (self._counted - self._given) * FLOOR_FRAMES
        count = len(self._levels) - start
        blocks = -(-count // FLOOR_FRAMES) if finished else count // FLOOR_FRAMES
        if blocks <= 0:
            return
        levels = self._bands[start : start + blocks * FLOOR_FRAMES]
        step = np.clip(((levels - LOWEST_DB) / _STEP_DB).astype(np.int32), 0, _NUM_STEPS - 1)
        block = np.arange(len(levels), dtype=np.int32)[:, None] // FLOOR_FRAMES
        cell = (block * self.num_bands + np.arange(self.num_bands, dtype=np.int32)) * _NUM_STEPS + step
        counts = np.bincount(cell.ravel(), minlength=blocks * self.num_bands * _NUM_STEPS)
        self._histograms += list(counts.astype(np.int32).reshape(blocks, self.num_bands, _NUM_STEPS))
        self._counted += blocks

    def _floors(self, blocks: int) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the noise's level in dB, float32 (blocks, bands), of the next blocks."""
        sums = np.cumsum([np.zeros_like(self._histograms[0]), *self._histograms], axis=0)
        span = self._past + self._ahead + 1
        number = self._given + np.arange(blocks)
        ends = np.minimum(np.maximum(number + self._ahead + 1, span), self._counted)
        starts = np.maximum(ends - span, 0)
        window = sums[ends - self._oldest] - sums[starts - self._oldest]
        reached = window.cumsum(axis=-1)
        values = []
        for quantile in _QUANTILES:
            wanted = quantile * reached[..., -1:]
            step = (reached < wanted).sum(axis=-1, keepdims=True)
            there = np.take_along_axis(window, step, -1)
            before = np.take_along_axis(reached, step, -1) - there
            values.append(LOWEST_DB + _STEP_DB * (step + (wanted - before) / np.maximum(there, 1))[..., 0])
        spread = (values[1] - values[0]) / (_NORMAL_QUANTILES[1] - _NORMAL_QUANTILES[0])
        spread = np.minimum(spread, _MOST_SPREAD_DB)
        floor = np.minimum(*(value - normal * spread for value, normal in zip(values, _NORMAL_QUANTILES, strict=True)))
        kept = max(0, min(int(starts[-1]), self._counted - span) - self._oldest)
        del self._histograms[:kept]
        self._oldest += kept
        return floor.astype(np.float32), spread.astype(np.float32)

    def _joined(self, high: np.ndarray, low: np.ndarray) -> np.ndarray:
        """Low frames that runs of low frames join to a high one before, or to one not far behind: bool (frames,)."""
        low = low | high
        at = np.arange(len(high))
        last_high = np.maximum.accumulate(np.where(high, at, -1 if self._running else -2))
        last_gap = np.maximum.accumulate(np.where(low, -2 + (not self._running), at))
        far = len(high) + _LOOK_FRAMES + 1
        next_high = np.minimum.accumulate(np.where(high, at, far)[::-1])[::-1]
        next_gap = np.minimum.accumulate(np.where(low, far, at)[::-1])[::-1]
        return low & ((last_high > last_gap) | ((next_high < next_gap) & (next_high - at <= _LOOK_FRAMES)))


def stretches(
    active: np.ndarray, frame_seconds: float, first: int = 0, min_seconds: float = 0.0, merge_gap_seconds: float = 0.0
) -> list[tuple[float, float]]:
    """Where something sounds, as (start_seconds, end_seconds) counted from frame 0.

    Args:
        active: bool (frames,), from frame number `first` on.
        frame_seconds: `Activity.frame_seconds`.
        min_seconds: shorter stretches are left out, after merging.
        merge_gap_seconds: stretches with at most so much between them are one.
    """
    edges = np.diff(np.concatenate([[0], np.asarray(active, np.int8), [0]]))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if len(starts) == 0:
        return []
    apart = (starts[1:] - ends[:-1]) * frame_seconds > merge_gap_seconds + 1e-9
    starts, ends = starts[np.concatenate([[True], apart])], ends[np.concatenate([apart, [True]])]
    long = (ends - starts) * frame_seconds >= min_seconds - 1e-9
    pairs = zip(starts[long] + first, ends[long] + first, strict=True)
    return [(float(start * frame_seconds), float(end * frame_seconds)) for start, end in pairs]


def _octaves(sampling_rate: int, win_length: int) -> tuple[np.ndarray, np.ndarray]:
    """First bins of the octaves and the end of the last, and the same in Hz; the last octave ends at half the rate."""
    half = sampling_rate / 2
    edges = [_LOWEST_HZ]
    edge = _SPLIT_HZ
    while edge * 1.4 < half:
        edges.append(edge)
        edge *= 2
    bins = np.array([max(1, round(hz * win_length / sampling_rate)) for hz in edges])
    return np.append(bins, win_length // 2 + 1), np.array([*edges, half])
