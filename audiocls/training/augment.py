"""Augmentation of training clips: what is drawn for a clip, and how a batch of draws is applied.

Draws come from a clip's own generator, apart from their application, so that a clip gets the same treatment in any
batch and any process. Application is batched torch on the model's device. Serving never passes through here.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from audiocls.config import TrainConfig
from audiocls.data.field import field_snr_db
from audiocls.data.placing import AROUND_SECONDS, TIGHT_SHARE, place
from audiocls.training.waveforms import Waveforms

MAX_SPEED_CHANGE = 0.2  # natural logarithm: 0.82 to 1.22 times as fast, about 3.5 semitones either way
SPEED_PROBABILITY = 0.8
EQUALISER_KNOTS = 8  # spread over the octaves from EQUALISER_LOW_HZ to half the sampling rate
EQUALISER_LOW_HZ = 60.0
EQUALISER_STD_DB = 4.0  # another microphone, another room
EQUALISER_PROBABILITY = 0.8
NOISE_SNR_DB = (5.0, 40.0)
NOISE_TILT_DB = (-9.0, 3.0)  # per octave: from rumble to slightly blue
NOISE_PROBABILITY = 0.3
MAX_SHIFT_SECONDS = 0.3  # silence put before a clip that is shorter than the window
SHIFT_PROBABILITY = 0.5
FREQUENCY_MASKS, FREQUENCY_MASK_SHARE = 2, 0.13
TIME_MASKS, TIME_MASK_SHARE = 2, 0.2
MIXUP_PROBABILITY = 0.5
BACKGROUND_PROBABILITY = 0.5  # of a clip that lies in a background, in a run that trains for the field


@dataclass(frozen=True)
class Augmentation:
    """What was drawn for one clip in one epoch.

    start, take: the part of the clip that is read, in samples.
    shift: samples of silence put before it.
    speed: how many times as fast it is played (pitch moves along).
    equaliser_db: float32 `(EQUALISER_KNOTS,)`, gain at each knot.
    snr_db: signal-to-noise ratio of added noise, or None; noise_tilt_db: its slope per octave.
    seed: of the clip's noise and dropout.
    window: samples of the background that the clip lies in, at `shift`; 0 for a clip that lies in none.
    background_snr_db: signal-to-noise ratio there, or None.
    frequency_masks, time_masks: `(masks, 2)`, width and position as shares.
    mix_share: weight of the clip itself in mixup; 1 leaves it alone.
    """

    start: int
    take: int
    seed: int = 0
    shift: int = 0
    speed: float = 1.0
    equaliser_db: np.ndarray | None = None
    snr_db: float | None = None
    noise_tilt_db: float = 0.0
    window: int = 0
    background_snr_db: float | None = None
    frequency_masks: np.ndarray | None = None
    time_masks: np.ndarray | None = None
    mix_share: float = 1.0

    @property
    def samples(self) -> int:
        """Length of the treated clip, without the silence before it."""
        return max(1, round(self.take / self.speed))


def draw(
    config: TrainConfig, length: int, window_length: int, generator: np.random.Generator, alone: bool = False
) -> Augmentation:
    """Draw the treatment of a clip of `length` samples; the result fits into `window_length` samples.

    Args:
        alone: never within a background, as what is one itself.
    """
    values: dict = {"seed": int(generator.integers(2**31))}
    speed = 1.0
    if config.augment:
        if generator.random() < SPEED_PROBABILITY:
            speed = float(np.exp(generator.uniform(-MAX_SPEED_CHANGE, MAX_SPEED_CHANGE)))
        if generator.random() < EQUALISER_PROBABILITY:
            values["equaliser_db"] = generator.normal(0, EQUALISER_STD_DB, EQUALISER_KNOTS).astype(np.float32)
        if generator.random() < NOISE_PROBABILITY:
            values["snr_db"] = generator.uniform(*NOISE_SNR_DB)
            values["noise_tilt_db"] = generator.uniform(*NOISE_TILT_DB)
    snr_db = None if alone else field_snr_db(config)
    in_background = snr_db is not None and generator.random() < BACKGROUND_PROBABILITY
    if snr_db is not None and in_background:
        around = round(AROUND_SECONDS * config.sampling_rate) if generator.random() < TIGHT_SHARE else None
        take, placed = _in_background(length, window_length, speed, snr_db, generator, around)
        values |= placed
    else:
        take = min(length, math.floor(window_length * speed))
        values["start"] = int(generator.integers(0, length - take + 1))
    treated = Augmentation(take=take, speed=speed, **values)
    if not in_background and config.augment and generator.random() < SHIFT_PROBABILITY:
        room = min(window_length - treated.samples, int(MAX_SHIFT_SECONDS * config.sampling_rate))
        values["shift"] = int(generator.integers(0, max(room, 0) + 1))
    if config.spec_augment:
        values["frequency_masks"] = generator.random((FREQUENCY_MASKS, 2), dtype=np.float32)
        values["time_masks"] = generator.random((TIME_MASKS, 2), dtype=np.float32)
    if config.mixup and generator.random() < MIXUP_PROBABILITY:
        share = generator.beta(config.mixup, config.mixup)
        values["mix_share"] = float(max(share, 1 - share))
    return Augmentation(take=take, speed=speed, **values)


def _in_background(
    length: int,
    window_length: int,
    speed: float,
    snr_db: tuple[float, float],
    generator: np.random.Generator,
    around: int | None,
) -> tuple[int, dict]:
    """How many samples of a clip are read, and the other fields of its treatment in a window of background."""
    placed = place(max(1, round(length / speed)), window_length, snr_db, generator, around)
    take = min(length, max(1, round(placed.take * speed)))
    start = min(round(placed.start * speed), length - take)
    told = {"shift": placed.at, "window": placed.length, "background_snr_db": placed.snr_db}
    return take, {"start": start, "snr_db": None, **told}


def longest_treated(config: TrainConfig, longest: int, window_length: int) -> int:
    """Samples that the longest clip can have after treatment, at most the window; that, if clips lie in backgrounds.

    Every training batch is padded to this one length: batch normalisation sees the padding too, so that a length of
    the batch's own would make the result depend on which clips share a batch or a process.
    """
    if field_snr_db(config) is not None:
        return window_length
    if config.augment:
        longest = math.ceil(longest * math.exp(MAX_SPEED_CHANGE)) + int(MAX_SHIFT_SECONDS * config.sampling_rate)
    return min(longest, window_length)


def augment_waveforms(
    waveforms: Waveforms, draws: list[Augmentation], sampling_rate: int, window_length: int, width: int
) -> Waveforms:
    """Apply speed, shift, equaliser and noise to a batch whose clips are already cut to `start`, `take`.

    Args:
        window_length: the model's window, in samples.
        width: length of the padded result, in samples, as `longest_treated` gives it.
    """
    changed = _change_speed(waveforms, draws, width)
    valid = torch.arange(changed.samples.shape[1], device=changed.samples.device) < changed.lengths[:, None]
    samples = _equalise(changed.samples, draws, sampling_rate, window_length) * valid
    return Waveforms(_add_noise(samples, changed.lengths, draws, sampling_rate, window_length) * valid, changed.lengths)


def _change_speed(waveforms: Waveforms, draws: list[Augmentation], width: int) -> Waveforms:
    """Play each clip `speed` times as fast behind `shift` samples of silence, by linear interpolation."""
    samples, device = waveforms.samples, waveforms.samples.device
    shifts = torch.tensor([d.shift for d in draws], device=device)
    lengths = torch.tensor([min(d.shift + d.samples, width) for d in draws], device=device)
    if all(d.speed == 1.0 and d.shift == 0 for d in draws):
        return Waveforms(functional.pad(samples, (0, width - samples.shape[1])), lengths)
    speeds = torch.tensor([d.speed for d in draws], device=device)
    at = (torch.arange(width, device=device) - shifts[:, None]) * speeds[:, None]
    inside = (at >= 0) & (at <= waveforms.lengths[:, None] - 1)
    at = at.clamp(min=0)
    left = at.long().clamp(max=samples.shape[1] - 1)
    right = (left + 1).clamp(max=samples.shape[1] - 1)
    share = at - left
    played = samples.gather(1, left) * (1 - share) + samples.gather(1, right) * share
    return Waveforms(played * inside, lengths)


def _equalise(samples: torch.Tensor, draws: list[Augmentation], sampling_rate: int, window_length: int) -> torch.Tensor:
    """Filter each clip with a smooth random gain over frequency (zero phase)."""
    flat = np.zeros(EQUALISER_KNOTS, dtype=np.float32)
    knots_db = np.stack([flat if d.equaliser_db is None else d.equaliser_db for d in draws])
    if not knots_db.any():
        return samples
    size = _transform_size(window_length)
    octaves = _octaves_above(EQUALISER_LOW_HZ, size, sampling_rate)
    position = octaves / octaves[-1] * (EQUALISER_KNOTS - 1)
    below = np.minimum(position.astype(int), EQUALISER_KNOTS - 2)
    blend = 0.5 - 0.5 * np.cos(np.pi * (position - below))
    gain_db = knots_db[:, below] * (1 - blend) + knots_db[:, below + 1] * blend
    gain = torch.from_numpy(10 ** (gain_db / 20)).to(samples)
    return torch.fft.irfft(torch.fft.rfft(samples, size) * gain, size)[:, : samples.shape[1]]


def _add_noise(
    samples: torch.Tensor, lengths: torch.Tensor, draws: list[Augmentation], sampling_rate: int, window_length: int
) -> torch.Tensor:
    """Add tilted noise at each clip's `snr_db`, measured over its valid samples."""
    noisy = [k for k, d in enumerate(draws) if d.snr_db is not None]
    if not noisy:
        return samples
    size = _transform_size(window_length)
    octaves = _octaves_above(50.0, size, sampling_rate)
    white = np.stack([np.random.default_rng(draws[k].seed).standard_normal(size, np.float32) for k in noisy])
    tilts = np.array([draws[k].noise_tilt_db for k in noisy], dtype=np.float32)
    gain = torch.from_numpy(10 ** (tilts[:, None] * octaves / 20).astype(np.float32)).to(samples)
    noise = torch.fft.irfft(torch.fft.rfft(torch.from_numpy(white).to(samples), size) * gain, size)
    noise = noise[:, : samples.shape[1]]
    chosen = torch.tensor(noisy, device=samples.device)
    count = lengths[chosen, None]
    valid = torch.arange(samples.shape[1], device=samples.device) < count
    signal_power = (samples[chosen] ** 2 * valid).sum(1, keepdim=True) / count
    noise_power = (noise**2 * valid).sum(1, keepdim=True) / count
    snr = 10 ** (torch.tensor([draws[k].snr_db for k in noisy]).to(samples)[:, None] / 10)
    scale = (signal_power / (noise_power.clamp(min=1e-20) * snr)).sqrt()
    return samples.index_add(0, chosen, noise * scale * valid)


def mask_features(features: torch.Tensor, mask: torch.Tensor, draws: list[Augmentation]) -> torch.Tensor:
    """SpecAugment: set random bands and frames of normalised features to zero, their mean.

    Args:
        features: float `(batch, 1, bands, frames)`; mask: bool `(batch, frames)`.

    Source: Park et al. 2019, "SpecAugment", without time warping; widths are shares of the clip's own frames.
    """
    band_masks = [d.frequency_masks for d in draws if d.frequency_masks is not None]
    time_masks = [d.time_masks for d in draws if d.time_masks is not None]
    if not band_masks or not time_masks:
        return features
    bands = torch.full((len(draws), 1), features.shape[2], device=features.device)
    frames = mask.sum(1, keepdim=True)
    kept_bands = _outside(np.stack(band_masks), bands, features.shape[2], FREQUENCY_MASK_SHARE)
    kept_frames = _outside(np.stack(time_masks), frames, features.shape[3], TIME_MASK_SHARE)
    return features * kept_bands[:, None, :, None] * kept_frames[:, None, None, :]


def _outside(masks: np.ndarray, sizes: torch.Tensor, length: int, largest_share: float) -> torch.Tensor:
    """True outside of masks `(batch, count, 2)` given as shares of `sizes` `(batch, 1)`; bool `(batch, length)`."""
    drawn = torch.from_numpy(masks).to(sizes.device)
    widths = (drawn[:, :, 0] * (largest_share * sizes + 1)).long()
    starts = (drawn[:, :, 1] * (sizes - widths + 1)).long()
    position = torch.arange(length, device=sizes.device)
    return ~((position >= starts[..., None]) & (position < (starts + widths)[..., None])).any(1)


def mix_pairs(values: torch.Tensor, draws: list[Augmentation], partners: list[int]) -> torch.Tensor:
    """Mixup of `values` `(batch, ...)`: each row keeps `mix_share` of itself and takes the rest from its partner.

    Source: Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization".
    """
    if all(d.mix_share == 1.0 for d in draws):
        return values
    shares = torch.tensor([d.mix_share for d in draws]).to(values)
    shares = shares.view(-1, *[1] * (values.ndim - 1))
    return shares * values + (1 - shares) * values[torch.tensor(partners, device=values.device)]


def _transform_size(window_length: int) -> int:
    """A fast transform length with room for the filter's tail. Never the batch's own: results may not depend on it."""
    size = window_length + 2048
    return -(-size // 1920) * 1920  # 2^7 * 15


def _octaves_above(low_hz: float, size: int, sampling_rate: int) -> np.ndarray:
    """Octaves of each bin of a real transform above `low_hz` (0 below it), float32 `(size // 2 + 1,)`."""
    frequencies = np.fft.rfftfreq(size, 1 / sampling_rate)
    return np.log2(np.maximum(frequencies, low_hz) / low_hz).astype(np.float32)
