"""Sounds of any length heard by networks of audiocls in a form made for speed: the same scores, to 1e-4.

Sounds are laid one behind the other in rows, with as much nothing between them as keeps them apart, so that a network
runs a few times over long rows, not once for each sound. Convolutions have their norms folded in (`folding`).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from audiocls.detection.folding import FoldedNetwork
from audiocls.inference.windows import is_silent
from audiocls.models.convolution1d import ConvolutionOverTime
from audiocls.models.logit_scaling import scaled
from audiocls.models.modeling_audiocls import AudioClsForAudioClassification
from audiocls.models.residual import ResidualCNN
from audiocls.models.spectra import in_tiles

if TYPE_CHECKING:
    from audiocls.inference.classifier import AudioClassifier

LEVEL, LEAST_POWER = 0.1, 1e-10  # what `level_windows` brings windows to, and the least power it sees
FRAME_BY_FRAME = {"log_mel", "mfcc", "chroma"}  # features that know nothing of the frames around
ROW_FRAMES = 2048  # at most
# Rows are as long as a multiple of this: for every new length the convolutions would be compiled anew.
STEP_FRAMES = 64


class FastSounds:
    """Hears sounds up to a window of the model long.

    Calls may come from several threads at once. The model's weights as they are now are what counts.
    """

    def __init__(self, classifier: "AudioClassifier") -> None:
        self._listener = classifier.listener
        self._model: Any = classifier.model
        self._folded = FoldedNetwork(self._model.network)
        features = self._model.features
        stride = self._folded.frame_stride
        # columns between two sounds: no convolution and no frame may reach from one to the next
        self._apart = max(self._folded.reach, -(-features.n_fft // (stride * features.hop_length)))

    @classmethod
    def of(cls, classifier: "AudioClassifier") -> Self | None:
        """None for a model that has no such form: other architectures or features, half precision, an accelerator."""
        model = classifier.model
        if not isinstance(model, AudioClsForAudioClassification) or model.dtype != torch.float32 or model.training:
            return None
        if not isinstance(model.network, ResidualCNN | ConvolutionOverTime) or model.denoiser is not None:
            return None
        features = model.features
        if set(features.names) - FRAME_BY_FRAME or features.image_size is not None:
            return None
        return cls(classifier) if in_tiles(torch.empty(0, device=model.device)) else None

    @torch.inference_mode()
    def __call__(self, sounds: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Scores float32 (sounds, labels) and known scores float32 (sounds,) of float32 (time,), not empty."""
        embedded = torch.cat([self._embedded(row) for row in self._rows(sounds)])
        logits = self._model.network.classify(embedded)
        scores = self._listener.probabilities(scaled(logits, self._model.config).float()).numpy()
        known = np.full(len(sounds), np.nan, np.float32)
        if self._listener.known_sounds is not None:
            known = self._listener.known_sounds(embedded, logits, self._listener.multi_label).numpy()
        known[[is_silent(sound, self._listener.sampling_rate) for sound in sounds]] = -np.inf
        return scores, known

    def _frames(self, sound: np.ndarray) -> int:
        return 1 + len(sound) // self._model.features.hop_length

    def _columns(self, sound: np.ndarray) -> int:
        """Columns of the network's map that a sound takes in a row, with what keeps it from the next."""
        return -(-self._frames(sound) // self._folded.frame_stride) + self._apart

    def _rows(self, sounds: Sequence[np.ndarray]) -> list[list[np.ndarray]]:
        """Sounds in their order, as many to a row as it holds, one at least."""
        most = ROW_FRAMES // self._folded.frame_stride
        rows: list[list[np.ndarray]] = []
        filled = most
        for sound in sounds:
            columns = self._columns(sound)
            if filled + columns > most or not rows:
                rows.append([])
                filled = 0
            rows[-1].append(sound)
            filled += columns
        return rows

    def _embedded(self, sounds: list[np.ndarray]) -> torch.Tensor:
        """What the last layer goes by, (sounds, width), of the sounds of one row."""
        features, stride = self._model.features, self._folded.frame_stride
        starts = np.cumsum([0, *map(self._columns, sounds)])  # in columns
        total = -(-int(starts[-1]) * stride // STEP_FRAMES) * STEP_FRAMES  # in frames
        row = np.zeros(total * features.hop_length, np.float32)
        mask = torch.zeros(total)
        for sound, start in zip(sounds, starts[:-1].tolist(), strict=True):
            power = max(float(np.dot(sound, sound)) / len(sound), LEAST_POWER)
            at = start * stride * features.hop_length
            np.multiply(sound, np.float32(LEVEL / power**0.5), out=row[at : at + len(sound)])
            mask[start * stride : start * stride + self._frames(sound)] = 1
        maps = features(torch.from_numpy(row)[None])[0][..., :total] * mask  # (1, 1, bands, frames)
        columns = self._folded.columns(maps, mask)[0]
        found = []
        for sound, start in zip(sounds, starts[:-1].tolist(), strict=True):
            own = columns[:, start : start - (-self._frames(sound) // stride)]
            found.append(torch.cat([own.mean(dim=1), own.amax(dim=1)]))
        return torch.stack(found)
