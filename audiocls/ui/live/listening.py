"""Who listens with the microphone now, and what each of them hears. It shows nothing; a page's script does.

Of the sound nothing is kept but the seconds that are being heard, in memory.
"""

import base64
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np

from audiocls.audio.decoding import HIGHEST_RATE, LOWEST_RATE
from audiocls.detection.live import resampled
from audiocls.detection.running import Moment, RunningLabel, Tally
from audiocls.errors import AudioReadError
from audiocls.inference.classifier import AudioClassifier
from audiocls.ui.hearing import hear
from audiocls.ui.limits import (
    LISTENERS_AT_ONCE,
    LONGEST_LISTENING_SECONDS,
    LONGEST_PIECE_SECONDS,
    LOST_AFTER_SECONDS,
)
from audiocls.ui.texts import live as texts

LONGEST_STEP_SECONDS = 1.0  # of a longer piece several moments are made
SENT_MOMENTS = 8  # the newest ones go along with each, should the page have missed some
SHOWN_COUNTS = 12
_SESSIONS = count(1)


class Listening:
    """What one page hears, from its start to its stop."""

    def __init__(self, classifier: AudioClassifier, model: str) -> None:
        self.session = next(_SESSIONS)
        self._lock = threading.Lock()
        self._tally = Tally()
        self._moments: deque[tuple[int, Moment]] = deque(maxlen=SENT_MOMENTS)
        self._number = 0
        self._rate = 0
        self._blocks: deque[np.ndarray] = deque()
        self._resampled: Iterator[np.ndarray] = iter(())
        self._before = 0.0  # seconds that were heard with other models
        self._open(classifier, model)

    def _open(self, classifier: AudioClassifier, model: str) -> None:
        self.model, self._classifier, self._rate = model, classifier, 0
        self._running = RunningLabel(classifier, lambda waveform: hear(classifier, waveform))

    def change(self, classifier: AudioClassifier, model: str) -> None:
        """Go on with another model."""
        self._before = self.seconds
        self._open(classifier, model)

    @property
    def seconds(self) -> float:
        """How much was heard."""
        return self._before + self._running.received / self._classifier.sampling_rate

    def push(self, waveform: np.ndarray, sampling_rate: int) -> None:
        """Take the next piece of the sound, float32 (time,) at any rate, and hear it."""
        with self._lock:  # a page sends one after the other; a program may not
            self._push(waveform, sampling_rate)

    def _push(self, waveform: np.ndarray, sampling_rate: int) -> None:
        if sampling_rate != self._rate:  # the first piece, or another microphone
            self._rate, self._blocks = sampling_rate, deque()
            self._resampled = resampled(self._arriving(), sampling_rate, self._classifier.sampling_rate)
        if not len(waveform):
            return
        self._blocks.append(waveform)
        samples = next(self._resampled)
        step = round(LONGEST_STEP_SECONDS * self._classifier.sampling_rate)
        for at in range(0, len(samples), step):
            moment = self._running.push(samples[at : at + step])
            moment = replace(moment, start=self._before + moment.start, end=self._before + moment.end)
            self._tally.push(moment)
            self._number += 1
            self._moments.append((self._number, moment))

    def _arriving(self) -> Iterator[np.ndarray]:
        while self._blocks:
            yield self._blocks.popleft()

    def told(self) -> dict[str, Any]:
        """What the page's script draws: the newest moments and the counts, most first."""
        counts = sorted(self._tally.counts.items(), key=lambda each: -each[1])[:SHOWN_COUNTS]
        return {
            "session": self.session,
            "number": self._number,
            "seconds": round(self.seconds, 3),
            "moments": [_told(number, moment) for number, moment in self._moments],
            "counts": counts,
        }


class Listeners:
    """Who listens, by session; at most `most` at once. One of whom nothing came for a while does not count."""

    def __init__(self, most: int = LISTENERS_AT_ONCE, lost_after: float = LOST_AFTER_SECONDS) -> None:
        self._most, self._lost_after = most, lost_after
        self._last: dict[str, float] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        with self._lock:
            self._forget_lost()
            return len(self._last)

    def admit(self, session: str) -> bool:
        """Whether a session may listen, or go on."""
        with self._lock:
            self._forget_lost()
            if session not in self._last and len(self._last) >= self._most:
                return False
            self._last[session] = time.monotonic()
            return True

    def leave(self, session: str | None) -> None:
        """A session has stopped."""
        with self._lock:
            self._last.pop(session or "", None)

    def _forget_lost(self) -> None:
        limit = time.monotonic() - self._lost_after
        self._last = {session: last for session, last in self._last.items() if last >= limit}


def read_piece(sound: Any, rate: Any) -> tuple[np.ndarray, int]:
    """A piece of sound as the page sends it: base64 of 16-bit samples, mono; as float32 (time,), and its rate in Hz.

    Raises:
        AudioReadError: it is none, or too long.
    """
    if isinstance(rate, bool) or not isinstance(rate, int) or not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise AudioReadError(texts.MICROPHONE, "it has no sampling rate")
    if not isinstance(sound, str) or len(sound) > 4 / 3 * 2 * (LONGEST_PIECE_SECONDS + 0.5) * rate:
        raise AudioReadError(texts.MICROPHONE, "the piece is too long")
    try:
        samples = np.frombuffer(base64.b64decode(sound, validate=True), "<i2")
    except ValueError as error:
        raise AudioReadError(texts.MICROPHONE, "it is no sound") from error
    return samples.astype(np.float32) / 32768, rate


def ended(why: str) -> dict[str, Any]:
    """What the page is told when listening has to end; `why` is a key of WORDS."""
    return {"ended": why, "number": next(_SESSIONS)}  # or the same once more would be no change


def is_over(listening: Listening) -> bool:
    """Whether a page has listened as long as it may."""
    return listening.seconds >= LONGEST_LISTENING_SECONDS


def _told(number: int, moment: Moment) -> list[Any]:
    label = moment.label if moment.label is not None else ("" if not moment.sound else None)
    start, end = round(moment.start, 3), round(moment.end, 3)
    return [number, start, end, label, round(moment.score, 3), moment.closest, round(moment.level_db, 1)]
