"""Using a trained model: any audio in, labels and scores out.

One class serves Python, the command line, the app and the evaluation, so they cannot disagree. It does not decode
(`audiocls.audio.decoding`), load (`audiocls.inference.loading`) or know any metric.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import torch

from audiocls.errors import AudioReadError, UsageError
from audiocls.inference.answers import decide
from audiocls.inference.clip_groups import clip_groups
from audiocls.inference.inputs import check_count, is_single, to_waveform
from audiocls.inference.loading import LoadedModel, explained, load_model
from audiocls.inference.model_config import OWN_TYPES
from audiocls.inference.windows import Listener

if TYPE_CHECKING:
    from audiocls.attribution.explanation import Explanation
    from audiocls.detection.event import Event
    from audiocls.detection.live import Detected
    from audiocls.detection.options import DetectOptions
    from audiocls.publishing.options import PushOptions
    from audiocls.publishing.push import Pushed

Prediction = list[dict[str, Any]]


class AudioClassifier:
    """A trained model and everything around it to classify sounds.

    Made by `from_pretrained`. Calls may come from several threads at once.
    """

    def __init__(self, loaded: LoadedModel) -> None:
        self.name = loaded.name
        self.folder = loaded.folder
        self.origin = loaded.origin  # for records: "user/name@commit" of the Hub, else the name
        self.notes = loaded.notes
        self.fetch = loaded.fetch
        self.model = loaded.model
        self.extractor = loaded.extractor
        config = self.model.config
        self.labels: list[str] = [str(config.id2label[i]) for i in range(config.num_labels)]
        self.multi_label: bool = config.problem_type == "multi_label_classification"
        self.listener = Listener(self.model, self.extractor)
        self.sampling_rate: int = self.listener.sampling_rate
        self.window_length: int = self.listener.window_length
        self.averages_scores: bool = self.listener.averages_scores

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
            folder_or_hub_id: such as "runs/everyday_sounds", "me/my-sounds" or "me/my-sounds@v1".
            device: where to compute; the GPU if there is one, unless given.
            revision: of a model on the Hub, if its id does not name it.
            trust_remote_code: run code that comes with a model of an unknown type. audiocls models never need it.

        Raises:
            ModelError, UsageError: as `load_model`.
        """
        loaded = load_model(folder_or_hub_id, device=device, revision=revision, trust_remote_code=trust_remote_code)
        with explained(loaded.name):
            return cls(loaded)

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
            check_count("top_k", top_k)
        if is_single(inputs):
            return self._ranked(self.scores(inputs, sampling_rate=sampling_rate, batch_size=batch_size)[0], top_k)
        rows = self.stream_scores(inputs, sampling_rate=sampling_rate, batch_size=batch_size, on_error=on_error)
        return [row if isinstance(row, AudioReadError) else self._ranked(row, top_k) for row in rows]

    def scores(self, inputs: Any, *, sampling_rate: int | None = None, batch_size: int = 16) -> np.ndarray:
        """Scores float32 (clips, labels), columns in the order of `labels`; one row for a single clip.

        They sum to one over the labels unless the model gives several labels a clip.

        Raises:
            AudioReadError, UsageError: as in `__call__`.
        """
        clips = [inputs] if is_single(inputs) else inputs
        rows = list(self.stream_scores(clips, sampling_rate=sampling_rate, batch_size=batch_size))
        return np.stack(rows) if rows else np.empty((0, len(self.labels)), np.float32)

    def stream_scores(
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
        for row in self._heard(inputs, sampling_rate, batch_size, on_error):
            yield row if isinstance(row, AudioReadError) else row[0]

    def answers(
        self,
        inputs: Any,
        *,
        sampling_rate: int | None = None,
        batch_size: int = 16,
        on_error: Literal["raise", "return"] = "raise",
        threshold: float | None = None,
        rejection: bool = True,
    ) -> list[Any]:
        """What to say of each clip: its label or labels, or that it is none of them; an `Answer` each.

        Takes and raises what `__call__` does; one clip gives a list of one. Silence is none of the classes whatever the
        model.

        Args:
            threshold: say a label only above this score, 0 to 1; None leaves it to `config.decision_thresholds`, where
                a model has them.
            rejection: whether a sound unlike all classes is none of them.
        """
        clips = [inputs] if is_single(inputs) else inputs
        return list(
            self.stream_answers(
                clips,
                sampling_rate=sampling_rate,
                batch_size=batch_size,
                on_error=on_error,
                threshold=threshold,
                rejection=rejection,
            )
        )

    def stream_answers(
        self,
        inputs: Iterable[Any],
        *,
        sampling_rate: int | None = None,
        batch_size: int = 16,
        on_error: Literal["raise", "return"] = "raise",
        threshold: float | None = None,
        rejection: bool = True,
    ) -> Iterator[Any]:
        """Yield the `Answer` to each clip in order, as `stream_scores` does the scores; arguments as of `answers`."""
        if threshold is not None and not 0 <= threshold <= 1:
            raise UsageError(f"threshold is {threshold}; scores lie between 0 and 1, so it must, too")
        known_threshold = self.known_threshold if rejection else None
        thresholds = getattr(self.model.config, "decision_thresholds", None)
        for row in self._heard(inputs, sampling_rate, batch_size, on_error):
            if isinstance(row, AudioReadError):
                yield row
            else:
                known = float(row[1])
                yield decide(row[0], known, self.labels, self.multi_label, thresholds, known_threshold, threshold)

    def _heard(
        self, inputs: Iterable[Any], sampling_rate: int | None, batch_size: int, on_error: Literal["raise", "return"]
    ) -> Iterator[tuple[np.ndarray, np.float32] | AudioReadError]:
        """Scores and known score of each clip, or why it cannot be read."""
        check_count("batch_size", batch_size)
        for clips in clip_groups(inputs, self.sampling_rate, sampling_rate, 16 * batch_size, on_error):
            readable = [clip for clip in clips if not isinstance(clip, AudioReadError)]
            rows = zip(*self.predict_known(readable, batch_size), strict=True)
            for clip in clips:
                yield clip if isinstance(clip, AudioReadError) else next(rows)

    def explain(self, sound: Any, label: str | None = None, *, sampling_rate: int | None = None) -> "Explanation":
        """Find the parts of one clip, as `__call__` takes it, that decided for a label, the best one unless given.

        Raises:
            AudioReadError, UsageError: as `attribution.explain.explain` and `__call__`.
        """
        from audiocls.attribution.explain import explain

        return explain(self, to_waveform(sound, self.sampling_rate, sampling_rate), label)

    def detect(self, source: Any, options: "DetectOptions | None" = None) -> "Detected":
        """Find the events of a long recording: a path, bytes, a file object, a dict or tuple of array and rate.

        Raises:
            AudioReadError, UsageError: as `detection.live.detect_events`.
        """
        from audiocls.detection.live import detect_events

        return detect_events(self, source, options)

    def stream(
        self, blocks: Iterable[Any], *, sampling_rate: int, options: "DetectOptions | None" = None
    ) -> "Iterator[Event]":
        """Yield the events of a sound that comes in blocks, which may never end, each as soon as it is over.

        The arguments and errors are those of `detection.live.live_events`; the events are those of `detect`.
        """
        from audiocls.detection.live import live_events

        return live_events(self, blocks, sampling_rate, options)

    def push_to_hub(
        self, repo_id: str, options: "PushOptions | None" = None, *, token: str | None = None, verbose: bool = True
    ) -> "Pushed":
        """Publish the folder that this model was loaded from on the Hub, and prove it by loading it back.

        Args and errors are those of `publishing.push.push`.

        Raises:
            UsageError: the model was never saved, or is from the Hub.
        """
        from audiocls.publishing.push import push_classifier

        return push_classifier(self, repo_id, options, token=token, verbose=verbose)

    def predict_waveforms(self, waveforms: Sequence[np.ndarray], batch_size: int = 16) -> np.ndarray:
        """Scores float32 (clips, labels) of mono float32 waveforms (time,) at `sampling_rate`.

        Clips are cut into windows by the rule of `window_starts`; windows of all clips share batches, so memory does
        not grow with a clip's length. Our networks average the logits of a clip's windows, as their `forward` does; of
        trees and of other models the scores of windows are averaged.
        """
        return self.predict_known(waveforms, batch_size)[0]

    def predict_known(self, waveforms: Sequence[np.ndarray], batch_size: int = 16) -> tuple[np.ndarray, np.ndarray]:
        """Scores float32 (clips, labels) as `predict_waveforms`, and known scores float32 (clips,).

        The known score says how much a clip resembles the classes' own; from `known_threshold` on it is one of them.
        It is -inf for silence, and NaN for other sounds where the model cannot tell.
        """
        check_count("batch_size", batch_size)
        return self.listener.hear(waveforms, batch_size)

    @property
    def known_threshold(self) -> float | None:
        """The least known score of sounds of the classes; None for a model that was not taught what is unknown."""
        known = self.listener.known_sounds
        return None if known is None else known.threshold

    def _ranked(self, scores: np.ndarray, top_k: int | None) -> Prediction:
        order = np.argsort(-scores, kind="stable")[:top_k]
        return [{"label": self.labels[i], "score": float(scores[i])} for i in order]
