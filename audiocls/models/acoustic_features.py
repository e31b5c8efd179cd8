"""Acoustic features as the first layer of a model: log-mel, MFCC, chroma, spectral contrast and pitch, in batches.

The values are librosa's (center=True, pad_mode="constant", Hann window), but for pitch, which is found otherwise. A
clip gives the same features alone and in a padded batch. The layer owns no parameters or buffers, so it survives
construction on the meta device, and it returns float32 whatever the model's own type is. It does not decode, resample
or augment.
"""

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from .feature_settings import check_settings, normalisation
from .filterbanks import (
    chroma_filters,
    cosine_transform,
    hann_window,
    mel_filters,
    octave_averages,
    octave_bands,
    split_bands,
)
from .pitch import PITCH_BANDS, frame_length, pitch_contour, pitch_tables
from .spectra import (
    AMIN,
    FLOOR_DB,
    contrast,
    decibels,
    doubtful_rows,
    filtered,
    in_tiles,
    peaks_and_valleys,
    scaled_to_one,
    squared_spectra,
    tiles,
)

# Samples in the frames worked on at a time on a CPU (2 MB): spectra are still in the cache when filters meet them, and
# the calls per tile cost little beside their work. One big transform takes several times as long on long recordings.
TILE_SAMPLES = 1 << 19


class AcousticFeatures(nn.Module):
    """Waveforms to feature maps.

    Args:
        config: any object with `features` ("log_mel", "mfcc", "chroma", "spectral_contrast", "pitch", or several
            joined by "+", stacked in that order), `sampling_rate` (Hz), `n_fft` and `hop_length` (samples), `n_mels`,
            `n_mfcc`, `fmin_hz`, `fmax_hz` (None: half the rate), `mel_scale` ("slaney" or "htk", both with Slaney's
            area norm), `image_size` (None, or bands and frames to which the map of one `window_seconds` window is
            resized), and `feature_mean`, `feature_std` (a number per band, or None).

    Units: log_mel is 10 log10 of mel power; mfcc is the orthonormal DCT-II of that (no `top_db`); chroma is scaled to
    a largest value of 1 a frame, from C upwards; spectral_contrast is in dB, 0 to 200 Hz first, then octaves (six, or
    as many as begin under half the rate); pitch is two bands, semitones from the clip's median and periodicity from
    0 to 1 (see `pitch.pitch_contour`).

    Raises:
        ValueError: a setting is out of range; the message names the field, its value and the limit.
    """

    def __init__(self, config: Any) -> None:
        super().__init__()
        check_settings(config)
        rate, n_fft = config.sampling_rate, config.n_fft
        self.names = config.features.split("+")
        self.sampling_rate, self.n_fft, self.hop_length = rate, n_fft, config.hop_length
        self.image_size = tuple(config.image_size) if config.image_size else None
        self.window_samples = max(1, round(config.window_seconds * rate)) if self.image_size else None
        # numpy, not tensors: what is made here under the meta device would never get values
        window = hann_window(n_fft)
        self._arrays: dict[str, list[np.ndarray]] = {"window": [window.astype(np.float32)], "window64": [window]}
        self._columns: dict[str, list[slice]] = {}
        self._octaves: list[tuple[int, int, int]] = []
        sizes = {"log_mel": config.n_mels, "mfcc": config.n_mfcc, "chroma": 12, "pitch": PITCH_BANDS}
        if "log_mel" in self.names or "mfcc" in self.names:
            fmax_hz = rate / 2 if config.fmax_hz is None else config.fmax_hz
            mel = mel_filters(rate, n_fft, config.n_mels, config.fmin_hz, fmax_hz, config.mel_scale)
            self._columns["mel"], self._arrays["mel"] = split_bands(mel)
            self._arrays["mel_means"] = [1 / mel.sum(axis=1)]
        if "mfcc" in self.names:
            self._arrays["dct"] = [cosine_transform(config.n_mfcc, config.n_mels)]
            floor = np.zeros(config.n_mfcc, np.float32)
            floor[0] = FLOOR_DB * config.n_mels**0.5
            self._arrays["dct"].append(floor)
        if "chroma" in self.names:
            self._columns["chroma"], self._arrays["chroma"] = split_bands(chroma_filters(rate, n_fft))
        if "spectral_contrast" in self.names:
            self._octaves = octave_bands(rate, n_fft)
            self._arrays["averages"] = [octave_averages(self._octaves)]
            sizes["spectral_contrast"] = len(self._octaves)
        if "pitch" in self.names:
            self._arrays["pitch"] = pitch_tables(rate)
        self._sizes = [sizes[name] for name in self.names]
        self._spectral = [name for name in self.names if name != "pitch"]  # computed frame by frame
        self._spectral_bands = sum(sizes[name] for name in self._spectral)
        self._contrast_at: int | None = None  # band at which its peaks and valleys begin
        if "spectral_contrast" in self.names:
            before = self._spectral[: self._spectral.index("spectral_contrast")]
            self._contrast_at = sum(sizes[name] for name in before)
        if config.feature_mean is not None or config.feature_std is not None:
            self._arrays["normalisation"] = normalisation(config.feature_mean, config.feature_std, self.num_bands)
        self._tables: dict[torch.device, dict[str, list[torch.Tensor]]] = {}

    @property
    def num_bands(self) -> int:
        """Bands of the feature map that `forward` returns."""
        return self.image_size[0] if self.image_size else sum(self._sizes)

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
        unpadded = lengths is None
        if lengths is None:
            lengths = torch.full((batch,), time, device=waveform.device)
        elif in_tiles(waveform):
            unpadded = bool((lengths >= time).all())
        frames = 1 + (self.window_samples or time) // self.hop_length
        valid = 1 + lengths // self.hop_length
        mask = torch.arange(frames, device=waveform.device) < valid[:, None]
        with torch.autocast(waveform.device.type, enabled=False):
            tables = self._on(waveform.device)
            features = self._map(waveform, None if unpadded else lengths, frames, mask, tables)
            if self.image_size:
                features = F.interpolate(features[:, None], self.image_size, mode="bilinear", antialias=True)[:, 0]
                valid = (valid * self.image_size[1] + frames - 1) // frames
                mask = torch.arange(self.image_size[1], device=waveform.device) < valid[:, None]
            if "normalisation" in tables:
                mean, std = tables["normalisation"]
                features = features.sub_(mean).div_(std)
            if not unpadded or self.image_size:
                features = features.mul_(mask[:, None])
        return features[:, None], mask

    def frames_of(self, waveform: torch.Tensor, first: int, end: int) -> torch.Tensor:
        """Frames first to end of clips (clips, time), (clips, bands, frames): neither resized nor normalised."""
        return self._tile(waveform, None, first, end, self._on(waveform.device))

    def _on(self, device: torch.device) -> dict[str, list[torch.Tensor]]:
        """The constants as tensors on a device, made at first use."""
        tables = None if torch.compiler.is_compiling() else self._tables.get(device)
        if tables is None:
            no_doubles = device.type == "mps"
            arrays = {n: some for n, some in self._arrays.items() if n != "window64" or not no_doubles}
            with torch.inference_mode(False):  # else training after a prediction could not use them
                tables = {name: [torch.from_numpy(a).to(device) for a in some] for name, some in arrays.items()}
            if not torch.compiler.is_compiling():  # a traced tensor must not outlive its trace
                self._tables[device] = tables
        return tables

    def _map(
        self,
        waveform: torch.Tensor,
        lengths: torch.Tensor | None,
        frames: int,
        mask: torch.Tensor,
        tables: dict[str, list[torch.Tensor]],
    ) -> torch.Tensor:
        """Features before resizing and normalisation, (batch, bands, frames)."""
        if "pitch" not in self.names:
            return self._spectral_map(waveform, lengths, frames, mask, tables)
        pitch = self._pitch(waveform, lengths, mask, tables)
        if not self._spectral:
            return pitch
        rest = self._spectral_map(waveform, lengths, frames, mask, tables)
        at = sum(self._sizes[: self.names.index("pitch")])
        return torch.cat((rest[:, :at], pitch, rest[:, at:]), 1)

    def _pitch(
        self,
        waveform: torch.Tensor,
        lengths: torch.Tensor | None,
        mask: torch.Tensor,
        tables: dict[str, list[torch.Tensor]],
    ) -> torch.Tensor:
        """Pitch bands, (batch, 2, frames): whole clips, for the path runs from end to end."""
        size = frame_length(self.sampling_rate)
        contours = []
        for clips in torch.arange(len(waveform)).split(max(1, TILE_SAMPLES // (size * mask.shape[1]))):
            some = slice(int(clips[0]), int(clips[-1]) + 1)
            own = None if lengths is None else lengths[some]
            frames = self._frames(waveform[some], own, 0, mask.shape[1], size)
            contours.append(pitch_contour(frames, mask[some], tables["pitch"], self.sampling_rate, self.hop_length))
        return torch.cat(contours)

    def _spectral_map(
        self,
        waveform: torch.Tensor,
        lengths: torch.Tensor | None,
        frames: int,
        mask: torch.Tensor,
        tables: dict[str, list[torch.Tensor]],
    ) -> torch.Tensor:
        """All features but pitch, (batch, bands, frames)."""
        if not in_tiles(waveform):
            levels = self._tile(waveform, lengths, 0, frames, tables)
        else:
            levels = torch.empty(len(waveform), self._spectral_bands + len(self._octaves), frames)
            for clips, first, end in tiles(len(waveform), frames, max(1, TILE_SAMPLES // self.n_fft)):
                tile_lengths = None if lengths is None else lengths[clips]
                levels[clips, :, first:end] = self._tile(waveform[clips], tile_lengths, first, end, tables)
        if self._contrast_at is None:
            return levels
        start, end = self._contrast_at, self._contrast_at + 2 * len(self._octaves)
        return torch.cat((levels[:, :start], contrast(levels[:, start:end], mask), levels[:, end:]), 1)

    def _tile(
        self,
        waveform: torch.Tensor,
        lengths: torch.Tensor | None,
        first: int,
        end: int,
        tables: dict[str, list[torch.Tensor]],
    ) -> torch.Tensor:
        """Frames first to end of a few clips, (clips, bands, frames), with contrast as peaks and valleys still."""
        frames = self._frames(waveform, lengths, first, end, self.n_fft)  # (clips, frames, n_fft)
        if in_tiles(waveform):
            squares = squared_spectra(frames, tables["window"][0])
            levels = self._levels(squares, tables)
            rows = doubtful_rows(levels, squares, tables)
            if len(rows):
                chosen = frames[rows // frames.shape[1], rows % frames.shape[1]].double()
                precise = self._levels(squared_spectra(chosen, tables["window64"][0]), tables)
                for name, level in levels.items():
                    level.index_copy_(0, rows, precise[name])
        else:  # no looking at values: float64 throughout, but for mps, which has none
            window = tables["window" if waveform.device.type == "mps" else "window64"][0]
            levels = self._levels(squared_spectra(frames.to(window.dtype), window), tables)
        if "mel" in levels:
            levels["log_mel"] = decibels(levels["mel"])  # floored already, for the sake of `doubtful_rows`
        if "mfcc" in self.names:  # measured from the floor, so that silence is exact and rounding small
            levels["mfcc"] = F.linear(levels["log_mel"] - FLOOR_DB, *tables["dct"])
        if "spectral_contrast" in levels:
            levels["spectral_contrast"] = decibels(levels["spectral_contrast"].clamp_min_(AMIN))
        names = self._spectral
        stacked = levels[names[0]] if len(names) == 1 else torch.cat([levels[name] for name in names], 1)
        return stacked.unflatten(0, frames.shape[:2]).transpose(1, 2)

    def _levels(self, squares: torch.Tensor, tables: dict[str, list[torch.Tensor]]) -> dict[str, torch.Tensor]:
        """What the features are made of, each (frames, bands): mel power, chroma, peak and valley magnitudes."""
        levels = {}
        if "mel" in tables:
            levels["mel"] = filtered(squares, self._columns["mel"], tables["mel"]).clamp_min_(AMIN)
        if "chroma" in tables:
            levels["chroma"] = scaled_to_one(filtered(squares, self._columns["chroma"], tables["chroma"]))
        if self._octaves:
            levels["spectral_contrast"] = peaks_and_valleys(squares, self._octaves, tables["averages"][0])
        return levels

    def _frames(
        self, waveform: torch.Tensor, lengths: torch.Tensor | None, first: int, end: int, size: int
    ) -> torch.Tensor:
        """The samples under frames first to end, centred and padded with zeros, (clips, end - first, size)."""
        time = waveform.shape[1]
        start = first * self.hop_length - size // 2
        stop = start + (end - 1 - first) * self.hop_length + size
        low, high = 0, time  # all there is; a graph would carry a comparison of sizes as a limit to them
        if in_tiles(waveform):
            low, high = max(start, 0), min(stop, time)
        samples = waveform[:, low:high].float()
        if lengths is not None:
            inside = torch.arange(low, high, device=waveform.device) < lengths[:, None]
            samples = torch.where(inside, samples, 0.0)
        return F.pad(samples, (low - start, stop - high)).unfold(1, size, self.hop_length)


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
