"""The one place where the app asks a model about a sound. It reads no file and shows nothing.

What several visitors ask of one model at the same time is answered together: who is at the head of the line answers for
those behind, too. No more than `MODELS_AT_ONCE` batches are computed at once, so that many visitors wait in line
instead of taking the processor from each other, and a long sound holds up no short one.
"""

import os
import threading
from collections import deque
from typing import cast
from weakref import WeakKeyDictionary

import numpy as np

from audiocls.inference.answers import Answer
from audiocls.inference.classifier import AudioClassifier
from audiocls.ui.limits import HEARD_TOGETHER, HEARD_TOGETHER_SECONDS, MODELS_AT_ONCE


def hear(classifier: AudioClassifier, waveform: np.ndarray) -> Answer:
    """What the model says of one sound. It waits for its turn; from any number of threads at once.

    Args:
        waveform: float32 (time,), mono, at the model's sampling rate.

    Raises:
        Whatever `AudioClassifier.answers` raises for this sound; of others' sounds nothing.
    """
    if len(waveform) > HEARD_TOGETHER_SECONDS * classifier.sampling_rate:
        with _LONG, _COMPUTING:
            return _answers(classifier, [waveform])[0]
    with _LOCK:
        line = _LINES.setdefault(classifier, _Line())
    return line.hear(classifier, waveform)


def share_processor() -> None:
    """Let every batch have its part of the processor. With more threads than that each waits for all the others."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(max(1, min(torch.get_num_threads(), cores // MODELS_AT_ONCE)))


def compute_alone() -> None:
    """Have this thread compute on one core from now on; what others have stays.

    torch keeps the number for each thread, but a thread that is new to torch begins with what was set last, wherever:
    so what was set before is set once more, in a thread that ends at once.
    """
    import torch

    with _SETTING:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        again = threading.Thread(target=torch.set_num_threads, args=(before,))
        again.start()
        again.join()


class _Asked:
    """A sound in a line, and what came of it."""

    def __init__(self, waveform: np.ndarray) -> None:
        self.waveform = waveform
        self.answer: Answer | None = None
        self.error: Exception | None = None
        self.turn = threading.Event()  # it was answered, or this one is to answer now


class _Line:
    """Who waits for one model. Some of those who wait answer, at most `MODELS_AT_ONCE`; the others sleep."""

    def __init__(self) -> None:
        self._waiting: deque[_Asked] = deque()
        self._lock = threading.Lock()
        self._leaders = 0

    def hear(self, classifier: AudioClassifier, waveform: np.ndarray) -> Answer:
        mine = _Asked(waveform)
        with self._lock:
            self._waiting.append(mine)
            leads = self._leaders < MODELS_AT_ONCE
            self._leaders += leads
        if not leads:
            mine.turn.wait()
        if mine.answer is None and mine.error is None:
            self._lead(classifier, mine)
        if mine.error is not None:
            raise mine.error
        return cast(Answer, mine.answer)

    def _lead(self, classifier: AudioClassifier, mine: _Asked) -> None:
        """Answer for oneself and for some of those behind; wake them, and the next to lead."""
        together = [mine]
        try:
            with _COMPUTING:
                together = self._taken(mine, classifier.sampling_rate)
                _settle(classifier, together)
        finally:  # whatever happened, nobody may be left asleep
            with self._lock:
                if mine in self._waiting:
                    self._waiting.remove(mine)
                following = next((asked for asked in self._waiting if not asked.turn.is_set()), None)
                if following is None:
                    self._leaders -= 1
                else:
                    following.turn.set()
            for asked in together:
                if asked.answer is None and asked.error is None:
                    asked.error = RuntimeError("the answer was given up")
                asked.turn.set()

    def _taken(self, mine: _Asked, sampling_rate: int) -> list[_Asked]:
        """Oneself and an even share of those who wait and will not lead, within limits."""
        with self._lock:
            self._waiting.remove(mine)
            sleeping = [asked for asked in self._waiting if not asked.turn.is_set()]
            number = min(HEARD_TOGETHER - 1, -(-len(sleeping) // MODELS_AT_ONCE))
            together, left = [mine], HEARD_TOGETHER_SECONDS * sampling_rate - len(mine.waveform)
            for asked in sleeping[:number]:
                left -= len(asked.waveform)
                if left < 0:
                    break
                together.append(asked)
            for asked in together[1:]:
                self._waiting.remove(asked)
        return together


def _settle(classifier: AudioClassifier, together: list[_Asked]) -> None:
    """Give each its answer, or its own error: one that cannot be answered does not spoil it for the others."""
    try:
        answers = _answers(classifier, [asked.waveform for asked in together])
    except Exception as error:  # noqa: BLE001 - each is raised again where it belongs
        if len(together) == 1:
            together[0].error = error
            return
        for asked in together:
            _settle(classifier, [asked])
        return
    for asked, answer in zip(together, answers, strict=True):
        asked.answer = answer


def _answers(classifier: AudioClassifier, waveforms: list[np.ndarray]) -> list[Answer]:
    return classifier.answers([(classifier.sampling_rate, waveform) for waveform in waveforms])


_COMPUTING = threading.BoundedSemaphore(MODELS_AT_ONCE)
_LONG = threading.BoundedSemaphore(max(1, MODELS_AT_ONCE - 1))
_LINES: WeakKeyDictionary[AudioClassifier, _Line] = WeakKeyDictionary()
_LOCK = threading.Lock()
_SETTING = threading.Lock()
