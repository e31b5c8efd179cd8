"""Networks of convolutions as they are fastest to run: norms folded in, channels last, nothing masked.

Only for windows that nothing is padded in; what comes out is what the network's own `embed` gives, to rounding.
"""

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from audiocls.models.convolution1d import ConvolutionOverTime
from audiocls.models.residual import ResidualBlock, ResidualCNN


class FoldedNetwork(nn.Module):
    """A copy of a `ResidualCNN` or `ConvolutionOverTime` in eval mode."""

    def __init__(self, network: ResidualCNN | ConvolutionOverTime) -> None:
        super().__init__()
        self.over_time_alone = isinstance(network, ConvolutionOverTime)
        stem = network.stem if isinstance(network, ResidualCNN) else network
        self.stem = _folded(stem.convolution, stem.norm)
        self.blocks = nn.ModuleList(FoldedBlock(block) for block in network.blocks)  # type: ignore[arg-type]
        self.requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Features (batch, 1, bands, frames) of real frames alone to what the classifier goes by (batch, width)."""
        if self.over_time_alone:
            features = features.transpose(1, 2)
        hidden = functional.relu_(self.stem(features.contiguous(memory_format=torch.channels_last)))
        for block in self.blocks:
            hidden = block(hidden)
        hidden = hidden.mean(dim=2)
        return torch.cat([hidden.mean(dim=2), hidden.amax(dim=2)], dim=1)


class FoldedBlock(nn.Module):
    """A `ResidualBlock` without norms."""

    def __init__(self, block: ResidualBlock) -> None:
        super().__init__()
        self.convolution1 = _folded(block.convolution1, block.norm1)
        self.convolution2 = _folded(block.convolution2, block.norm2)
        self.shortcut: nn.Module = nn.Identity()
        if isinstance(block.shortcut, nn.Sequential):
            self.shortcut = _folded(block.shortcut[0], block.shortcut[1])

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        change = self.convolution2(functional.relu_(self.convolution1(hidden)))
        return functional.relu_(change.add_(self.shortcut(hidden)))


def _folded(convolution: nn.Module, norm: nn.Module) -> nn.Module:
    return fuse_conv_bn_eval(convolution, norm)  # type: ignore[type-var, arg-type]
