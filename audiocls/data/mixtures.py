"""Laying clips into backgrounds: what the signal-to-noise ratio means here, and long recordings made to test on.

The signal-to-noise ratio is the mean power of the clip over its active samples against the mean power of the
background from the first to the last of them. Active are frames of 20 ms within 30 dB of the loudest: the silence
before, within and after a sound says nothing of how loud it is.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from audiocls.data.backgrounds import Backgrounds
from audiocls.data.clips import Clips

FRAME_SECONDS = 0.02
ACTIVE_DB = 30.0  # below the loudest frame
PAUSE_SECONDS = (0.5, 6.0)  # between two events of a recording
OVERLAP_SHARE = 0.3  # of the events that begin before the one before has ended, where they may
BACKGROUND_DB = (-50.0, -32.0)  # dBFS of a recording's background
LONGEST_SHARE = 0.5  # of a recording that one event takes
LARGEST_SAMPLE = 0.98
# A background's lulls do not make an event so soft that it is below what the recording is like elsewhere.
LULL = 0.03  # of the mean power

Placed = tuple[float, float, str, float]  # start and end in seconds, label, signal-to-noise ratio in dB


def frame_length(sampling_rate: int) -> int:
    """Samples of the frames that are active or not."""
    return max(1, round(FRAME_SECONDS * sampling_rate))


def active_samples(waveform: np.ndarray, sampling_rate: int) -> np.ndarray:
    """Which samples of float32 (time,) count for the level of a clip: bool (time,)."""
    length = frame_length(sampling_rate)
    starts = np.arange(0, len(waveform), length)
    if not len(starts):
        return np.zeros(0, bool)
    powers = np.add.reduceat(waveform.astype(np.float64) ** 2, starts) / np.diff([*starts, len(waveform)])
    active = (powers >= powers.max() / 10 ** (ACTIVE_DB / 10)) & (powers > 0)
    return np.repeat(active, np.diff([*starts, len(waveform)]))


def active_span(active: np.ndarray) -> tuple[int, int]:
    """The first active sample and the one behind the last; (0, 0) where none is."""
    found = np.flatnonzero(active)
    return (int(found[0]), int(found[-1]) + 1) if len(found) else (0, 0)


def snr(clip: np.ndarray, background: np.ndarray, sampling_rate: int) -> float:
    """Signal-to-noise ratio in dB of a clip (time,) and the background (time,) under it; -inf without any signal."""
    active = active_samples(clip, sampling_rate)
    start, stop = active_span(active)
    if start == stop:
        return -np.inf
    signal = float(np.mean(clip[active].astype(np.float64) ** 2))
    noise = float(np.mean(background[start:stop].astype(np.float64) ** 2))
    return float(10 * np.log10(signal / max(noise, 1e-30)))


def laid_into(clip: np.ndarray, background: np.ndarray, start: int, snr_db: float, sampling_rate: int) -> np.ndarray:
    """A clip at its own level in a background that is scaled to the ratio: float32, as long as the background.

    Args:
        start: sample of the background at which the clip begins; the clip must fit.
    """
    under = background[start : start + len(clip)]
    scale = 10 ** ((snr(clip, under, sampling_rate) - snr_db) / 20)
    if not np.isfinite(scale):
        scale = 1.0
    mixed = background * np.float32(scale)
    mixed[start : start + len(clip)] += clip
    return mixed.astype(np.float32)


def make_recording(
    clips: Clips,
    labels: Sequence[str],
    backgrounds: Backgrounds,
    seconds: float,
    snr_db: tuple[float, float],
    rng: np.random.Generator,
    *,
    pause_seconds: tuple[float, float] = PAUSE_SECONDS,
    overlap: bool = False,
) -> tuple[np.ndarray, list[Placed]]:
    """A long recording with clips as events at random places in a background.

    Classes come equally often, and each clip of a class once before any comes again. A clip longer than half of the
    recording is cut. What is drawn depends on the generator alone.

    Args:
        clips: of one or several labels each, at the rate of the backgrounds.
        labels: names of the targets.
        snr_db: lowest and highest signal-to-noise ratio of an event, drawn evenly between.
        pause_seconds: shortest and longest time without an event, at the start and between events.
        overlap: let some events begin before the one before has ended.

    Returns:
        float32 (time,) with nothing over full scale, and the events in order of their start: from their first to their
        last active sample, an event for each label of the clip.
    """
    rate = backgrounds.sampling_rate
    length = round(seconds * rate)
    mixed = backgrounds.draw(length, rng).astype(np.float64)
    power = float(np.mean(mixed**2))
    mixed *= 10 ** (rng.uniform(*BACKGROUND_DB) / 20) / np.sqrt(max(power, 1e-30))
    background, mean_power = mixed.copy(), float(np.mean(mixed**2))
    events: list[Placed] = []
    coming = _in_turn(clips, len(labels), rng)
    at = round(rng.uniform(*pause_seconds) * rate)
    while True:
        index = next(coming)
        clip = _event(clips.waveform(index), int(LONGEST_SHARE * length), rate, rng)
        if not len(clip):
            continue  # nothing can be heard in it
        if at + len(clip) > length:
            break
        under = background[at : at + len(clip)]
        lull = max(mean_power * LULL, 1e-30)
        local = max(float(np.mean(under**2)), lull) if len(under) else lull
        wanted = rng.uniform(*snr_db)
        signal = float(np.mean(clip[active_samples(clip, rate)].astype(np.float64) ** 2))
        scaled = clip * np.sqrt(local * 10 ** (wanted / 10) / signal)
        mixed[at : at + len(clip)] += scaled
        found = snr(scaled, under, rate)
        events += [(at / rate, (at + len(clip)) / rate, label, found) for label in _names(clips, index, labels)]
        pause = rng.uniform(*pause_seconds) * rate
        overlapping = overlap and rng.random() < OVERLAP_SHARE
        at += round(len(clip) * rng.uniform(0.2, 0.8)) if overlapping else len(clip) + round(pause)
    mixed *= min(1.0, LARGEST_SAMPLE / max(float(np.abs(mixed).max(initial=0)), 1e-30))
    return mixed.astype(np.float32), sorted(events)


def _event(waveform: np.ndarray, most: int, sampling_rate: int, rng: np.random.Generator) -> np.ndarray:
    """The active part of a clip, at most so many samples of it."""
    start, stop = active_span(active_samples(waveform, sampling_rate))
    if stop - start > most:
        start += int(rng.integers(0, stop - start - most + 1))
        stop = start + most
    return waveform[start:stop]


def _names(clips: Clips, index: int, labels: Sequence[str]) -> list[str]:
    if clips.targets.ndim == 1:
        return [labels[int(clips.targets[index])]]
    return [labels[number] for number in np.flatnonzero(clips.targets[index] > 0.5).tolist()]


def _in_turn(clips: Clips, num_labels: int, rng: np.random.Generator) -> Iterator[int]:
    """Clips without end: a label at random, of those with clips, and its next clip of a shuffled order."""
    if clips.targets.ndim == 1:
        groups = [np.flatnonzero(clips.targets == label) for label in range(num_labels)]
    else:
        groups = [np.flatnonzero(clips.targets[:, label] > 0.5) for label in range(num_labels)]
    groups = [group for group in groups if len(group)]
    queues: list[list[int]] = [[] for _ in groups]
    while True:
        chosen = int(rng.integers(len(groups)))
        if not queues[chosen]:
            queues[chosen] = rng.permutation(groups[chosen]).tolist()
        yield queues[chosen].pop()
