"""What programs may ask the app, over HTTP and as tools for MCP; it has no state, and knows no page.

Each does what the command line does. Training and publishing are not among them: a person starts those on the page.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import anyio.to_thread
import gradio as gr

from audiocls.audio.decoding import probe
from audiocls.detection.options import DetectOptions
from audiocls.errors import AudioclsError, AudioReadError
from audiocls.inference.classifier import AudioClassifier
from audiocls.predictions import best, record
from audiocls.ui.api.uploads import given
from audiocls.ui.batch.run import Batch, Given, sounds_of
from audiocls.ui.context import AppContext
from audiocls.ui.hearing import hear
from audiocls.ui.limits import LONGEST_BATCH_SECONDS_OTHERS, LONGEST_RECORDING_SECONDS, TASKS_AT_ONCE
from audiocls.ui.model.description import description
from audiocls.ui.recording.search import detect_events
from audiocls.ui.serving.visitors import Visitor
from audiocls.ui.sounds import read_sound, told
from audiocls.ui.texts import NOTHING_YET, UNREADABLE
from audiocls.ui.texts import api as texts

File = dict[str, Any]  # an uploaded one, as gradio gives it


class Endpoints:
    """What a program may ask the app.

    `model` is a name of `models`, the app's own unless given. Every method raises `gr.Error`, one line for the
    program, for what it cannot do.
    """

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._turns: anyio.CapacityLimiter | None = None

    def classify(self, sound: File | None, model: str = "", request: gr.Request | None = None) -> list[dict[str, Any]]:
        """Classify one sound.

        Args:
            sound: an audio file.
            model: a name that `models` gives; the app's own unless given.

        Returns:
            A list of {label, score}, best first.
        """
        classifier = self._classifier(model, request)
        answer = hear(classifier, read_sound(_one(sound).path, classifier.sampling_rate))
        return best(classifier.labels, answer.scores, len(classifier.labels))

    def answer(self, sound: File | None, model: str = "", request: gr.Request | None = None) -> dict[str, Any]:
        """Say what one sound is, or that it is none of these.

        Args:
            sound: an audio file.
            model: a name that `models` gives; the app's own unless given.
        """
        classifier = self._classifier(model, request)
        answer = hear(classifier, read_sound(_one(sound).path, classifier.sampling_rate))
        row = record(classifier.labels, Path(), answer, len(classifier.labels))
        return {"answer": None, "closest": answer.closest, "reason": None, "known_score": None} | {
            key: value for key, value in row.items() if key != "file"
        }

    async def explain(
        self, sound: File | None, label: str = "", model: str = "", request: gr.Request | None = None
    ) -> dict[str, Any]:
        """Find the parts of one sound that decided.

        Args:
            sound: an audio file.
            label: what to explain; the model's best unless given.
            model: a name that `models` gives; the app's own unless given.
        """
        wanted = _text("label", label)

        def work() -> dict[str, Any]:
            classifier = self._classifier(model, request)
            waveform = read_sound(_one(sound).path, classifier.sampling_rate)
            with _explained():
                found = classifier.explain(waveform, wanted or None, sampling_rate=classifier.sampling_rate)
            told_ = {name: getattr(found, name) for name in ("label", "score", "kept_score", "removed_score", "method")}
            parts = [vars(part) for part in found.parts]
            return told_ | {"parts": [{key: part[key] for key in PART_FIELDS} for part in parts]}

        return await self._in_turn(work)

    async def detect(
        self,
        sound: File | None,
        model: str = "",
        threshold: float | None = None,
        min_duration_seconds: float | None = None,
        merge_gap_seconds: float | None = None,
        request: gr.Request | None = None,
    ) -> list[dict[str, Any]]:
        """Find the events in a recording.

        Args:
            sound: an audio file; it may be long.
            model: a name that `models` gives; the app's own unless given.
            threshold: the score, 0 to 1, from which an event is one; what was fitted in training unless given.
            min_duration_seconds: shorter events are dropped.
            merge_gap_seconds: events of one label with a shorter gap between them are one.
        """
        least = _number("threshold", threshold)
        shortest = _number("min_duration_seconds", min_duration_seconds)
        gap = _number("merge_gap_seconds", merge_gap_seconds)

        def work() -> list[dict[str, Any]]:
            visitor = self._visitor(request)
            classifier = self._classifier(model, request)
            recording = _one(sound)
            with _explained(recording):
                options = DetectOptions(
                    threshold="auto" if least is None else str(least),
                    min_duration_seconds=shortest,
                    merge_gap_seconds=gap,
                )
                longest = None if visitor.local else LONGEST_RECORDING_SECONDS
                seconds = probe(recording.path).seconds or 0.0  # not every header tells
                if longest is not None and seconds > longest:
                    raise told(texts.TOO_LONG.format(hours=seconds / 3600, limit=longest / 3600))
                return detect_events(recording.path, classifier, options, longest)

        return await self._in_turn(work)

    async def classify_files(
        self, files: list[File], model: str = "", request: gr.Request | None = None
    ) -> list[dict[str, Any]]:
        """Classify many sounds.

        Args:
            files: audio files, or zips of them.
            model: a name that `models` gives; the app's own unless given.
        """

        def work() -> list[dict[str, Any]]:
            if not files:
                raise told(texts.NO_FILES)
            limit = None if self._visitor(request).local else LONGEST_BATCH_SECONDS_OTHERS
            classifier = self._classifier(model, request)
            with TemporaryDirectory(prefix="files-") as folder, _explained():
                batch = Batch(classifier, sounds_of([given(file) for file in files], Path(folder)), limit)
                batch.run()
            if len(batch.answers) < len(batch.files):
                raise told(texts.STOPPED.format(told=batch.told()))
            return batch.records()

        return await self._in_turn(work)

    def models(self, request: gr.Request | None = None) -> list[str]:
        """The names of the models."""
        return self._context.shelf.choices(self._visitor(request))

    def describe(self, model: str = "", request: gr.Request | None = None) -> dict[str, Any]:
        """What a model is.

        Args:
            model: a name that `models` gives; the app's own unless given.
        """
        return description(self._classifier(model, request))

    def _visitor(self, request: Any) -> Visitor:
        # tools for MCP are called with the plain request
        return self._context.visitor(request if isinstance(request, gr.Request) else gr.Request(request))

    def _classifier(self, model: Any, request: Any) -> AudioClassifier:
        with _explained():
            return self._context.shelf.get(_text("model", model), self._visitor(request))

    async def _in_turn(self, work: Any) -> Any:
        """What takes longer, a few at a time, in threads beside those that answer at once."""
        if self._turns is None:
            self._turns = anyio.CapacityLimiter(TASKS_AT_ONCE)
        return await anyio.to_thread.run_sync(partial(work), limiter=self._turns)


PART_FIELDS = ("start", "end", "low_hz", "high_hz", "weight")


def _one(sound: File | None) -> Given:
    if sound is None:
        raise told(NOTHING_YET)
    return given(sound)


def _text(name: str, value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise told(texts.NO_TEXT.format(name=name, what=repr(value)[:50]))
    return value or ""


def _number(name: str, value: Any) -> float | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise told(texts.NO_NUMBER.format(name=name, what=repr(value)[:50]))
    return float(value)


@contextmanager
def _explained(file: Given | None = None) -> Iterator[None]:
    """A known failure is told to the program, with a file by its own name."""
    try:
        yield
    except AudioReadError as error:
        raise told(UNREADABLE.format(reason=error.reason)) from error
    except AudioclsError as error:
        text = str(error)
        raise told(text.replace(str(file.path), file.name) if file else text) from error
