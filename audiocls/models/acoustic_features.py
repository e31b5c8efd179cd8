"""Acoustic features as the first layer of a model: log-mel, MFCC, chroma and spectral contrast, in batches.

The values are librosa's (center=True, pad_mode="constant", Hann window). A clip gives the same features alone and
in a padded batch. The layer owns no parameters or buffers, so it survives construction on the meta device, and it
computes in float32 whatever the model's own type is. It does not decode, resample or augment.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from .filterbanks import chroma_filters, cosine_transform, hann_window, mel_filters, octave_bands

FEATURES = ("log_mel", "mfcc", "chroma", "spectral_contrast")
AMIN = 1e-10  # floor under every logarithm, librosa's default: silence is -100 dB
CONTRAST_RANGE_DB = 80.0  # peaks and valleys of a clip are kept within this of its largest, librosa's default
TILE_FRAMES = 512  # frames worked on at a time on a CPU, so that a tile's spectra stay in the core's cache


class AcousticFeatures(nn.Module):
    """Waveforms to feature maps.

    Args:
        config: any object with `features` ("log_mel", "mfcc", "chroma", "spectral_contrast", or several joined by
            "+", stacked in that order), `sampling_rate` (Hz), `n_fft` and `hop_length` (samples), `n_mels`, `n_mfcc`,
            `fmin_hz`, `fmax_hz` (None: half the rate), `mel_scale` ("slaney" or "htk", both with Slaney's area norm),
            `image_size` (None, or bands and frames to which the map of one `window_seconds` window is resized), and
            `feature_mean`, `feature_std` (a number per band, or None).

    Units: log_mel is 10 log10 of mel power; mfcc is the orthonormal DCT-II of that (no `top_db`); chroma is scaled to
    a largest value of 1 a frame, from C upwards; spectral_contrast is in dB, 0 to 200 Hz first, then octaves.

    Raises:
        ValueError: a setting is out of range; the message names the field, its value and the limit.
    """

    def __init__(self, config: Any) -> None:
        super().__init__()
        check_settings(config)
        self.names = config.features.split("+")
        self.n_fft, self.hop_length = config.n_fft, config.hop_length
        self.image_size = tuple(config.image_size) if config.image_size else None
        self.window_samples = round(config.window_seconds * config.sampling_rate) if self.image_size else None
        # numpy, not tensors: what is made here under the meta device would never get values
        self._arrays = {"window": hann_window(config.n_fft)}
        sizes = {"mfcc": config.n_mfcc, "log_mel": config.n_mels, "chroma": 12}
        if "log_mel" in self.names or "mfcc" in self.names:
            fmax_hz = config.sampling_rate / 2 if config.fmax_hz is None else config.fmax_hz
            mel = mel_filters(
                config.sampling_rate, config.n_fft, config.n_mels, config.fmin_hz, fmax_hz, config.mel_scale
            )
            self._arrays["mel"] = np.ascontiguousarray(mel.T)  # (bins, n_mels)
        if "mfcc" in self.names:
            self._arrays["dct"] = np.ascontiguousarray(cosine_transform(config.n_mfcc, config.n_mels).T)
        if "chroma" in self.names:
            self._arrays["chroma"] = np.ascontiguousarray(chroma_filters(config.sampling_rate, config.n_fft).T)
        if "spectral_contrast" in self.names:
            self._octaves = octave_bands(config.sampling_rate, config.n_fft)
            sizes["spectral_contrast"] = len(self._octaves)
        self._starts = dict(
            zip(self.names, np.cumsum([0] + [sizes[name] for name in self.names]).tolist(), strict=False)
        )
        self._map_bands = sum(sizes[name] for name in self.names)
        if config.feature_mean is not None:
            mean, std = normalisation(config.feature_mean, config.feature_std, self.num_bands)
            self._arrays["mean"], self._arrays["std"] = mean[:, None], std[:, None]
        self._tables: dict[torch.device, dict[str, torch.Tensor]] = {}

    @property
    def num_bands(self) -> int:
        """Bands of the feature map that `forward` returns."""
        return self.image_size[0] if self.image_size else self._map_bands

    def forward(self, waveform: torch.Tensor, lengths: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Features of a padded batch.

        Args:
            waveform: (batch, time), any floating type. Samples at and after a clip's length count as zero.
            lengths: (batch,) samples of each clip; None means all of them.

        Returns:
            features (batch, 1, bands, frames) float32, zero where masked, and mask (batch, frames) bool, True on the
            1 + length // hop_length frames of a clip. With `image_size` the window is padded with zeros to its full
            length, resized (bilinear with antialiasing), and the mask covers the ceil of the clip's share of it.

        Raises:
            ValueError: with `image_size`, the waveform is longer than the window.
        """
        batch, time = waveform.shape
        if self.window_samples is not None and time > self.window_samples:
            raise ValueError(
                f"waveform has {time} samples; with image_size set, one window holds at most {self.window_samples}"
            )
        if lengths is None:
            lengths = torch.full((batch,), time, device=waveform.device)
        frames = 1 + (self.window_samples or time) // self.hop_length
        valid = 1 + lengths // self.hop_length
        mask = torch.arange(frames, device=waveform.device) < valid[:, None]
        with torch.autocast(waveform.device.type, enabled=False):
            tables = self._on(waveform.device)
            features = self._map(waveform, lengths, frames, mask, tables)  # (batch, bands, frames)
            if self.image_size:
                features = F.interpolate(features[:, None], self.image_size, mode="bilinear", antialias=True)[:, 0]
                valid = (valid * self.image_size[1] + frames - 1) // frames
                mask = torch.arange(self.image_size[1], device=waveform.device) < valid[:, None]
            if "mean" in tables:
                features = (features - tables["mean"]) / tables["std"]
            features = features.masked_fill(~mask[:, None], 0.0)
        return features[:, None], mask

    def _on(self, device: torch.device) -> dict[str, torch.Tensor]:
        """The constants as float32 tensors on a device, made at first use."""
        if torch.compiler.is_compiling():  # a traced tensor must not outlive its trace
            return {name: torch.from_numpy(array).to(device) for name, array in self._arrays.items()}
        if device not in self._tables:
            with torch.inference_mode(False):  # else training after a prediction could not use them
                self._tables[device] = {name: torch.from_numpy(a).to(device) for name, a in self._arrays.items()}
        return self._tables[device]

    def _map(
        self,
        waveform: torch.Tensor,
        lengths: torch.Tensor,
        frames: int,
        mask: torch.Tensor,
        tables: dict[str, torch.Tensor],
    ) -> torch.Tensor:
        """Unnormalised features, (batch, bands, frames)."""
        batch = len(waveform)
        if waveform.device.type != "cpu" or torch.compiler.is_compiling():
            out = self._tile(waveform, lengths, 0, frames, tables)
        else:
            valleys = len(self._octaves) if "spectral_contrast" in self.names else 0
            out = torch.empty(batch, self._map_bands + valleys, frames)
            for clips, first, end in tiles(batch, frames):
                out[clips, :, first:end] = self._tile(waveform[clips], lengths[clips], first, end, tables)
        if "spectral_contrast" in self.names:
            start, size = self._starts["spectral_contrast"], len(self._octaves)
            peak = within_range(out[:, start : start + size], mask)
            valley = within_range(out[:, self._map_bands :], mask)
            out = torch.cat((out[:, :start], peak - valley, out[:, start + size : self._map_bands]), 1)
        return out

    def _tile(
        self, waveform: torch.Tensor, lengths: torch.Tensor, first: int, end: int, tables: dict[str, torch.Tensor]
    ) -> torch.Tensor:
        """Frames first to end of a few clips, (clips, bands + valleys, frames); contrast still as peaks and valleys."""
        time = waveform.shape[1]
        half = self.n_fft // 2
        start, stop = first * self.hop_length - half, (end - 1) * self.hop_length + self.n_fft - half
        low, high = max(start, 0), min(stop, time)
        inside = torch.arange(low, high, device=waveform.device) < lengths[:, None]
        samples = torch.where(inside, waveform[:, low:high].float(), 0.0)
        samples = F.pad(samples, (low - start, stop - high))
        spectrum = torch.fft.rfft(samples.unfold(1, self.n_fft, self.hop_length) * tables["window"])
        power = spectrum.real.square() + spectrum.imag.square()  # (clips, frames, bins)
        pieces: list[torch.Tensor] = []
        log_mel = decibels(power @ tables["mel"]) if "mel" in tables else power
        for name in self.names:
            if name == "log_mel":
                pieces.append(log_mel)
            elif name == "mfcc":
                pieces.append(log_mel @ tables["dct"])
            elif name == "chroma":
                pieces.append(largest_one(power @ tables["chroma"]))
            else:
                peaks, valleys = peaks_and_valleys(power, self._octaves)
                pieces.append(peaks)
        if "spectral_contrast" in self.names:
            pieces.append(valleys)
        return torch.cat(pieces, -1).transpose(1, 2)


def band_statistics(features: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What a mean and a standard deviation per band are made of; add the parts of all batches up.

    Args:
        features: (batch, 1, bands, frames), not normalised.
        mask: (batch, frames) bool, True on valid frames.

    Returns:
        sum (bands,) and sum of squares (bands,) over valid frames, float64 (float32 on mps, which has no more), and
        the number of those frames, int64 (). The variance is sum of squares / count - (sum / count)**2.
    """
    precision = torch.float32 if features.device.type == "mps" else torch.float64
    values = features[:, 0].to(precision).masked_fill(~mask[:, None], 0.0)
    return values.sum((0, 2)), values.square().sum((0, 2)), mask.sum()


def tiles(batch: int, frames: int) -> Iterator[tuple[slice, int, int]]:
    """Cut a batch into (clips, first frame, end frame) of about TILE_FRAMES frames each."""
    clips = max(1, TILE_FRAMES // frames)
    for clip in range(0, batch, clips):
        for first in range(0, frames, TILE_FRAMES):
            yield slice(clip, clip + clips), first, min(first + TILE_FRAMES, frames)


def decibels(power: torch.Tensor) -> torch.Tensor:
    """10 log10 of power, floored at AMIN."""
    return power.clamp_min(AMIN).log10() * 10.0


def largest_one(chroma: torch.Tensor) -> torch.Tensor:
    """Scale the last axis to a largest value of 1; leave what is all but silent as it is, as librosa does."""
    largest = chroma.amax(-1, keepdim=True)
    return chroma / torch.where(largest < torch.finfo(torch.float32).tiny, 1.0, largest)


def peaks_and_valleys(power: torch.Tensor, octaves: list[tuple[int, int, int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean magnitude of the loudest and of the quietest bins of each band in dB, both (clips, frames, bands)."""
    peaks, valleys = [], []
    for first, end, count in octaves:
        band = power[..., first:end]
        peaks.append(band.topk(count, sorted=False)[0].sqrt().mean(-1))
        valleys.append(band.topk(count, largest=False, sorted=False)[0].sqrt().mean(-1))
    return decibels(torch.stack(peaks, -1)), decibels(torch.stack(valleys, -1))


def within_range(level_db: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Raise what lies more than CONTRAST_RANGE_DB under a clip's largest valid value; (batch, bands, frames)."""
    largest = level_db.masked_fill(~mask[:, None], -torch.inf).amax((1, 2), keepdim=True)
    return torch.maximum(level_db, largest - CONTRAST_RANGE_DB)


def normalisation(mean: list[float], std: list[float] | None, num_bands: int) -> tuple[np.ndarray, np.ndarray]:
    """Check and convert the numbers per band, (bands,) float32 each."""
    if std is None or len(mean) != num_bands or len(std) != num_bands:
        raise ValueError(
            f"feature_mean has {len(mean)} and feature_std has {0 if std is None else len(std)} values; "
            f"both must have one for each of the {num_bands} bands"
        )
    if not min(std) > 0 or not np.all(np.isfinite([*mean, *std])):
        raise ValueError(f"feature_std has a smallest value of {min(std)}; all must be finite and above 0")
    return np.asarray(mean, np.float32), np.asarray(std, np.float32)


def check_settings(config: Any) -> None:
    """Refuse settings no feature can be computed with.

    Raises:
        ValueError: names the field, its value and the limit.
    """
    names = config.features.split("+")
    for name in names:
        if name not in FEATURES:
            raise ValueError(f"features has {name!r}; choose from {', '.join(FEATURES)}, joined by +")
    if len(set(names)) < len(names):
        raise ValueError(f"features is {config.features!r}; name each feature once")
    for field, least in (("sampling_rate", 1), ("n_fft", 2), ("hop_length", 1), ("n_mels", 1), ("n_mfcc", 1)):
        if getattr(config, field) < least:
            raise ValueError(f"{field} is {getattr(config, field)}; it must be at least {least}")
    if "mfcc" in names and config.n_mfcc > config.n_mels:
        raise ValueError(f"n_mfcc is {config.n_mfcc}; it must be at most n_mels = {config.n_mels}")
    if config.mel_scale not in ("slaney", "htk"):
        raise ValueError(f"mel_scale is {config.mel_scale!r}; it must be slaney or htk")
    nyquist_hz = config.sampling_rate / 2
    fmax_hz = nyquist_hz if config.fmax_hz is None else config.fmax_hz
    if not 0 <= config.fmin_hz < fmax_hz:
        raise ValueError(f"fmin_hz is {config.fmin_hz:g}; it must be at least 0 and below fmax_hz = {fmax_hz:g}")
    if fmax_hz > nyquist_hz:
        raise ValueError(f"fmax_hz is {fmax_hz:g}; it must be at most half the sampling rate, {nyquist_hz:g}")
    if config.image_size and (len(config.image_size) != 2 or min(config.image_size) < 1):
        raise ValueError(f"image_size is {list(config.image_size)}; it must be two numbers of at least 1")
    if config.image_size and not config.window_seconds * config.sampling_rate >= 1:
        raise ValueError(f"window_seconds is {config.window_seconds}; it must hold at least one sample")
