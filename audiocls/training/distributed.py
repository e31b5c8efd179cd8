"""Batch normalisation whose statistics span all processes, on any device.

torch's SyncBatchNorm needs a GPU; this does the same through an all-reduce with gradients, so that two CPU
processes train the model that one would.
"""

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
        count = x.new_full((1,), x.numel() / x.shape[1])
        total = all_reduce(torch.cat([x.sum(axes), (x * x).sum(axes), count]))
        channels = x.shape[1]
        mean = total[:channels] / total[-1]
        variance = total[channels : 2 * channels] / total[-1] - mean * mean
        if self.running_mean is not None and self.running_var is not None and self.momentum is not None:
            with torch.no_grad():
                unbiased = variance * total[-1] / (total[-1] - 1)
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(unbiased, self.momentum)
        shape = [1, channels] + [1] * (input.ndim - 2)
        y = (x - mean.view(shape)) * torch.rsqrt(variance.view(shape) + self.eps)
        return (y * self.weight.view(shape) + self.bias.view(shape)).to(input.dtype)


def synchronise_batch_norm(model: nn.Module) -> None:
    """Turn every BatchNorm2d of `model` into one over all processes, in place."""
    for module in model.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = CrossProcessBatchNorm2d
