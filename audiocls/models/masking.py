"""What every network does with padding: its mask is shrunk, applied and pooled over in these ways alone.

Maps are (batch, channels, bands, frames), the mask is (batch, frames), True on real frames, which lie on the left.
"""

import torch


def halve(mask: torch.Tensor) -> torch.Tensor:
    """The mask after a convolution of stride 2 with "same" padding: output frame i is centred on input frame 2i."""
    return mask[:, ::2]


def silence_padding(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Zero (batch, channels, bands, frames) where the mask (batch, frames) is False."""
    return hidden * mask[:, None, None].to(hidden.dtype)


def mean_and_peak(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Pool (batch, channels, frames), not negative and zero where masked, over time to (batch, 2 * channels)."""
    count = mask.sum(dim=1, keepdim=True).clamp(min=1).to(hidden.dtype)
    return torch.cat([hidden.sum(dim=2) / count, hidden.amax(dim=2)], dim=1)
