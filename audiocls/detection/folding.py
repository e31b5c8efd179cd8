"""Networks of convolutions as they are fastest to run: norms folded in, channels last, masked only where needed.

What comes out is what the network's own `embed` gives, to rounding.
"""

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from audiocls.models.convolution1d import ConvolutionOverTime
from audiocls.models.masking import halve
from audiocls.models.residual import ResidualBlock, ResidualCNN


class FoldedNetwork(nn.Module):
    """A copy of a `ResidualCNN` or `ConvolutionOverTime` in eval mode.

    frame_stride: frames of features to a column of its map. reach: columns that a convolution looks to either side.
    """

    def __init__(self, network: ResidualCNN | ConvolutionOverTime) -> None:
        super().__init__()
        self.over_time_alone = isinstance(network, ConvolutionOverTime)
        stem = network.stem if isinstance(network, ResidualCNN) else network
        self.stem = _folded(stem.convolution, stem.norm)
        self.blocks = nn.ModuleList(FoldedBlock(block) for block in network.blocks)  # type: ignore[arg-type]
        self.requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
        self.reach = max(convolution.kernel_size[1] // 2 for convolution in convolutions)
        self.frame_stride = 2
        for block in network.blocks:
            self.frame_stride *= int(block.frame_stride)  # type: ignore[arg-type]

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Features (batch, 1, bands, frames) of real frames alone to what the classifier goes by (batch, width)."""
        hidden = self.columns(features)
        return torch.cat([hidden.mean(dim=2), hidden.amax(dim=2)], dim=1)

    def columns(self, features: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """The map before it is pooled over time, (batch, width / 2, columns).

        Args:
            features: (batch, 1, bands, frames), zero where masked.
            mask: (frames,), 1 on frames that are real in all of the batch, 0 on others; None if all are.
        """
        if self.over_time_alone:
            features = features.transpose(1, 2)
        hidden = functional.relu_(self.stem(features.contiguous(memory_format=torch.channels_last)))
        if mask is not None:
            mask = halve(mask[None])[0]
            hidden.mul_(mask)
        for block in self.blocks:
            hidden, mask = block(hidden, mask)
        return hidden.mean(dim=2)


class FoldedBlock(nn.Module):
    """A `ResidualBlock` without norms."""

    def __init__(self, block: ResidualBlock) -> None:
        super().__init__()
        self.frame_stride = block.frame_stride
        self.convolution1 = _folded(block.convolution1, block.norm1)
        self.convolution2 = _folded(block.convolution2, block.norm2)
        self.shortcut: nn.Module = nn.Identity()
        if isinstance(block.shortcut, nn.Sequential):
            self.shortcut = _folded(block.shortcut[0], block.shortcut[1])

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor | None]:
        change = functional.relu_(self.convolution1(hidden))
        if mask is not None:
            mask = mask if self.frame_stride == 1 else halve(mask[None])[0]
            change.mul_(mask)
        change = self.convolution2(change).add_(self.shortcut(hidden))
        functional.relu_(change)
        return (change if mask is None else change.mul_(mask)), mask


def _folded(convolution: nn.Module, norm: nn.Module) -> nn.Module:
    return fuse_conv_bn_eval(convolution, norm)  # type: ignore[type-var, arg-type]
