"""Using a trained model: any audio in, labels and scores out.

One class serves Python, the command line, the app and the evaluation, so they cannot disagree. It does not decode
(`audiocls.audio.decoding`), load (`audiocls.inference.loading`) or know any metric.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch

from audiocls.audio.windows import window_starts
from audiocls.errors import AudioReadError, UsageError
from audiocls.inference.inputs import is_single, to_waveform
from audiocls.inference.loading import OWN_TYPES, LoadedModel, load_model

Prediction = list[dict[str, Any]]

# Clips of a long list are decoded and scored in groups of so many seconds, so memory does not grow with the list.
GROUP_SECONDS = 600.0
# Pretrained transformers without a window of their own take clips of up to this length whole.
LONGEST_WINDOW_SECONDS = 30.0
# Below this they have no frame to work on; shorter clips are padded with silence.
SHORTEST_SECONDS = 0.1


class AudioClassifier:
    """A trained model and everything around it to classify sounds.

    Made by `from_pretrained`. Calls may come from several threads at once.
    """

    def __init__(self, loaded: LoadedModel) -> None:
        self.name = loaded.name
        self.folder = loaded.folder
        self.model = loaded.model
        self.extractor = loaded.extractor
        config = self.model.config
        self.labels: list[str] = [str(config.id2label[i]) for i in range(config.num_labels)]
        self.multi_label: bool = config.problem_type == "multi_label_classification"
        source = config if self.extractor is None else self.extractor
        self.sampling_rate: int = int(source.sampling_rate)
        self.window_length: int = window_samples(config, self.extractor)
        self.averages_scores: bool = self.extractor is not None or getattr(self.model, "averages_scores", False)

    @classmethod
    def from_pretrained(
        cls,
        folder_or_hub_id: str | Path,
        *,
        device: str | torch.device | None = None,
        revision: str | None = None,
        trust_remote_code: bool = False,
    ) -> Self:
        """Load a model folder or a model from the Hub: one of audiocls, or any audio classifier of transformers.

        Args:
            folder_or_hub_id: such as "runs/everyday_sounds" or "openai/whisper-tiny".
            device: where to compute; the GPU if there is one, unless given.
            revision: branch, tag or commit on the Hub.
            trust_remote_code: run code that comes with a model of an unknown type. audiocls models never need it.

        Raises:
            ModelError: the model is missing, incomplete, unreachable or no audio classifier.
        """
        return cls(load_model(folder_or_hub_id, device=device, revision=revision, trust_remote_code=trust_remote_code))

    @classmethod
    def of(cls, model: Any, extractor: Any, name: str = "model") -> Self:
        """Wrap a model in memory, in eval mode, with the feature extractor that would be saved beside it."""
        own = model.config.model_type in OWN_TYPES
        return cls(LoadedModel(name, None, model.eval(), None if own else extractor))

    @cached_property
    def card(self) -> str | None:
        """The model card (README.md), or None."""
        return self._text("README.md")

    @cached_property
    def metrics(self) -> dict[str, Any] | None:
        """The test scores (metrics.json), or None."""
        text = self._text("metrics.json")
        return None if text is None else json.loads(text)

    def _text(self, name: str) -> str | None:
        path = None if self.folder is None else self.folder / name
        return path.read_text(encoding="utf-8") if path is not None and path.is_file() else None

    def __call__(
        self,
        inputs: Any,
        *,
        sampling_rate: int | None = None,
        top_k: int | None = None,
        batch_size: int = 16,
        on_error: Literal["raise", "return"] = "raise",
    ) -> Any:
        """Classify one clip, or many.

        Args:
            inputs: a path, bytes of an audio file, a file object, an array or tensor with `sampling_rate` (one or two
                dimensions; the smaller one is the channels), a dict with `array` and `sampling_rate`, a tuple
                `(rate, array)`, or a list or other iterable of these.
            sampling_rate: of arrays, in Hz.
            top_k: how many labels to give, best first; all unless given.
            batch_size: windows that go through the model at once. It does not change the scores.
            on_error: "return" puts the AudioReadError of an unreadable clip in its place in the list.

        Returns:
            For one clip a list of `{"label": str, "score": float}`, best first; for many a list of such lists.

        Raises:
            AudioReadError: a clip cannot be read (with `on_error="raise"`, or given alone).
            UsageError: an argument is wrong.
        """
        if top_k is not None:
            _check_count("top_k", top_k)
        if is_single(inputs):
            return self._ranked(self.scores(inputs, sampling_rate=sampling_rate, batch_size=batch_size)[0], top_k)
        rows = self.stream(inputs, sampling_rate=sampling_rate, batch_size=batch_size, on_error=on_error)
        return [row if isinstance(row, AudioReadError) else self._ranked(row, top_k) for row in rows]

    def scores(self, inputs: Any, *, sampling_rate: int | None = None, batch_size: int = 16) -> np.ndarray:
        """Scores float32 (clips, labels), columns in the order of `labels`; one row for a single clip.

        They sum to one over the labels unless the model gives several labels a clip.

        Raises:
            AudioReadError, UsageError: as in `__call__`.
        """
        clips = [inputs] if is_single(inputs) else inputs
        rows = list(self.stream(clips, sampling_rate=sampling_rate, batch_size=batch_size))
        return np.stack(rows) if rows else np.empty((0, len(self.labels)), np.float32)

    def stream(
        self,
        inputs: Iterable[Any],
        *,
        sampling_rate: int | None = None,
        batch_size: int = 16,
        on_error: Literal["raise", "return"] = "raise",
    ) -> Iterator[Any]:
        """Yield the scores float32 (labels,) of each clip in order, holding only some minutes of sound at a time.

        Arguments and errors are those of `__call__`; with `on_error="return"` an AudioReadError may come instead.
        """
        if on_error not in ("raise", "return"):
            raise UsageError(f"on_error is {on_error!r}; it must be 'raise' or 'return'")
        _check_count("batch_size", batch_size)
        try:
            remaining = iter(inputs)
        except TypeError:
            remaining = iter([inputs])  # to_waveform says what is wrong with it
        while True:
            clips: list[np.ndarray | AudioReadError] = []
            held = 0
            for clip in itertools.islice(remaining, 16 * batch_size):
                try:
                    waveform = to_waveform(clip, self.sampling_rate, sampling_rate)
                except AudioReadError as error:
                    if on_error == "raise":
                        raise
                    clips.append(error)
                    continue
                clips.append(waveform)
                held += len(waveform)
                if held > GROUP_SECONDS * self.sampling_rate:
                    break
            if not clips:
                return
            readable = [clip for clip in clips if not isinstance(clip, AudioReadError)]
            rows = iter(self.predict_waveforms(readable, batch_size))
            for clip in clips:
                yield clip if isinstance(clip, AudioReadError) else next(rows)

    @torch.inference_mode()
    def predict_waveforms(self, waveforms: Sequence[np.ndarray], batch_size: int = 16) -> np.ndarray:
        """Scores float32 (clips, labels) of mono float32 waveforms (time,) at `sampling_rate`.

        Clips are cut into windows by the rule of `window_starts`; windows of all clips share batches, shortest first,
        so little is padded and memory does not grow with a clip's length. Our networks average the logits of a
        clip's windows, as their `forward` does; of trees and of other models the scores of windows are averaged.
        """
        _check_count("batch_size", batch_size)
        windows = [
            (clip, start)
            for clip, waveform in enumerate(waveforms)
            for start in window_starts(len(waveform), self.window_length)
        ]
        windows.sort(key=lambda window: len(waveforms[window[0]]))  # stable: a clip's windows stay together
        sums = np.zeros((len(waveforms), len(self.labels)), np.float64)
        counts = np.bincount([clip for clip, _ in windows], minlength=len(waveforms))
        for batch in self._batches(windows, waveforms, batch_size):
            pieces = [waveforms[clip][start : start + self.window_length] for clip, start in batch]
            logits = self._own_logits(pieces) if self.extractor is None else self._other_logits(pieces)
            values = self._probabilities(logits.float()) if self.averages_scores else logits.float()
            np.add.at(sums, [clip for clip, _ in batch], values.cpu().numpy())
        means = sums / counts[:, None]
        if not self.averages_scores:
            means = self._probabilities(torch.from_numpy(means)).numpy()
        return means.astype(np.float32)

    def _batches(
        self, windows: list[tuple[int, int]], waveforms: Sequence[np.ndarray], batch_size: int
    ) -> Iterator[list[tuple[int, int]]]:
        """Consecutive windows, at most `batch_size`; for models without a mask of ours, only of equal lengths."""

        def length(window: tuple[int, int]) -> int:
            return 0 if self.extractor is None else min(len(waveforms[window[0]]), self.window_length)

        for _, same in itertools.groupby(windows, key=length):
            members = list(same)
            yield from (members[i : i + batch_size] for i in range(0, len(members), batch_size))

    def _own_logits(self, pieces: list[np.ndarray]) -> torch.Tensor:
        """Logits (batch, labels) of audiocls models, from float32 waveforms up to one window long.

        The feature extractor saved with them only pads; doing that here saves its millisecond.
        """
        lengths = [len(piece) for piece in pieces]
        width = max(lengths)
        batch = np.zeros((len(pieces), width), np.float32)
        for row, piece in zip(batch, pieces, strict=True):
            row[: len(piece)] = piece
        device = self.model.device
        mask = None
        if min(lengths) < width:
            mask = (torch.arange(width) < torch.tensor(lengths)[:, None]).to(device)
        return self.model(torch.from_numpy(batch).to(device), mask).logits

    def _other_logits(self, pieces: list[np.ndarray]) -> torch.Tensor:
        """Logits (batch, labels) of transformers' models, through their own feature extractor."""
        assert self.extractor is not None
        least = int(SHORTEST_SECONDS * self.sampling_rate)
        pieces = [np.pad(piece, (0, max(0, least - len(piece)))) for piece in pieces]
        features = self.extractor(pieces, sampling_rate=self.sampling_rate, return_tensors="pt")
        features = features.to(self.model.device, dtype=self.model.dtype)
        return self.model(**features).logits

    def _probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        return logits.sigmoid() if self.multi_label else logits.softmax(-1)

    def _ranked(self, scores: np.ndarray, top_k: int | None) -> Prediction:
        order = np.argsort(-scores, kind="stable")[:top_k]
        return [{"label": self.labels[i], "score": float(scores[i])} for i in order]


def _check_count(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UsageError(f"{name} is {value!r}; it must be a whole number from 1 up")


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
