"""What can be measured on one clip in one decode: levels, silence, clipping, offset, bandwidth, and its fingerprint.

Memory stays bounded however long the file is. Nothing here judges: that is for `findings`.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np

from audiocls.audio.decoding import Source
from audiocls.audio.native import read_native
from audiocls.errors import AudioReadError
from audiocls.inspection.duplicates import Fingerprinter
from audiocls.inspection.spectrum import FLOOR_DB, Spectrum

MEASURES_VERSION = 1  # raise it when the same file would give other numbers
SILENCE_DB = -60.0  # a frame below is silent
SILENCE_RANGE_DB = 50.0  # and one so far below the clip's loudest
_FRAME_SECONDS = 0.02
_FLAT_RUN = 3  # samples in a row at one level are a clipped top ...
_FLAT_TOLERANCE = 4e-5  # ... to one step of 16 bit; relative to the peak at least
_EDGE_FACTOR = 6.0  # and beside it the wave falls much faster than a rounded top would


@dataclass
class Measures:
    """One clip. Levels are in dB relative to full scale, of the mono mix unless said otherwise."""

    error: str | None = None  # why it cannot be read; then nothing else holds
    note: str | None = None  # what was wrong with a file that could be read
    format: str = ""
    sampling_rate: int = 0
    channels: int = 0
    seconds: float = 0.0
    loudness: float = FLOOR_DB  # LUFS
    rms: float = FLOOR_DB
    peak: float = FLOOR_DB  # over all channels
    background: float = FLOOR_DB  # level of the quietest tenth of the frames
    offset: float = 0.0  # largest mean of a channel, full scale 1.0
    clipped: int = 0  # samples in flat tops or beyond full scale
    silence: float = 0.0  # share of the time
    leading: float = 0.0  # seconds of silence before the first sound
    trailing: float = 0.0
    bandwidth: float = 0.0  # Hz
    original_rate: int = 0  # a lower sampling rate that the sound had before; 0: none found
    cancelled: float = 0.0  # dB the mono mix lies below the mean of the channels
    fingerprint: bytes = b""


def measure(source: Source) -> Measures:
    """Decode a file once and measure it; a file that cannot be read gives its `error`."""
    clip = _Clip()
    try:
        info = read_native(source, clip.add)
    except AudioReadError as error:
        return Measures(error=error.reason)
    except MemoryError:
        return Measures(error="there is not enough memory to decode it")
    return dataclasses.replace(
        clip.result(), note=info.note, format=info.format, sampling_rate=info.sampling_rate, channels=info.channels,
        seconds=info.frames / info.sampling_rate,
    )  # fmt: skip


class _Clip:
    """What is summed up over the blocks of a clip."""

    def __init__(self) -> None:
        self.num_frames, self.highest = 0, 0.0
        self.channel_power = self.mix_power = 0.0
        self.clipped: list[tuple[float, int]] = []  # peak and clipped samples of each block
        self.levels: list[np.ndarray] = []  # variance of each 20 ms
        self.rest = np.empty(0, np.float32)

    def add(self, rate: int, block: np.ndarray) -> None:
        if self.num_frames == 0:
            self.rate, self.frame = rate, max(1, round(_FRAME_SECONDS * rate))
            self.sums = np.zeros(block.shape[1])
            self.spectrum, self.fingerprinter = Spectrum(rate), Fingerprinter(rate)
        if block.shape[1] != len(self.sums):  # a stream that changes its channels on the way
            block = np.repeat(block.mean(axis=1, keepdims=True), len(self.sums), axis=1)
        mono = np.ascontiguousarray(block[:, 0]) if block.shape[1] == 1 else block @ _mixing(block.shape[1])
        self.num_frames += len(block)
        self.sums += (
            np.ones(len(block), np.float32) @ block
        )  # as fast as reading it; sum(axis=0) takes ten times as long
        self.channel_power += float(np.vdot(block, block)) / block.shape[1]
        self.mix_power += float(np.vdot(mono, mono))
        peak = max(float(block.max()), -float(block.min()))
        self.highest = max(self.highest, peak)
        self.clipped.append((peak, sum(count_clipped(channel, peak) for channel in block.T)))
        self.spectrum.add(mono)
        self.fingerprinter.add(mono)
        mono = np.concatenate([self.rest, mono]) if len(self.rest) else mono
        whole = len(mono) // self.frame
        self._add_levels(mono[: whole * self.frame].reshape(whole, self.frame))
        self.rest = mono[whole * self.frame :].copy()

    def _add_levels(self, frames: np.ndarray) -> None:
        if frames.size:
            squares = np.einsum("ij,ij->i", frames, frames) / frames.shape[1]
            self.levels.append(squares - np.square(frames.mean(axis=1)))

    def result(self) -> Measures:
        if self.num_frames < self.frame or len(self.rest) > self.frame // 2:
            self._add_levels(self.rest[None, :])
        self.spectrum.finish()
        bandwidth, original_rate = self.spectrum.bandwidth()
        levels = decibels(np.concatenate(self.levels))
        loudest = float(levels.max())
        sounding = np.flatnonzero(levels > max(SILENCE_DB, loudest - SILENCE_RANGE_DB))
        seconds, step = self.num_frames / self.rate, self.frame / self.rate
        channels, mix = decibels(self.channel_power / self.num_frames), decibels(self.mix_power / self.num_frames)
        return Measures(
            loudness=self.spectrum.loudness(),
            rms=float(mix),
            peak=float(decibels(self.highest**2)),
            background=float(np.quantile(levels, 0.1)),
            offset=float(np.abs(self.sums).max() / self.num_frames),
            clipped=sum(count for peak, count in self.clipped if peak >= 0.99 * self.highest),
            silence=1 - len(sounding) / len(levels),
            leading=float(sounding[0] * step if len(sounding) else seconds),
            trailing=float(max(seconds - (sounding[-1] + 1) * step, 0) if len(sounding) else seconds),
            bandwidth=bandwidth,
            original_rate=original_rate,
            cancelled=float(max(channels - mix, 0)),
            fingerprint=self.fingerprinter.result(),
        )


def count_clipped(channel: np.ndarray, peak: float) -> int:
    """Samples of one channel (time,) that lie in flat tops at the peak, or beyond full scale.

    A rounded top of a slow wave is also flat to one step of 16 bit; it is told apart by how little the wave has
    fallen one sample beyond.
    """
    magnitude = np.abs(channel)
    over = int(np.count_nonzero(magnitude > 1.0))
    tolerance = max(_FLAT_TOLERANCE, _FLAT_TOLERANCE * peak)
    if peak < 0.05:
        return over
    top = np.flatnonzero(magnitude >= peak - tolerance)
    if len(top) < _FLAT_RUN:
        return over
    breaks = np.flatnonzero(np.diff(top) > 1)
    starts, ends = top[np.r_[0, breaks + 1]], top[np.r_[breaks, len(top) - 1]]
    runs = ends - starts + 1
    long = runs >= _FLAT_RUN
    starts, ends, runs = starts[long], ends[long], runs[long]
    beside = np.minimum(magnitude[np.maximum(starts - 1, 0)], magnitude[np.minimum(ends + 1, len(magnitude) - 1)])
    sharp = peak - beside > _EDGE_FACTOR * tolerance
    return max(over, int(runs[sharp].sum()))


def decibels(mean_square: np.ndarray | float) -> np.ndarray:
    return np.maximum(10 * np.log10(np.maximum(mean_square, 1e-12)), FLOOR_DB)


def _mixing(num_channels: int) -> np.ndarray:
    return np.full(num_channels, 1 / num_channels, np.float32)
