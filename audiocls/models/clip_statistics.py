"""What trees know of a clip: a fixed number of statistics of its feature map, whatever its length.

Computed clip by clip in float64, so that they do not depend on what else is in a batch: a split of a tree would make
another score of the last digit.
"""

import torch
from transformers import PretrainedConfig

from .pitch import VOICED

PERCENTILES = (0.1, 0.5, 0.9)
PARTS = 4  # equal parts of a clip, for how it begins, goes on and ends
PITCH_PARTS = 6
PER_BAND = 2 + len(PERCENTILES) + 2 + PARTS
OF_PITCH = PITCH_PARTS + 6


def pitch_band(config: PretrainedConfig, num_bands: int) -> int | None:
    """The band of the feature map in which pitch is, followed by periodicity; None without pitch."""
    names = config.features.split("+")
    if "pitch" not in names or config.image_size:
        return None
    sizes = {"log_mel": config.n_mels, "mfcc": config.n_mfcc, "chroma": 12, "pitch": 2}
    sizes["spectral_contrast"] = num_bands - sum(sizes[name] for name in names if name in sizes)
    return sum(sizes[name] for name in names[: names.index("pitch")])


def num_statistics(num_bands: int, pitch_at: int | None) -> int:
    """How many numbers `clip_statistics` gives."""
    return num_bands * PER_BAND + (0 if pitch_at is None else OF_PITCH)


def clip_statistics(bands: torch.Tensor, pitch_at: int | None = None) -> torch.Tensor:
    """Statistics of one clip, (num_statistics,) float32.

    Of each band: mean, deviation, percentiles, mean size and deviation of the steps from frame to frame, and how far
    each of four equal parts is from the mean. Of pitch, its course besides; see `pitch_statistics`.

    Args:
        bands: (bands, frames), nothing but valid frames; no frame counts as one of zeros.
        pitch_at: as `pitch_band` gives it.
    """
    values = bands.to(torch.float32 if bands.device.type == "mps" else torch.float64)
    if values.shape[1] == 0:
        values = values.new_zeros(len(values), 1)
    frames = values.shape[1]
    mean = values.mean(1)
    ordered = values.sort(1)[0]
    steps = values.diff(dim=1) if frames > 1 else torch.zeros_like(values)
    found = [mean, values.std(1, correction=0)]
    found += [percentile(ordered, share) for share in PERCENTILES]
    found += [steps.abs().mean(1), steps.std(1, correction=0)]
    for part in range(PARTS):
        first = min(part * frames // PARTS, frames - 1)
        found.append(values[:, first : max((part + 1) * frames // PARTS, first + 1)].mean(1) - mean)
    if pitch_at is not None:
        found.append(pitch_statistics(values[pitch_at], values[pitch_at + 1]))
    return torch.cat(found).float()


def percentile(ordered: torch.Tensor, share: float) -> torch.Tensor:
    """The value below which a share of each row lies, linear between two; (rows, values) in order to (rows,)."""
    at = share * (ordered.shape[1] - 1)
    below = int(at)
    above = min(below + 1, ordered.shape[1] - 1)
    return torch.lerp(ordered[:, below], ordered[:, above], at - below)


def pitch_statistics(semitones: torch.Tensor, periodicity: torch.Tensor) -> torch.Tensor:
    """The course of pitch over the voiced part of a clip, (OF_PITCH,): what tones and questions are made of.

    Frames count as far as they are voiced, and time runs only where they do; so a pause before, the consonant and the
    speed of speech change nothing. Means of equal parts; slope, bend and twist (coefficients of Legendre polynomials);
    deviation; end against beginning and against the lowest part. All from the weighted mean, in semitones.

    Args:
        semitones, periodicity: (frames,).
    """
    weights = ((periodicity - VOICED) / (1 - VOICED)).clamp(min=0)
    total = weights.sum()
    if not total > 0:
        return semitones.new_zeros(OF_PITCH)
    weights = weights / total
    ends = weights.cumsum(0)
    starts = ends - weights
    course = semitones - (weights * semitones).sum()
    parts = []
    for part in range(PITCH_PARTS):
        low, high = part / PITCH_PARTS, (part + 1) / PITCH_PARTS
        overlap = (ends.clamp(max=high) - starts.clamp(min=low)).clamp(min=0)
        parts.append((overlap * course).sum() * PITCH_PARTS)
    time = starts + ends - 1  # middle of each frame, from -1 to 1
    weighted = weights * course
    shapes = [time, 1.5 * time**2 - 0.5, 2.5 * time**3 - 1.5 * time]
    found = [(2 * order + 3) * (weighted * shape).sum() for order, shape in enumerate(shapes)]
    found += [(weighted * course).sum().sqrt(), parts[-1] - parts[0], parts[-1] - torch.stack(parts).amin()]
    return torch.stack(parts + found)
