"""Layers that train the same in any number of processes: batch normalisation over all of them, dropout by clip.

torch's SyncBatchNorm needs a GPU; the one here goes through an all-reduce with gradients and works anywhere.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import distributed, nn
from torch.distributed.nn.functional import all_reduce


class CrossProcessBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm2d over the clips of all processes. Same parameters, same state dict, same results in eval mode."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if not (self.training and distributed.is_initialized()):
            return super().forward(input)
        axes = [axis for axis in range(input.ndim) if axis != 1]
        x = input.float()
        channels = x.shape[1]
        total = all_reduce(torch.cat([x.sum(axes), x.new_full((1,), x.numel() / channels)]))
        mean, count = total[:channels] / total[-1], total[-1].detach()
        shape = [1, channels] + [1] * (input.ndim - 2)
        centred = x - mean.view(shape)
        variance = all_reduce((centred * centred).sum(axes)) / count
        if self.running_mean is not None and self.running_var is not None and self.momentum is not None:
            with torch.no_grad():
                unbiased = variance * count / (count - 1)
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(unbiased, self.momentum)
        y = centred * torch.rsqrt(variance.view(shape) + self.eps)
        return (y * self.weight.view(shape) + self.bias.view(shape)).to(input.dtype)


class ClipDropout(nn.Dropout):
    """Dropout whose mask for a clip depends on the clip's seed alone, not on its place in a batch or a process."""

    seeds: Sequence[int] = ()

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if not self.training or self.p == 0:
            return input
        shape = input.shape[1:]
        drawn = torch.stack([torch.rand(shape, generator=torch.Generator().manual_seed(seed)) for seed in self.seeds])
        return input * (drawn.to(input) >= self.p) / (1 - self.p)


def prepare_layers(model: nn.Module, num_processes: int) -> list[ClipDropout]:
    """Give the model these layers, in place, with the parameters it has; returns the dropouts, which need `seeds`."""
    dropouts = []
    for module in model.modules():
        if num_processes > 1 and type(module) is nn.BatchNorm2d:
            module.__class__ = CrossProcessBatchNorm2d
        elif type(module) is nn.Dropout:
            module.__class__ = ClipDropout
            dropouts.append(cast(ClipDropout, module))
    return dropouts
