"""What a model says of waveforms of any length: windows of all clips in shared batches, once through the network.

`Listener` knows how a model takes its input and what it gives back; it knows nothing of files and labels' names.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from audiocls.audio.windows import window_starts
from audiocls.models.denoising import SpectralGate
from audiocls.models.last_layer import last_input
from audiocls.models.rejection import EDGE_SECONDS, SILENCE, KnownSounds

# Pretrained transformers without a window of their own take clips of up to this length whole.
LONGEST_WINDOW_SECONDS = 30.0
# Below this they have no frame to work on; shorter clips are padded with silence.
SHORTEST_SECONDS = 0.1


class Listener:
    """A model in eval mode, and how it hears.

    extractor: None for audiocls models, which take the waveform themselves.
    window_length: what it hears at once, in samples at `sampling_rate`.
    averages_scores: whether a long clip's score is the mean over its windows' scores instead of over their logits.
    """

    def __init__(self, model: Any, extractor: Any | None) -> None:
        self.model, self.extractor = model, extractor
        config = model.config
        source = config if extractor is None else extractor
        self.multi_label: bool = config.problem_type == "multi_label_classification"
        self.num_labels: int = config.num_labels
        self.sampling_rate: int = int(source.sampling_rate)
        self.window_length: int = window_samples(config, extractor)
        # audiocls models reduce noise themselves
        self.denoiser = None if extractor is None else denoiser_of(config, self.sampling_rate)
        self.averages_scores: bool = extractor is not None or getattr(model, "averages_scores", False)

    @property
    def known_sounds(self) -> KnownSounds | None:
        """What tells sounds of none of the classes; None for a model that was not taught it."""
        found = getattr(self.model, "known_sounds", None)
        return found if isinstance(found, KnownSounds) else None

    @torch.inference_mode()
    def hear(self, waveforms: Sequence[np.ndarray], batch_size: int) -> tuple[np.ndarray, np.ndarray]:
        """Scores float32 (clips, labels) and known scores float32 (clips,) of mono float32 waveforms (time,).

        The known score is the mean over the windows that are not silent, as in the models' own `forward`; -inf for a
        silent clip, NaN for others where the model cannot tell.
        """
        sums = np.zeros((len(waveforms), self.num_labels), np.float64)
        known, heard = np.zeros(len(waveforms)), np.zeros(len(waveforms), np.int64)
        counts = np.zeros(len(waveforms), np.int64)
        for owners, pieces in self.batches(waveforms, batch_size):
            logits, scores = self._outputs(pieces)
            values = self.probabilities(logits.float()) if self.averages_scores else logits.float()
            np.add.at(sums, owners, values.cpu().numpy())
            np.add.at(counts, owners, 1)
            if scores is not None:
                found = scores.cpu().numpy().astype(np.float64)
                audible = np.flatnonzero(found > -np.inf)
                np.add.at(known, owners[audible], found[audible])
                np.add.at(heard, owners[audible], 1)
        means = sums / counts[:, None]
        if not self.averages_scores:
            means = self.probabilities(torch.from_numpy(means)).numpy()
        if self.known_sounds is None:
            known[:] = np.nan
        else:
            known = np.where(heard > 0, known / np.maximum(heard, 1), -np.inf)
        known[[is_silent(waveform, self.sampling_rate) for waveform in waveforms]] = -np.inf
        return means.astype(np.float32), known.astype(np.float32)

    @torch.inference_mode()
    def states(
        self, waveforms: Sequence[np.ndarray], batch_size: int = 16
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """What there is to tell unknown sounds by, of every window that is not silent, in any order.

        Returns:
            The clip each window belongs to, int64 (windows,), logits (windows, labels) that are not calibrated (those
            of transformers' models, where calibration is part of the weights, are), and features (windows, width) or
            None.
        """
        found: list[tuple[np.ndarray, np.ndarray, np.ndarray | None]] = []
        for owners, pieces in self.batches(waveforms, batch_size):
            logits, features = self._states(pieces)
            audible = [not is_silent(piece, self.sampling_rate) for piece in pieces]
            given = None if features is None else features.float().cpu().numpy()[audible]
            found.append((owners[audible], logits.float().cpu().numpy()[audible], given))
        heard = [each[2] for each in found if each[2] is not None]
        return (
            np.concatenate([each[0] for each in found]),
            np.concatenate([each[1] for each in found]),
            np.concatenate(heard) if len(heard) == len(found) else None,
        )

    def batches(
        self, waveforms: Sequence[np.ndarray], batch_size: int
    ) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
        """Windows of all clips, shortest first, at most `batch_size` together: the clips they belong to, int64, and
        their samples. Models without a mask of ours get only those of equal lengths
        together."""
        windows = [
            (clip, start)
            for clip, waveform in enumerate(waveforms)
            for start in window_starts(len(waveform), self.window_length)
        ]
        windows.sort(key=lambda window: len(waveforms[window[0]]))  # stable: a clip's windows stay together

        def length(window: tuple[int, int]) -> int:
            return 0 if self.extractor is None else min(len(waveforms[window[0]]), self.window_length)

        for _, same in itertools.groupby(windows, key=length):
            members = list(same)
            for first in range(0, len(members), batch_size):
                batch = members[first : first + batch_size]
                pieces = [waveforms[clip][start : start + self.window_length] for clip, start in batch]
                yield np.array([clip for clip, _ in batch], np.int64), pieces

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """Of logits (..., labels)."""
        return logits.sigmoid() if self.multi_label else logits.softmax(-1)

    def _outputs(self, pieces: list[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Logits (batch, labels) and known scores (batch,) of waveforms up to one window long."""
        if self.extractor is None:
            output = self.model(*self._padded(pieces)[:2])
            return output.logits, getattr(output, "known_score", None)
        logits, features = self._states(pieces)
        known = self.known_sounds
        if known is None:
            return logits, None
        scores = known.to(logits.device)(features, logits, self.multi_label)
        quiet = torch.tensor([is_silent(piece, self.sampling_rate) for piece in pieces], device=scores.device)
        return logits, scores.masked_fill(quiet, -torch.inf)

    def _states(self, pieces: list[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Logits (batch, labels) and features (batch, width) of waveforms up to one window long."""
        if self.extractor is None:
            batch, _, lengths = self._padded(pieces)
            if getattr(self.model, "one_by_one", False):
                alone = [
                    self.model.window_states(row[None, :n], n[None]) for row, n in zip(batch, lengths, strict=True)
                ]
                return tuple(torch.cat(each) for each in zip(*alone, strict=True))  # type: ignore[return-value]
            return self.model.window_states(batch, lengths)
        least = int(SHORTEST_SECONDS * self.sampling_rate)
        heard = denoised(self.denoiser, pieces)
        padded = [np.pad(piece, (0, max(0, least - len(piece)))) for piece in heard]
        inputs = self.extractor(padded, sampling_rate=self.sampling_rate, return_tensors="pt")
        inputs = inputs.to(self.model.device, dtype=self.model.dtype)
        with last_input(self.model) as received:
            logits = self.model(**inputs).logits
        features = received[0] if received and received[0].shape[:-1] == logits.shape[:-1] else None
        return logits, features

    def _padded(self, pieces: list[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor]:
        """A batch (batch, time), its mask or None where nothing is padded, and the lengths.

        The feature extractor saved with audiocls models only pads; doing that here saves its millisecond.
        """
        lengths = torch.tensor([len(piece) for piece in pieces])
        width = int(lengths.max())
        batch = np.zeros((len(pieces), width), np.float32)
        for row, piece in zip(batch, pieces, strict=True):
            row[: len(piece)] = piece
        device = self.model.device
        mask = None
        if int(lengths.min()) < width:
            mask = (torch.arange(width) < lengths[:, None]).to(device)
        return torch.from_numpy(batch).to(device), mask, lengths.to(device)


def is_silent(waveform: np.ndarray, sampling_rate: int) -> bool:
    """Whether nothing can be heard in float32 (time,), as `models.rejection.silent` says of a batch."""
    if not len(waveform) or waveform.max() - waveform.min() <= 2 * SILENCE:
        return True
    edge = int(EDGE_SECONDS * sampling_rate)
    if len(waveform) <= 4 * edge:
        return False
    inner = waveform[edge : len(waveform) - edge]
    return bool(inner.max() - inner.min() <= 2 * SILENCE and abs(waveform[len(waveform) // 2]) > SILENCE)


def denoiser_of(config: Any, sampling_rate: int) -> SpectralGate | None:
    """What reduces the noise in each window before a model of transformers hears it, as its `config.denoise` says.

    Raises:
        ValueError: it says what cannot be.
    """
    settings = getattr(config, "denoise", None)
    return SpectralGate(settings, sampling_rate) if isinstance(settings, dict) else None


@torch.inference_mode()
def denoised(denoiser: SpectralGate | None, windows: list[np.ndarray]) -> list[np.ndarray]:
    """Windows float32 (time,) with less noise; as they are without a denoiser."""
    if denoiser is None:
        return windows
    return [denoiser(torch.tensor(window)[None])[0].numpy() for window in windows]


def window_samples(config: Any, extractor: Any | None) -> int:
    """The longest clip a model sees at once, in samples at its own rate.

    audiocls models say it in their configuration. Whisper's extractor has `n_samples`; AST's a number of frames of
    25 ms every 10 ms; others may have a `max_length` in samples; without one it is 30 s.
    """
    if extractor is None:
        return config.window_length
    rate = extractor.sampling_rate
    max_length = getattr(extractor, "max_length", None)
    if getattr(extractor, "n_samples", None):
        return int(extractor.n_samples)
    if max_length and config.model_type == "audio-spectrogram-transformer":
        return round((0.025 + (max_length - 1) * 0.010) * rate)
    if getattr(config, "window_seconds", None):
        return round(config.window_seconds * rate)
    if max_length:
        return int(max_length)
    return round(LONGEST_WINDOW_SECONDS * rate)
