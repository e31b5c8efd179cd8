"""Residual convolutions over bands and time, and the network made of them; the mask is applied after every stage."""

import torch
from torch import nn
from torch.nn import functional
from transformers import PretrainedConfig

from .masking import halve, mean_and_peak, silence_padding


class ResidualCNN(nn.Module):
    """A small residual network over bands and time, pooled over both (after He et al. 2016, arXiv:1512.03385).

    Reads from `config.network`: `widths`, the channels of each stage (each stage after the first halves bands and
    frames), and `dropout`. Takes any number of bands and frames from one up.
    """

    def __init__(self, config: PretrainedConfig, num_bands: int) -> None:
        super().__init__()
        settings = {"widths": [16, 32, 64, 128], "dropout": 0.2} | config.network
        widths = settings["widths"]
        self.stem = Stem(1, widths[0])
        self.blocks = nn.ModuleList(
            ResidualBlock(before, width, 1 if stage == 0 else 2, 1 if stage == 0 else 2)
            for stage, (before, width) in enumerate(zip([widths[0], *widths], widths, strict=False))
        )
        self.dropout = nn.Dropout(settings["dropout"])
        self.classifier = nn.Linear(2 * widths[-1], len(config.id2label or {}))

    def forward(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Score clips.

        Args:
            features: (batch, 1, bands, frames), zero where masked.
            mask: (batch, frames) bool, True on real frames, False on padding, which lies on the right.

        Returns:
            Logits (batch, num_labels).
        """
        return self.classify(self.embed(features, mask))

    def embed(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """What the classifier goes by, (batch, 2 * width)."""
        hidden, mask = self.stem(features, mask)  # (batch, width, bands / 2, frames / 2)
        for block in self.blocks:
            hidden, mask = block(hidden, mask)
        return mean_and_peak(hidden.mean(dim=2), mask)

    def classify(self, embedded: torch.Tensor) -> torch.Tensor:
        """Logits (batch, num_labels) of what `embed` gives."""
        return self.classifier(self.dropout(embedded))


class Stem(nn.Module):
    """A strided 5x5 convolution: most of the cost is at full resolution, so leave it at once."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(in_channels, out_channels, kernel_size=5, stride=2, padding=2, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mask = halve(mask)
        return silence_padding(functional.relu(self.norm(self.convolution(hidden))), mask), mask


class ResidualBlock(nn.Module):
    """Two convolutions beside a shortcut; bands and frames are halved where their stride is 2.

    Args:
        kernel_size: odd, in bands and frames.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        band_stride: int,
        frame_stride: int,
        kernel_size: tuple[int, int] = (3, 3),
    ) -> None:
        super().__init__()
        self.frame_stride = frame_stride
        stride, padding = (band_stride, frame_stride), (kernel_size[0] // 2, kernel_size[1] // 2)
        self.convolution1 = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.convolution2 = nn.Conv2d(out_channels, out_channels, kernel_size, padding=padding, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != (1, 1) or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if self.frame_stride != 1:
            mask = halve(mask)
        change = functional.relu(self.norm1(self.convolution1(hidden)))
        change = self.norm2(self.convolution2(silence_padding(change, mask)))
        return silence_padding(functional.relu(self.shortcut(hidden) + change), mask), mask
