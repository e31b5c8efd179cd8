"""A network that hears in order: convolutions over bands and time, then a recurrent layer over time in both directions.

After Çakır et al. 2017, "Convolutional Recurrent Neural Networks for Polyphonic Sound Event Detection",
arXiv:1702.06286.
"""

import torch
from torch import nn
from transformers import PretrainedConfig

from .residual import ResidualBlock, Stem

RECURRENT_LAYERS = {"lstm": nn.LSTM, "gru": nn.GRU}


class ConvolutionalRecurrent(nn.Module):
    """Convolutions that shorten bands more than time, a bidirectional LSTM or GRU, pooled over time.

    Reads from `config.network`: `widths`, the channels of each convolutional stage (the stem halves bands and frames,
    each stage after the first halves the bands alone), `rnn` ("lstm" or "gru"), `hidden`, the units of the recurrent
    layer in each direction, and `dropout`. Takes any number of bands and frames from one up.

    Raises:
        ValueError: `rnn` is neither.
    """

    def __init__(self, config: PretrainedConfig, num_bands: int) -> None:
        super().__init__()
        settings = {"widths": [16, 32, 64], "rnn": "lstm", "hidden": 64, "dropout": 0.2} | config.network
        widths, hidden = settings["widths"], settings["hidden"]
        if settings["rnn"] not in RECURRENT_LAYERS:
            raise ValueError(f"rnn is {settings['rnn']!r}; choose lstm or gru")
        self.stem = Stem(1, widths[0])
        self.blocks = nn.ModuleList(
            ResidualBlock(before, width, 1 if stage == 0 else 2, 1)
            for stage, (before, width) in enumerate(zip([widths[0], *widths], widths, strict=False))
        )
        for _ in widths:  # the stem and each block but the first
            num_bands = -(-num_bands // 2)
        self.recurrent = BothDirections(RECURRENT_LAYERS[settings["rnn"]], widths[-1] * num_bands, hidden)
        self.dropout = nn.Dropout(settings["dropout"])
        self.classifier = nn.Linear(4 * hidden, len(config.id2label or {}))

    def forward(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Score clips; arguments and result as of `ResidualCNN.forward`."""
        return self.classify(self.embed(features, mask))

    def embed(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """What the classifier goes by, (batch, 4 * hidden)."""
        hidden, mask = self.stem(features, mask)  # (batch, width, bands / 2, frames / 2)
        for block in self.blocks:
            hidden, mask = block(hidden, mask)
        sequence = self.recurrent(hidden.flatten(1, 2).transpose(1, 2), mask)  # (batch, frames, 2 * hidden)
        real = mask[:, :, None]
        mean = (sequence * real).sum(dim=1) / real.sum(dim=1).clamp(min=1).to(sequence.dtype)
        peak = sequence.masked_fill(~real, -1.0).amax(dim=1)  # neither layer gives out less
        return torch.cat([mean, peak], dim=1)

    def classify(self, embedded: torch.Tensor) -> torch.Tensor:
        """Logits (batch, num_labels) of what `embed` gives."""
        return self.classifier(self.dropout(embedded))


class BothDirections(nn.Module):
    """Two recurrent layers, one of which hears each clip from its own end; so padding reaches neither.

    A packed sequence would do the same, but needs the lengths on the CPU, and every step another batch size.
    """

    def __init__(self, layer: type[nn.LSTM] | type[nn.GRU], inputs: int, hidden: int) -> None:
        super().__init__()
        self.forwards = layer(inputs, hidden, batch_first=True)
        self.backwards = layer(inputs, hidden, batch_first=True)

    def forward(self, sequence: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(batch, frames, inputs) and (batch, frames) to (batch, frames, 2 * hidden); masked frames are arbitrary."""
        position = torch.arange(mask.shape[1], device=mask.device)
        order = (mask.sum(dim=1, keepdim=True) - 1 - position).abs()  # real frames backwards; behind them, anything
        order = order.clamp(max=mask.shape[1] - 1)[:, :, None]
        backwards = self.backwards(turned(sequence, order))[0]
        return torch.cat([self.forwards(sequence)[0], turned(backwards, order)], dim=2)


def turned(sequence: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """Frames of (batch, frames, values) in the order (batch, frames, 1)."""
    return sequence.gather(1, order.expand(-1, -1, sequence.shape[2]))
