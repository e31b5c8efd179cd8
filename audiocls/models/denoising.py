"""Noise reduction by spectral gating, as the first layer of a model: what does not stand out from the noise is turned
down.

Source: Sainburg, Thielk and Gentner 2020, "Finding, visualizing, and quantifying latent structure across diverse animal
vocal repertoires", PLOS Computational Biology 16(10), and their package noisereduce (doi:10.5281/zenodo.3243139), whose
names for the settings these are. Unlike there, nothing beyond a clip's ends and the lowest and highest frequency counts
as silence when the noise is estimated and the gate is smoothed, and the threshold of the stationary gate is a slope
over `STEP_DB`, so that rounding opens and shuts nothing.
"""

import math
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from .filterbanks import hann_window
from .spectra import in_tiles

METHODS = ("stationary", "nonstationary")
FRAME_SECONDS = 0.064  # 1024 samples at 16 kHz
OVERLAP = 4  # frames over each sample; squared Hann windows then add up to a constant
LEAD = OVERLAP - 1  # hops of zeros before the first sample
TOP_DB = 80.0  # a frequency is not followed further below its own loudest moment
STEP_DB = 0.1
EPSILON = 1e-12  # of a magnitude; far below the rounding of the loudest
CLIPS_AT_ONCE = 2  # on a CPU: their spectra are still in the cache when the gate is computed

# name: default, least and greatest value
COMMON: dict[str, tuple[float, float, float]] = {
    "prop_decrease": (0.9, 0.0, 1.0),
    "freq_mask_smooth_hz": (100.0, 0.0, 1e5),
    "time_mask_smooth_ms": (50.0, 0.0, 1e4),
}
OWN: dict[str, dict[str, tuple[float, float, float]]] = {
    "stationary": {"n_std_thresh_stationary": (2.0, -10.0, 100.0), "noise_share": (0.2, 0.01, 1.0)},
    "nonstationary": {
        "thresh_n_mult_nonstationary": (1.0, -1.0, 1000.0),
        "sigmoid_slope_nonstationary": (10.0, 0.01, 1000.0),
        "time_constant_s": (2.0, 0.001, 100.0),
    },
}
LONGEST_FRAME = 65_536


def denoise_settings(method: str, sampling_rate: int, **changes: Any) -> dict[str, Any]:
    """All settings of a gate as plain values, for `config.denoise`.

    Args:
        method: "stationary" or "nonstationary".
        sampling_rate: in Hz; frames are of about 64 ms.
        changes: settings that are not as usual, by the names of `SpectralGate`.

    Raises:
        ValueError: as `check_denoise`.
    """
    if method not in METHODS:
        raise ValueError(f"denoise has method {method!r}; choose from {', '.join(METHODS)}")
    usual = {name: limits[0] for name, limits in {**COMMON, **OWN[method]}.items()}
    n_fft = max(OVERLAP, 1 << round(math.log2(FRAME_SECONDS * sampling_rate)))
    found = {"method": method, "n_fft": n_fft, **usual, **changes}
    check_denoise(found)
    return found


def check_denoise(settings: Any) -> None:
    """Refuse settings that no gate can have.

    Raises:
        ValueError: names the field, its value and the limit.
    """
    method = settings.get("method") if isinstance(settings, dict) else None
    if method not in METHODS:
        raise ValueError(f"denoise has method {method!r}; choose from {', '.join(METHODS)}")
    limits = {**COMMON, **OWN[method]}
    for name in settings.keys() | limits.keys() | {"n_fft"}:
        if name == "method":
            continue
        if name not in settings:
            raise ValueError(f"denoise lacks {name}")
        value = settings[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"denoise has {name} {value!r}; it must be a number")
        if name == "n_fft":
            if value != int(value) or value % OVERLAP or not OVERLAP <= value <= LONGEST_FRAME:
                raise ValueError(f"denoise has n_fft {value}; it must be a multiple of {OVERLAP} up to {LONGEST_FRAME}")
        elif name not in limits:
            raise ValueError(f"denoise has {name}, which the {method} gate does not know")
        elif not limits[name][1] <= value <= limits[name][2]:
            raise ValueError(f"denoise has {name} {value}; it must be {limits[name][1]:g} to {limits[name][2]:g}")


class SpectralGate(nn.Module):
    """A gate for every frequency and moment, open where the sound stands out from the noise.

    Args:
        settings: plain values. `method`: "stationary" (a frequency is open where it lies `n_std_thresh_stationary`
            standard deviations above its own mean level in dB) or "nonstationary" (where it is louder than its mean
            magnitude of about `time_constant_s` before and after by `thresh_n_mult_nonstationary` times that; half
            open there, and the steeper around it the higher `sigmoid_slope_nonstationary`). `n_fft`: samples of a
            frame; frames are a quarter of it apart. `freq_mask_smooth_hz`, `time_mask_smooth_ms`: half the width of
            the triangles by which the gate is smoothed; 0: not at all. `prop_decrease`: how much of what is shut out
            is taken away, 0 to 1.
        sampling_rate: in Hz.

    It has no parameters or buffers and computes in float32, whatever the model's own type is.

    Raises:
        ValueError: settings that no gate can have.
    """

    def __init__(self, settings: dict[str, Any], sampling_rate: int) -> None:
        super().__init__()
        check_denoise(settings)
        self.settings = dict(settings)
        self.stationary = settings["method"] == "stationary"
        self.prop_decrease = float(settings["prop_decrease"])
        self.n_fft = int(settings["n_fft"])
        self.hop_length = self.n_fft // OVERLAP
        self.frames_around = int(settings["time_mask_smooth_ms"] / 1000 * sampling_rate / self.hop_length)
        bins_around = int(settings["freq_mask_smooth_hz"] * self.n_fft / 2 / sampling_rate)
        # numpy, not tensors: what is made here under the meta device would never get values
        at = np.arange(self.n_fft // 2 + 1)
        spread = np.maximum(0, bins_around + 1 - np.abs(at[:, None] - at)).astype(np.float64)
        self._arrays = [
            hann_window(self.n_fft).astype(np.float32),
            (spread / spread.sum(0)).astype(np.float32),  # (bins, bins)
        ]
        if not self.stationary:
            frames = settings["time_constant_s"] * sampling_rate / self.hop_length
            # The pole of noisereduce's recursive filter, whose two passes are one with weights pole ** distance.
            self.pole = 1 - (math.sqrt(1 + 4 * frames**2) - 1) / (2 * frames**2)
        self._tables: dict[torch.device, list[torch.Tensor]] = {}

    def forward(self, waveform: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """What remains of clips, float32 (batch, time), zero behind a clip's end.

        Args:
            waveform: (batch, time), any floating type. Samples at and after a clip's length count as zero.
            lengths: (batch,) samples of each clip; None means all of them.
        """
        time = waveform.shape[1]
        if lengths is None:
            lengths = torch.full((len(waveform),), time, device=waveform.device)
        samples = waveform.float() * (torch.arange(time, device=waveform.device) < lengths[:, None])
        with torch.autocast(waveform.device.type, enabled=False):
            if not in_tiles(waveform) or len(waveform) <= CLIPS_AT_ONCE:
                return self._gated(samples, lengths)
            parts = zip(samples.split(CLIPS_AT_ONCE), lengths.split(CLIPS_AT_ONCE), strict=True)
            return torch.cat([self._gated(*part) for part in parts])

    def _gated(self, samples: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        hop, time = self.hop_length, samples.shape[1]
        spectra = self.spectra(F.pad(samples, (LEAD * hop, OVERLAP * hop)))
        # Frame k is centred on this sample:
        centres = (torch.arange(spectra.shape[1], device=samples.device) - LEAD + OVERLAP // 2) * hop
        heard = centres - self.n_fft // 2 < lengths[:, None]
        inside = (centres >= 0) & (centres <= lengths[:, None])
        gates = self.gates(self.levels(spectra), inside, heard)
        at = torch.arange(time, device=samples.device)  # a slice would carry a limit to a graph's sizes
        sound = self.waveform(spectra * gates)[:, at + LEAD * hop]
        return sound * (at < lengths[:, None])

    def spectra(self, samples: torch.Tensor) -> torch.Tensor:
        """Complex64 (batch, frames, bins) of samples (batch, (frames + 3) * hop_length)."""
        window, _ = self._on(samples.device)
        return torch.fft.rfft(samples.unfold(1, self.n_fft, self.hop_length) * window)

    def waveform(self, spectra: torch.Tensor) -> torch.Tensor:
        """Float32 (batch, (frames + 3) * hop_length) of `spectra`, exact where four frames overlap."""
        window, _ = self._on(spectra.device)
        frames = torch.fft.irfft(spectra, self.n_fft) * (window * (2 / 3))  # squared windows add up to 1.5
        pieces = frames.unflatten(2, (OVERLAP, self.hop_length))
        added = F.pad(pieces[:, :, 0], (0, 0, 0, LEAD))
        for nth in range(1, OVERLAP):
            added = added + F.pad(pieces[:, :, nth], (0, 0, nth, LEAD - nth))
        return added.flatten(1)

    def levels(self, spectra: torch.Tensor) -> torch.Tensor:
        """What the gates go by, float32 (batch, frames, bins): decibels, or magnitudes for the nonstationary one."""
        power = torch.view_as_real(spectra).square().sum(-1)
        return (power + EPSILON**2).log10() * 10 if self.stationary else power.sqrt()

    def gates(
        self, levels: torch.Tensor, inside: torch.Tensor, heard: torch.Tensor, first: int = 0, end: int | None = None
    ) -> torch.Tensor:
        """How far each frequency is open, 0 to 1, in frames `first` to `end`, (batch, end - first, bins).

        Args:
            levels: (batch, frames, bins), as the method of that name gives them.
            inside: bool (batch, frames), frames from which the noise is estimated.
            heard: bool (batch, frames), frames that hold anything of the clip.
        """
        total = levels.shape[1]
        low, high = 0, total  # all there is; a graph would carry a comparison of sizes as a limit to them
        if end is not None:
            low, high = max(0, first - self.frames_around), min(total, end + self.frames_around)
        else:
            end = total
        if self.stationary:
            opened = self._above_mean_level(levels, inside, low, high)
        else:
            opened = self._above_recent(levels, inside, low, high)
        if self.frames_around:
            distance = _distances(first, end, low, high, levels.device)
            weights = (self.frames_around + 1 - distance).clamp(min=0) * heard[:, None, low:high]
            opened = (weights / weights.sum(2, keepdim=True).clamp(min=1)) @ opened
        else:
            opened = opened[:, first - low : end - low]
        _, spread = self._on(levels.device)
        return 1 - self.prop_decrease * (1 - opened @ spread)

    def _above_mean_level(self, levels: torch.Tensor, inside: torch.Tensor, low: int, high: int) -> torch.Tensor:
        """Whether a frequency stands out of its mean level in the quieter frames `inside`, from `low` to `high`."""
        loudest = levels.masked_fill(~inside[:, :, None], -torch.inf).amax(1, keepdim=True)
        levels = torch.maximum(levels, loudest - TOP_DB)
        if self.settings["noise_share"] < 1:
            loudness = levels.mean(2).masked_fill(~inside, torch.inf)
            count = (inside.sum(1, keepdim=True) * self.settings["noise_share"]).ceil().long().clamp(min=1)
            inside = inside & (loudness <= loudness.sort(1).values.gather(1, count - 1))
        weights = inside[:, :, None] / inside.sum(1)[:, None, None].clamp(min=1)
        mean = (levels * weights).sum(1, keepdim=True)
        deviation = ((levels - mean).square() * weights).sum(1, keepdim=True).sqrt()
        threshold = mean + self.settings["n_std_thresh_stationary"] * deviation
        return ((levels[:, low:high] - threshold) * (4 / STEP_DB)).sigmoid()

    def _above_recent(self, magnitudes: torch.Tensor, inside: torch.Tensor, low: int, high: int) -> torch.Tensor:
        """How far a frequency stands out from its mean magnitude around, in frames `low` to `high`."""
        distance = _distances(low, high, 0, magnitudes.shape[1], magnitudes.device)
        weights = self.pole**distance * inside[:, None]
        usual = weights @ magnitudes / weights.sum(2, keepdim=True).clamp(min=torch.finfo(torch.float32).tiny)
        excess = magnitudes[:, low:high] / usual.clamp(min=EPSILON) - 1
        threshold, slope = (self.settings[f"{name}_nonstationary"] for name in ("thresh_n_mult", "sigmoid_slope"))
        return ((excess - threshold) * slope).sigmoid()

    def _on(self, device: torch.device) -> list[torch.Tensor]:
        """The window and the smoothing over frequencies as tensors on a device, made at first use."""
        tables = None if torch.compiler.is_compiling() else self._tables.get(device)
        if tables is None:
            with torch.inference_mode(False):  # else training after a prediction could not use them
                tables = [torch.from_numpy(array).to(device) for array in self._arrays]
            if not torch.compiler.is_compiling():  # a traced tensor must not outlive its trace
                self._tables[device] = tables
        return tables


def _distances(first: int, end: int, low: int, high: int, device: torch.device) -> torch.Tensor:
    """Float32 (end - first, high - low): how far frames `first` to `end` lie from frames `low` to `high`."""
    rows, columns = torch.arange(first, end, device=device), torch.arange(low, high, device=device)
    return (rows[:, None] - columns).abs().float()
