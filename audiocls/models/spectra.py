"""Arithmetic on batches of spectra: decibels, filter bank products, chroma scaling, peaks and valleys of bands.

Plain functions of float32 tensors. What the filters are is decided in `filterbanks`.
"""

from collections.abc import Iterator

import numpy as np
import torch

AMIN = 1e-10  # floor under every logarithm, librosa's default
FLOOR_DB = -100.0  # which is what silence becomes
CONTRAST_RANGE_DB = 80.0  # librosa keeps the peaks and valleys of a clip within this of its largest
# A frame with a band or valley this far under its mean power is transformed again in float64: float32 leaves rounding
# noise some 140 dB under the mean; librosa computes in float64. What passes is within 0.01 dB, a few frames in a
# hundred do not (a third for valleys).
DOUBTFUL = 1e-7


def in_tiles(tensor: torch.Tensor) -> bool:
    """Whether to work tile by tile and to look at values: not on accelerators, nor while a graph is traced."""
    return tensor.device.type == "cpu" and not torch.compiler.is_compiling()


def decibels(power: torch.Tensor) -> torch.Tensor:
    """10 log10 of positive values, in place."""
    return power.log10_().mul_(10.0)


def squared_spectra(frames: torch.Tensor, window: torch.Tensor) -> torch.Tensor:
    """Squared real and imaginary parts side by side, (..., n_fft) to (frames, 2 * bins) float32.

    Transformed in the precision of the arguments. Left as pairs: a filter bank adds them up on its way.
    """
    return torch.view_as_real(torch.fft.rfft((frames * window).flatten(0, -2))).float().square_().flatten(1)


def filtered(squares: torch.Tensor, columns: list[slice], blocks: list[torch.Tensor]) -> torch.Tensor:
    """Power in each band of a filter bank cut by `filterbanks.split_bands`; (frames, 2 * bins) to (frames, bands)."""
    return torch.cat([squares[:, part] @ weights for part, weights in zip(columns, blocks, strict=True)], -1)


def scaled_to_one(chroma: torch.Tensor) -> torch.Tensor:
    """Scale the last axis to a largest value of 1; leave what is all but silent as it is, as librosa does."""
    largest = chroma.amax(-1, keepdim=True)
    return chroma / torch.where(largest < torch.finfo(torch.float32).tiny, 1.0, largest)


def extremes(band: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The `count` smallest and the `count` largest values of each row; (rows, columns) to (rows, count), twice."""
    if count == 1:
        return band.amin(1, keepdim=True), band.amax(1, keepdim=True)
    if in_tiles(band) and not band.requires_grad:  # numpy sorts with vector instructions, ten times topk's speed
        ordered = torch.from_numpy(np.sort(band.numpy(), axis=1))
        return ordered[:, :count], ordered[:, -count:]
    return band.topk(count, largest=False, sorted=False)[0], band.topk(count, sorted=False)[0]


def peaks_and_valleys(
    squares: torch.Tensor, octaves: list[tuple[int, int, int]], averages: torch.Tensor
) -> torch.Tensor:
    """Mean magnitude of the loudest and of the quietest bins of each band.

    Args:
        squares: (frames, 2 * bins), squared real and imaginary parts side by side.
        octaves: first bin, end bin, and bins that count as peak and as valley, of each band.
        averages: (2 * all those bins, 2 * bands), of `filterbanks.octave_averages`.

    Returns:
        (frames, 2 * bands): the peaks of all bands, then their valleys.
    """
    pairs = squares.unflatten(1, (-1, 2))
    power = pairs[..., 0] + pairs[..., 1]  # (frames, bins)
    valleys, peaks = zip(*(extremes(power[:, first:end], count) for first, end, count in octaves), strict=True)
    return torch.cat(peaks + valleys, 1).sqrt_() @ averages  # one product for all means: few small operations


def contrast(levels_db: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Peaks less valleys, each first raised to CONTRAST_RANGE_DB under the clip's largest valid one.

    Args:
        levels_db: (batch, 2 * bands, frames), peaks then valleys.
        mask: (batch, frames), True on valid frames.
    """
    kinds = levels_db.unflatten(1, (2, -1))  # (batch, 2, bands, frames)
    largest = kinds.masked_fill(~mask[:, None, None], -torch.inf).amax((2, 3), keepdim=True)
    peaks, valleys = torch.maximum(kinds, largest - CONTRAST_RANGE_DB).unbind(1)
    return peaks - valleys


def doubtful_rows(
    levels: dict[str, torch.Tensor], squares: torch.Tensor, tables: dict[str, list[torch.Tensor]]
) -> torch.Tensor:
    """Frames in which something is so weak beside the rest that rounding in float32 shows, (rows,) int64."""
    limit = squares.sum(1) * (2 * DOUBTFUL / squares.shape[1])  # of mean power
    weakest = limit
    if "mel" in levels:
        weakest = torch.minimum(weakest, (levels["mel"] * tables["mel_means"][0]).amin(1))
    if "spectral_contrast" in levels:
        weakest = torch.minimum(weakest, levels["spectral_contrast"].amin(1).square())
    return (weakest < limit).nonzero()[:, 0]


def tiles(batch: int, frames: int, tile_frames: int) -> Iterator[tuple[slice, int, int]]:
    """Cut a batch into (clips, first frame, end frame) of about `tile_frames` frames in all."""
    clips = max(1, tile_frames // frames)
    for clip in range(0, batch, clips):
        for first in range(0, frames, tile_frames):
            yield slice(clip, clip + clips), first, min(first + tile_frames, frames)
