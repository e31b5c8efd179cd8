"""Windows of audiocls networks in a form made for speed: the same scores, to 1e-4, several times sooner.

Convolutions have their norms folded in (`folding`), nothing is masked, and log-mel frames that overlapping windows have
in common are computed once where windows start on them (`shared_frames`).
"""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from audiocls.detection.folding import FoldedNetwork
from audiocls.detection.shared_frames import SharedFrames
from audiocls.models.convolution1d import ConvolutionOverTime
from audiocls.models.logit_scaling import scaled
from audiocls.models.modeling_audiocls import AudioClsForAudioClassification
from audiocls.models.rejection import EDGE_SECONDS, SILENCE, silent
from audiocls.models.residual import ResidualCNN

if TYPE_CHECKING:
    from audiocls.inference.classifier import AudioClassifier

AT_ONCE = 8  # windows that go through a network together: what stays in the processor's cache


class FastWindows:
    """Scores of all full windows of a piece of sound, at most some dozens of them, as one batch.

    Calls may come from several threads at once. The model's weights as they are now are what counts.
    """

    def __init__(self, classifier: "AudioClassifier", window_length: int, hop_length: int) -> None:
        self.window_length, self.hop_length = window_length, hop_length
        self._listener = classifier.listener
        self._model: Any = classifier.model
        network = self._model.network
        folds = isinstance(network, ResidualCNN | ConvolutionOverTime)
        self._folded = FoldedNetwork(network) if folds else None
        self._shared = SharedFrames.of(self._model, window_length, hop_length)

    @classmethod
    def of(cls, classifier: "AudioClassifier", window_length: int, hop_length: int) -> Self | None:
        """None for a model that has no such form: other architectures, trees, half precision; called in another way."""
        model = classifier.model
        if "predict_known" in vars(classifier):  # another one was put in its place, such as one for a rented GPU
            return None
        if not isinstance(model, AudioClsForAudioClassification) or model.one_by_one or model.averages_scores:
            return None
        if model.dtype != torch.float32 or model.training or window_length < 1:
            return None
        return cls(classifier, window_length, hop_length)

    @torch.inference_mode()
    def __call__(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores float32 (windows, labels) and known scores float32 (windows,) of samples float32 (time,)."""
        views = np.lib.stride_tricks.sliding_window_view(samples, self.window_length)[:: self.hop_length]
        embedded = self._embedded(samples, views)
        logits = self._model.network.classify(embedded)
        scores = self._listener.probabilities(scaled(logits, self._model.config).float())
        known = np.full(len(views), np.nan, np.float32)
        if self._listener.known_sounds is not None:
            known = self._listener.known_sounds(embedded, logits, self._listener.multi_label).cpu().numpy()
        known[self._silent(views)] = -np.inf
        return scores.cpu().numpy(), known

    def _embedded(self, samples: np.ndarray, views: np.ndarray) -> torch.Tensor:
        """What the last layer goes by, (windows, width)."""
        if self._shared is not None:
            features = self._shared(samples, views)
            mask = torch.ones(len(features), features.shape[-1], dtype=torch.bool)
        else:
            windows = torch.from_numpy(np.array(views)).to(self._model.device)
            valid = torch.full((len(views),), self.window_length, device=windows.device)
            features, mask = self._model.window_features(windows, valid)
        if self._folded is not None:
            return torch.cat([self._folded(some) for some in features.split(AT_ONCE)])
        return self._model.network.embed(features, mask)

    def _silent(self, views: np.ndarray) -> np.ndarray:
        """Which windows (windows, time) nothing can be heard in, as `models.rejection.silent` says, bool (windows,).

        Only where the inner part hardly swings can the whole be silent, so few windows are looked at closely.
        """
        edge = int(EDGE_SECONDS * self._listener.sampling_rate)
        inner = views[:, edge:-edge] if edge and self.window_length > 4 * edge else views
        found = np.array([row.max() - row.min() <= 2 * SILENCE for row in inner])
        if found.any():
            windows = torch.from_numpy(np.ascontiguousarray(views[found]))
            lengths = torch.full((len(windows),), self.window_length)
            found[found] = silent(windows, lengths, self._listener.sampling_rate).numpy()
        return found
