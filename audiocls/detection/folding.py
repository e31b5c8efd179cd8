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

_OPERATIONS = torch.ops.mkldnn  # what torch.compile makes of convolutions on a CPU


class FoldedNetwork(nn.Module):
    """A copy of a `ResidualCNN` or `ConvolutionOverTime` in eval mode.

    frame_stride: frames of features to a column of its map. reach: columns that a convolution looks to either side.
    """

    def __init__(self, network: ResidualCNN | ConvolutionOverTime) -> None:
        super().__init__()
        self.over_time_alone = isinstance(network, ConvolutionOverTime)
        stem = network.stem if isinstance(network, ResidualCNN) else network
        self.stem = FoldedConvolution(stem.convolution, stem.norm)  # type: ignore[arg-type]
        self.blocks = nn.ModuleList(FoldedBlock(block) for block in network.blocks)  # type: ignore[arg-type]
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
        hidden = self.stem(features.contiguous(memory_format=torch.channels_last))
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
        self.convolution1 = FoldedConvolution(block.convolution1, block.norm1)
        self.convolution2 = FoldedConvolution(block.convolution2, block.norm2)
        self.shortcut: nn.Module = nn.Identity()
        if isinstance(block.shortcut, nn.Sequential):
            self.shortcut = FoldedConvolution(block.shortcut[0], block.shortcut[1], cut=False)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Takes over `hidden`: what it holds afterwards is undefined."""
        change = self.convolution1(hidden)
        if mask is not None:
            mask = mask if self.frame_stride == 1 else halve(mask[None])[0]
            change.mul_(mask)
        change = self.convolution2(change, self.shortcut(hidden))
        return (change if mask is None else change.mul_(mask)), mask


class FoldedConvolution(nn.Module):
    """A convolution with its norm, what is added to it, and the cut at 0, as one operation where torch has it.

    Args:
        cut: whether what is below 0 becomes 0.
    """

    def __init__(self, convolution: nn.Module, norm: nn.Module, cut: bool = True) -> None:
        super().__init__()
        self.cut = cut
        self.plain: nn.Conv2d = fuse_conv_bn_eval(convolution, norm)  # type: ignore[type-var, arg-type, assignment]
        self.plain.requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._settings = (self.plain.padding, self.plain.stride, self.plain.dilation, 1)
        self._packed = self._pack()

    def forward(self, hidden: torch.Tensor, plus: torch.Tensor | None = None) -> torch.Tensor:
        """Of (batch, channels, bands, frames); `plus` is added before the cut, and is overwritten."""
        if self._packed is None:
            found = self.plain(hidden)
            found = found if plus is None else found.add_(plus)
            return functional.relu_(found) if self.cut else found
        after = "relu" if self.cut else "none"
        if plus is None:
            return _OPERATIONS._convolution_pointwise(
                hidden, self._packed, self.plain.bias, *self._settings, after, [], ""
            )
        return _OPERATIONS._convolution_pointwise_.binary(
            plus, hidden, self._packed, self.plain.bias, *self._settings, "add", 1.0, after, [], ""
        )

    def _pack(self) -> torch.Tensor | None:
        """The weights in the order in which oneDNN reads them, which it would otherwise bring about in each call; None
        where torch cannot."""
        weight = self.plain.weight
        if weight.device.type != "cpu" or not torch.backends.mkldnn.is_available():
            return None
        try:
            packed = torch._C._nn.mkldnn_reorder_conv2d_weight(weight.detach().to_mkldnn(), *self._settings)  # type: ignore[arg-type]
            height, width = self.plain.kernel_size
            probe = torch.zeros(1, self.plain.in_channels, height, width).to(memory_format=torch.channels_last)
            at = (probe, packed, self.plain.bias, *self._settings)
            plus = _OPERATIONS._convolution_pointwise(*at, "relu", [], "")
            _OPERATIONS._convolution_pointwise_.binary(plus, *at, "add", 1.0, "relu", [], "")
        except (AttributeError, RuntimeError, TypeError):  # not public: a later torch may have them no more
            return None
        return packed
