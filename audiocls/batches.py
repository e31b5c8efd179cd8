"""Training batches: which clips, which part of each, and the random draws that belong to a clip.

Everything random here depends on (seed, epoch, clip) alone. So a run cut off and resumed, and a run spread over
several processes, see exactly the clips and draws that one uninterrupted process sees.
"""

from dataclasses import dataclass

import numpy as np
import torch

from audiocls.data import Clips


def epoch_batches(count: int, batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Shuffle `count` clips into batches of nearly equal size, each clip once; no batch is over `batch_size`.

    Equal sizes, because a last batch of one clip would give batch normalisation nothing to measure.
    """
    order = np.random.default_rng([seed, epoch]).permutation(count)
    return np.array_split(order, max(1, -(-count // batch_size)))


def clip_generator(seed: int, epoch: int, index: int) -> np.random.Generator:
    """The random numbers of one clip in one epoch."""
    return np.random.default_rng([seed, epoch, index, 1])


def soft_targets(clips: Clips, num_labels: int) -> np.ndarray:
    """Targets as float32 `(n, num_labels)`: one-hot, or the given 0/1 rows of several labels a clip."""
    if clips.targets.ndim == 2:
        return clips.targets.astype(np.float32)
    return np.eye(num_labels, dtype=np.float32)[clips.targets]


@dataclass(frozen=True)
class Waveforms:
    """A padded batch: `samples` float32 `(batch, time)` and `lengths` int64 `(batch,)` valid samples of each."""

    samples: torch.Tensor
    lengths: torch.Tensor

    def to(self, device: torch.device) -> "Waveforms":
        return Waveforms(self.samples.to(device, non_blocking=True), self.lengths.to(device, non_blocking=True))


def pad_waveforms(waveforms: list[np.ndarray]) -> Waveforms:
    """Right-pad 1-D float32 arrays with zeros to the longest."""
    lengths = [len(waveform) for waveform in waveforms]
    samples = np.zeros((len(waveforms), max(lengths)), dtype=np.float32)
    for row, waveform in zip(samples, waveforms, strict=True):
        row[: len(waveform)] = waveform
    return Waveforms(torch.from_numpy(samples), torch.tensor(lengths, dtype=torch.int64))


def random_window(clips: Clips, index: int, window_length: int, generator: np.random.Generator) -> np.ndarray:
    """A random part of a clip, at most `window_length` samples, float32 `(time,)`."""
    length = int(clips.lengths[index])
    start = int(generator.integers(0, max(length - window_length, 0) + 1))
    return clips.waveform(index, start, min(start + window_length, length))
