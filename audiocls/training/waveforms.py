"""A batch of waveforms of different lengths."""

from dataclasses import dataclass

import numpy as np
import torch


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
