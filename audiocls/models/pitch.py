"""The melody of a clip: how its fundamental moves, whoever speaks, and how periodic each frame is.

Autocorrelation by way of the spectrum, divided by the window's own (P. Boersma, "Accurate short-term analysis of the
fundamental frequency and the harmonics-to-noise ratio of a sampled sound", 1993), and a dynamic programme that finds
the best path through all frames, as there; here over a fine grid of all lags instead of a few candidates. Plain
functions of tensors: `acoustic_features` frames the clips and keeps the tables.
"""

import math

import numpy as np
import torch

from .filterbanks import hann_window

PITCH_FMIN_HZ = 60.0  # the range of speech; what lies outside is heard an octave off or as unvoiced
PITCH_FMAX_HZ = 500.0
PITCH_BANDS = 2
VOICED = 0.45  # least periodicity of a voiced frame (Boersma's default)

PERIODS = 3.0  # of the lowest pitch that a frame holds
RUMBLE_HZ, HISS_HZ = 70.0, 2000.0  # edges outside which sound says little about pitch
STEPS_PER_SEMITONE = 4  # of the grid the path runs on; the pitch itself is read between samples
OCTAVE_COST = 0.02  # what an octave less must win in periodicity: every multiple of a period is a period
JUMP_COST_SECONDS = 0.0015  # what a semitone between frames must win, times the frames a second
FASTEST = 200.0  # semitones a second that the path may move; voices stay below 100 (Y. Xu and X. Sun, 2002)
QUIET_DB, FADE_DB = -30.0, 15.0  # frames so far under the clip's loudest count nothing, and fully once this much more


def frame_length(sampling_rate: int) -> int:
    """Samples of a frame to find pitch in: even, three periods of the lowest."""
    return 2 * round(PERIODS / 2 * sampling_rate / PITCH_FMIN_HZ)


def pitch_tables(sampling_rate: int) -> list[np.ndarray]:
    """What `pitch_contour` needs beside the frames.

    Returns:
        The window (frame_length,), the weight of each bin's power, what the autocorrelation is divided by (one for
        each lag up to the longest), and the lags of the grid from high to low pitch, in samples; float32.
    """
    length = frame_length(sampling_rate)
    shortest, longest = max(2, int(sampling_rate // PITCH_FMAX_HZ)), math.ceil(sampling_rate / PITCH_FMIN_HZ)
    size = 1 << math.ceil(math.log2(length + longest + 2))  # no lag wraps around
    window = hann_window(length)
    bins_hz = np.fft.rfftfreq(size, 1 / sampling_rate)
    weights = 1 / (1 + (RUMBLE_HZ / np.maximum(bins_hz, 1e-3)) ** 8) / (1 + (bins_hz / HISS_HZ) ** 8)
    own = np.fft.irfft(np.abs(np.fft.rfft(window, size)) ** 2)[: longest + 2]
    semitones = 12 * math.log2(longest / shortest)
    grid = shortest * 2 ** (np.arange(int(semitones * STEPS_PER_SEMITONE) + 1) / STEPS_PER_SEMITONE / 12)
    return [array.astype(np.float32) for array in (window, weights, own / own[0], grid)]


def pitch_contour(
    frames: torch.Tensor, mask: torch.Tensor, tables: list[torch.Tensor], sampling_rate: int, hop_length: int
) -> torch.Tensor:
    """Pitch and periodicity of each frame, (clips, 2, frames) float32.

    The first is in semitones from the clip's median, so that it tells high from low voices no more; unvoiced frames
    lie on a line between their voiced neighbours, or level with the nearest; 0 throughout when none is voiced. The
    second goes from 0 to 1: the autocorrelation at that pitch, faded out in frames far quieter than the loudest.

    Args:
        frames: (clips, frames, frame_length), centred on their times.
        mask: (clips, frames), True on frames that are the clip's.
        tables: of `pitch_tables`.
    """
    grid = tables[3]
    correlation, power = autocorrelation(frames, tables)
    level_db = 10 * torch.log10(power / power.masked_fill(~mask, 0.0).amax(1, keepdim=True).clamp(min=1e-10))
    loud = ((level_db - QUIET_DB) / FADE_DB).clamp(0, 1) * mask
    lower = grid.long()
    share = grid - lower
    on_grid = correlation[..., lower] * (1 - share) + correlation[..., lower + 1] * share
    scores = (on_grid - OCTAVE_COST * torch.log2(grid / grid[0])) * loud[..., None]
    cost = JUMP_COST_SECONDS * sampling_rate / hop_length / STEPS_PER_SEMITONE
    reach = math.ceil(FASTEST * STEPS_PER_SEMITONE * hop_length / sampling_rate)
    lags, periodicity = refined(correlation, grid[best_path(scores, cost, reach)], grid)
    strength = periodicity.clamp(0, 1) * loud
    voiced = strength > VOICED
    return torch.stack([centred(12 * torch.log2(sampling_rate / lags), voiced), strength], 1)


def autocorrelation(frames: torch.Tensor, tables: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Autocorrelation (..., lags), 1 at lag 0 and at the period of a periodic sound, and power (...) of frames."""
    window, weights, own, _ = tables
    size = 2 * (len(weights) - 1)
    spectra = torch.view_as_real(torch.fft.rfft(frames * window, size)).square().sum(-1) * weights
    products = torch.fft.irfft(spectra, size)[..., : len(own)]
    power = products[..., 0].clamp(min=1e-10)
    return products / (power[..., None] * own), power


def best_path(scores: torch.Tensor, cost: float, reach: int) -> torch.Tensor:
    """The path with the largest sum of scores less `cost` a step on the grid (Viterbi), (clips, frames) int64.

    Args:
        scores: (clips, frames, grid). Frames at the end that score 0 throughout change nothing in those before.
        reach: most steps on the grid between two frames.
    """
    costs = cost * torch.arange(-reach, reach + 1, device=scores.device).abs()
    best = scores[:, 0]
    origins = []
    padded = scores.new_full((len(scores), scores.shape[2] + 2 * reach), -torch.inf)
    for score in scores.unbind(1)[1:]:
        padded = torch.cat((padded[:, :reach], best, padded[:, -reach:]), 1)
        best, origin = (padded.unfold(1, 2 * reach + 1, 1) - costs).max(2)
        best = best + score
        origins.append(origin - reach)
    path = [best.argmax(1, keepdim=True)]
    for origin in reversed(origins):
        path.append(path[-1] + origin.gather(1, path[-1]))
    return torch.cat(path[::-1], 1)


def refined(
    correlation: torch.Tensor, lags: torch.Tensor, grid: torch.Tensor, reach: int = 2
) -> tuple[torch.Tensor, torch.Tensor]:
    """The peak of the correlation nearest to each lag, between samples (a parabola through three), and its height."""
    nearby = lags.round().long()[..., None] + torch.arange(-reach, reach + 1, device=lags.device)
    nearby = nearby.clamp(int(grid[0]), correlation.shape[-1] - 2)
    top = nearby.gather(-1, correlation.gather(-1, nearby).argmax(-1, keepdim=True))
    before, peak, after = (correlation.gather(-1, top + k)[..., 0] for k in (-1, 0, 1))
    bend = (before - 2 * peak + after).clamp(max=-1e-6)
    return top[..., 0] + (0.5 * (before - after) / bend).clamp(-0.5, 0.5), peak


def centred(semitones: torch.Tensor, voiced: torch.Tensor) -> torch.Tensor:
    """Pitch (clips, frames) from the median of its voiced frames, with the others filled in between."""
    frames = semitones.shape[1]
    count = voiced.sum(1, keepdim=True)
    ordered = semitones.masked_fill(~voiced, torch.inf).sort(1)[0]
    median = ordered.gather(1, (count - 1).clamp(min=0) // 2)
    at = torch.arange(frames, device=semitones.device).expand_as(voiced)
    before = at.masked_fill(~voiced, -1).cummax(1)[0]
    after = at.masked_fill(~voiced, frames).flip(1).cummin(1)[0].flip(1)
    before, after = torch.where(before < 0, after, before), torch.where(after == frames, before, after)
    before, after = before.clamp(max=frames - 1), after.clamp(min=0)  # nothing voiced
    share = (at - before) / (after - before).clamp(min=1)
    filled = semitones.gather(1, before) * (1 - share) + semitones.gather(1, after) * share
    return torch.where(count > 0, filled - median, 0.0)
