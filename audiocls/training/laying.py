"""Laying a batch of treated clips into backgrounds, on the model's device.

The signal-to-noise ratio is that of `audiocls.data.mixtures`: of the clip's active frames over the background from the
first to the last of them. The clip keeps its level, the background is scaled.
"""

import numpy as np
import torch
from torch.nn import functional

from audiocls.data.mixtures import ACTIVE_DB, frame_length
from audiocls.training.augment import Augmentation
from audiocls.training.waveforms import Waveforms


def lay_into(
    waveforms: Waveforms, draws: list[Augmentation], backgrounds: torch.Tensor | None, sampling_rate: int
) -> Waveforms:
    """Lay those clips of a batch into their backgrounds that were drawn to lie in one.

    Args:
        waveforms: the clips where they shall lie, behind `shift` zeros.
        backgrounds: float32 (batch, time), at least `window` samples of each such clip; None when there are none.

    Returns:
        The batch; a clip in a background is as long as its `window`.
    """
    laid = [row for row, drawn in enumerate(draws) if drawn.background_snr_db is not None]
    if not laid or backgrounds is None:
        return waveforms
    samples, device = waveforms.samples, waveforms.samples.device
    chosen = torch.tensor(laid, device=device)
    windows = torch.tensor([draws[row].window for row in laid], device=device)
    clips, width = samples[chosen], samples.shape[1]
    behind = functional.pad(backgrounds[chosen], (0, max(0, width - backgrounds.shape[1])))[:, :width]
    active = active_samples(clips, sampling_rate)
    position = torch.arange(width, device=device)
    first = torch.where(active, position, width).amin(1, keepdim=True)
    last = torch.where(active, position, -1).amax(1, keepdim=True)
    under = (position >= first) & (position <= last)
    signal = (clips**2 * active).sum(1) / active.sum(1).clamp(min=1)
    noise = (behind**2 * under).sum(1) / under.sum(1).clamp(min=1)
    wanted = torch.from_numpy(np.array([draws[row].background_snr_db for row in laid], np.float32)).to(device)
    scale = (signal / (noise.clamp(min=1e-20) * 10 ** (wanted / 10))).sqrt()
    scale = torch.where(signal > 0, scale, 1.0)  # nothing of the clip is heard: the background is as it is
    inside = position < windows[:, None]
    mixed = (clips + behind * scale[:, None]) * inside
    lengths = waveforms.lengths.clone()
    lengths[chosen] = windows
    return Waveforms(samples.index_copy(0, chosen, mixed), lengths)


def active_samples(samples: torch.Tensor, sampling_rate: int) -> torch.Tensor:
    """Which samples of float32 (batch, time) lie in frames within ACTIVE_DB of the loudest: bool (batch, time)."""
    length, width = frame_length(sampling_rate), samples.shape[1]
    powers = functional.avg_pool1d((samples**2)[:, None], length, ceil_mode=True)[:, 0]
    active = (powers >= powers.amax(1, keepdim=True) / 10 ** (ACTIVE_DB / 10)) & (powers > 0)
    return active.repeat_interleave(length, 1)[:, :width]
