"""A network over time alone: the bands are channels. For features whose bands are no neighbours, as MFCC are."""

import torch
from torch import nn
from torch.nn import functional
from transformers import PretrainedConfig

from .masking import halve, mean_and_peak, silence_padding
from .residual import ResidualBlock


class ConvolutionOverTime(nn.Module):
    """Residual one-dimensional convolutions over time, pooled over it.

    Written as two-dimensional convolutions over a single band, so that it shares its blocks with the other networks.
    Reads from `config.network`: `widths`, the channels of each stage (each stage halves the frames, the stem
    included), `kernel_size` in frames (odd), and `dropout`. Takes any number of bands and frames from one up.
    """

    def __init__(self, config: PretrainedConfig, num_bands: int) -> None:
        super().__init__()
        settings = {"widths": [64, 96, 128], "kernel_size": 5, "dropout": 0.2} | config.network
        widths, kernel_size = settings["widths"], settings["kernel_size"]
        self.convolution = nn.Conv2d(
            num_bands, widths[0], (1, kernel_size), (1, 2), padding=(0, kernel_size // 2), bias=False
        )
        self.norm = nn.BatchNorm2d(widths[0])
        self.blocks = nn.ModuleList(
            ResidualBlock(before, width, 1, 1 if stage == 0 else 2, kernel_size=(1, kernel_size))
            for stage, (before, width) in enumerate(zip([widths[0], *widths], widths, strict=False))
        )
        self.dropout = nn.Dropout(settings["dropout"])
        self.classifier = nn.Linear(2 * widths[-1], len(config.id2label or {}))

    def forward(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Score clips; arguments and result as of `ResidualCNN.forward`."""
        return self.classify(self.embed(features, mask))

    def embed(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """What the classifier goes by, (batch, 2 * width)."""
        mask = halve(mask)
        hidden = self.convolution(features.transpose(1, 2))  # (batch, width, 1, frames / 2)
        hidden = silence_padding(functional.relu(self.norm(hidden)), mask)
        for block in self.blocks:
            hidden, mask = block(hidden, mask)
        return mean_and_peak(hidden.squeeze(2), mask)

    def classify(self, embedded: torch.Tensor) -> torch.Tensor:
        """Logits (batch, num_labels) of what `embed` gives."""
        return self.classifier(self.dropout(embedded))
