"""The first look at a recording that is to be cut: where something sounds, how loud it is, how loud the noise is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from audiocls.audio.decoding import Source, mono
from audiocls.cutting.uniform_blocks import UniformBlocks
from audiocls.detection.activity import FLOOR_FRAMES, Activity, Frames

_FAINTEST_DB = -20.0  # told of what is not over the noise at all


@dataclass(frozen=True)
class Survey:
    """What `survey` heard; it needs about 1 MB an hour.

    sampling_rate, channels, length: as the clips will have them; length in samples.
    frame_seconds: of a frame of `active`, bool (frames,), and of `level_db`, float16 (frames,), as of `Frames`.
    floor_db: float32 (frames / FLOOR_FRAMES,), level of the noise in all bands together.
    """

    sampling_rate: int
    channels: int
    length: int
    format: str
    notes: list[str]
    frame_seconds: float
    active: np.ndarray
    level_db: np.ndarray
    floor_db: np.ndarray

    @property
    def seconds(self) -> float:
        return self.length / self.sampling_rate

    def levels(self, start_seconds: float, end_seconds: float) -> tuple[float, float]:
        """Mean level from start to end, and how far its power without that of the noise is over it, both in dB."""
        first = int(start_seconds / self.frame_seconds + 0.5)
        last = max(first + 1, int(end_seconds / self.frame_seconds + 0.5))
        power = float(np.mean(10 ** (self.level_db[first:last].astype(np.float64) / 10)))
        blocks = slice(first // FLOOR_FRAMES, (last - 1) // FLOOR_FRAMES + 1)
        noise = float(np.mean(10 ** (self.floor_db[blocks].astype(np.float64) / 10)))
        snr = max(power - noise, noise * 10 ** (_FAINTEST_DB / 10)) / noise
        return 10 * float(np.log10(power)), 10 * float(np.log10(snr))


def survey(
    source: Source,
    snr_db: float,
    sampling_rate: int | None = None,
    denoise: str = "no",
    heard: Callable[[float], None] = lambda seconds: None,
) -> Survey:
    """Listen through a recording once, its channels averaged.

    Args:
        snr_db: as of `Activity`.
        sampling_rate, denoise: as of `UniformBlocks`.
        heard: told how many more seconds are done.

    Raises:
        AudioReadError: nothing can be read.
    """
    blocks = UniformBlocks(source, sampling_rate, denoise)
    activity: Activity | None = None
    active, levels, floors = [], [], []

    def keep(frames: Frames) -> None:
        active.append(frames.active)
        levels.append(frames.level_db.astype(np.float16))
        floors.append(10 * np.log10((10 ** (frames.floor_db[::FLOOR_FRAMES] / 10)).sum(axis=1)))

    length = 0
    for block in blocks:
        activity = activity or Activity(blocks.sampling_rate, snr_db)
        keep(activity.push(mono(block)))
        length += len(block)
        heard(len(block) / blocks.sampling_rate)
    assert activity is not None  # no block at all is an AudioReadError
    keep(activity.finish())
    return Survey(
        blocks.sampling_rate,
        blocks.channels,
        length,
        blocks.format,
        blocks.notes,
        activity.frame_seconds,
        np.concatenate(active),
        np.concatenate(levels),
        np.concatenate(floors),
    )
