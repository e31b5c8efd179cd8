"""Log-mel of overlapping windows, each at a level of its own, from frames that are computed once.

A window is brought to one loudness before its features are taken, which in decibels adds a number to each of them; so a
frame within several windows need not be transformed for each. Only at a window's edges, where zeros lie beyond, are
frames its own.
"""

from typing import Any, Self

import numpy as np
import torch

from audiocls.models.spectra import FLOOR_DB, in_tiles, tiles

# What `level_windows` brings windows to, the least power it sees, and so its largest gain, 80 dB. Frames are computed
# at that gain: the floor under them then lies under each window's own.
LEVEL, LEAST_POWER = 0.1, 1e-10
LARGEST_GAIN = LEVEL / LEAST_POWER**0.5
_FRAMES_AT_ONCE = 1024  # what stays in the processor's cache


class SharedFrames:
    """Normalised features of all full windows of a piece of sound, as the model's own `window_features` gives them.

    Args:
        features, config: the model's `AcousticFeatures` and its configuration.
        window_length, hop_length: in samples; the hop a multiple of that of the frames.
    """

    def __init__(self, features: Any, config: Any, window_length: int, hop_length: int) -> None:
        self._features = features
        self.window_length = window_length
        self._step = hop_length // features.hop_length
        self._num_frames = 1 + window_length // features.hop_length
        half, hop = features.n_fft // 2, features.hop_length
        self._left = min(self._num_frames, -(-half // hop))  # frames that reach beyond the beginning ...
        inside = (window_length - features.n_fft + half) // hop + 1 if window_length >= features.n_fft - half else 0
        self._right = min(self._num_frames, max(self._left, inside))  # ... and the first of those beyond the end
        bands = features.num_bands
        mean = torch.tensor(config.feature_mean or [0.0] * bands, dtype=torch.float64)[:, None]
        std = torch.tensor(config.feature_std or [1.0] * bands, dtype=torch.float64)[:, None]
        self._scale, self._offset = (1 / std).float(), (-mean / std).float()

    @classmethod
    def of(cls, model: Any, window_length: int, hop_length: int) -> Self | None:
        """None where frames cannot be shared: other features than log-mel, a hop between frames, an accelerator."""
        features = model.features
        shareable = (
            features.names == ["log_mel"]
            and features.image_size is None
            and getattr(model, "denoiser", None) is None
            and hop_length % features.hop_length == 0
            and in_tiles(torch.empty(0, device=model.device))
        )
        return cls(features, model.config, window_length, hop_length) if shareable else None

    def __call__(self, samples: np.ndarray, views: np.ndarray) -> torch.Tensor:
        """Float32 (windows, 1, bands, frames) of samples float32 (time,) and its windows (windows, time)."""
        count = len(views)
        power = np.array([np.dot(view, view) for view in views], np.float64) / self.window_length
        gain = LEVEL / np.sqrt(np.maximum(power, LEAST_POWER))
        shift = torch.from_numpy((20 * np.log10(gain / LARGEST_GAIN)).astype(np.float32))[:, None, None]
        loud = torch.from_numpy(samples * np.float32(LARGEST_GAIN))
        total = (count - 1) * self._step + self._num_frames
        shared = self._all_frames(loud[None], total)  # (bands, total)
        windows = shared.as_strided(
            (count, len(shared), self._num_frames), (self._step * shared.stride(1), shared.stride(0), shared.stride(1))
        )
        levels = windows + shift
        edges = loud.unfold(0, self.window_length, self._step * self._features.hop_length)
        for first, end in ((0, self._left), (self._right, self._num_frames)):
            if end > first:
                levels[:, :, first:end] = self._features.frames_of(edges, first, end) + shift
        return levels.clamp_min_(FLOOR_DB).mul_(self._scale).add_(self._offset)[:, None]

    def _all_frames(self, samples: torch.Tensor, total: int) -> torch.Tensor:
        """The first `total` frames of samples (1, time), (bands, frames)."""
        found = torch.empty(self._features.num_bands, total)
        for _, first, end in tiles(1, total, _FRAMES_AT_ONCE):
            found[:, first:end] = self._features.frames_of(samples, first, end)[0]
        return found
