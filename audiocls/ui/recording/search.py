"""One recording heard from end to end in a thread of its own: how far it is, what was found, stopping it.

Few are heard at once, whoever asks; the others stand in line. It is heard as `audiocls detect` hears it, so the events
are the same. No gradio here; the page and the endpoint for programs both come here.
"""

import contextlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from audiocls.audio.streaming import AudioStream
from audiocls.corpus.hearing import BLOCK_SECONDS, in_order, remarks
from audiocls.corpus.overview import Overview
from audiocls.detection.detector import Detector
from audiocls.detection.event import Event
from audiocls.detection.options import DetectOptions
from audiocls.detection.scan import Windows
from audiocls.errors import AudioclsError, AudioReadError
from audiocls.inference.classifier import AudioClassifier
from audiocls.recordings.label_tables import TableEvent
from audiocls.recordings.label_writing import event_record
from audiocls.ui.hearing import compute_alone
from audiocls.ui.limits import RECORDINGS_AT_ONCE, RECORDINGS_WAITING
from audiocls.ui.texts import UNREADABLE
from audiocls.ui.texts import recording as texts

_LOOK_SECONDS = 0.25  # between two looks at whether to stop, while waiting
_NICENESS = 5  # who classifies a short sound meanwhile goes first
_BATCH_SIZE = 32  # as of the command line: last digits depend on it


class Line:
    """Who may listen now, in the order of coming.

    Args:
        places: how many at a time. longest: how many may wait besides.
    """

    def __init__(self, places: int, longest: int) -> None:
        self._places, self._longest = places, longest
        self._line: list[object] = []
        self._moved = threading.Condition()

    def join(self, one: object) -> None:
        """Stand in line.

        Raises:
            AudioclsError: it is too long.
        """
        with self._moved:
            if len(self._line) >= self._places + self._longest:
                raise AudioclsError(texts.TOO_MANY)
            self._line.append(one)

    def leave(self, one: object) -> None:
        with self._moved:
            if one in self._line:
                self._line.remove(one)
            self._moved.notify_all()

    def ahead(self, one: object) -> int:
        """How many must be done before its turn comes: 0 when it is."""
        with self._moved:
            return max(0, self._line.index(one) - self._places + 1) if one in self._line else 0

    def wait(self, one: object, ended: Callable[[], bool]) -> None:
        """Until its turn comes, or it is ended."""
        with self._moved:
            while self.ahead(one) and not ended():
                self._moved.wait(_LOOK_SECONDS)


LINE = Line(RECORDINGS_AT_ONCE, RECORDINGS_WAITING)


class Search:
    """Hearing one recording; `start` begins, then look at it from time to time.

    state: "waiting", "listening", then "done", "stopped" or "failed". events: what was found so far, once it has
    ended in order. seconds: heard so far. expected_seconds: in all, None where the file does not tell. notes: what
    is to be said of the file. cut: whether it is longer than what may be heard. problem: why it failed, one line.
    overview: the spectrogram of what was heard.

    Args:
        wanted: looked at before every block; listening ends where it says no (the visitor left).
        longest_seconds: what comes later is not heard; None for all of it.

    Raises:
        UsageError: options that do not fit the model.
    """

    def __init__(
        self,
        path: str | Path,
        classifier: AudioClassifier,
        options: DetectOptions | None = None,
        *,
        wanted: Callable[[], bool] = lambda: True,
        longest_seconds: float | None = None,
        line: Line = LINE,
    ) -> None:
        self.state: Literal["waiting", "listening", "done", "stopped", "failed"] = "waiting"
        self.events: list[Event] = []
        self.seconds, self.took_seconds = 0.0, 0.0
        self.expected_seconds: float | None = None
        self.notes: list[str] = []
        self.cut = False
        self.silent = True
        self.problem: str | None = None
        self.overview: Overview | None = None
        self.sampling_rate = classifier.sampling_rate
        self._path, self._wanted, self._longest, self._line = str(path), wanted, longest_seconds, line
        self._detector = Detector(classifier, options or DetectOptions(), self._told, _BATCH_SIZE, num_threads=1)
        self.labels = [each for each, told in zip(self._plan.labels, self._plan.reported, strict=True) if told]
        self._stopping = threading.Event()
        self._began = 0.0
        self._thread: threading.Thread | None = None

    @property
    def _plan(self) -> Any:
        return self._detector.plan

    @property
    def ended(self) -> bool:
        return self.state in ("done", "stopped", "failed")

    @property
    def ahead(self) -> int:
        """How many recordings must be done before this one begins."""
        return self._line.ahead(self)

    def seconds_left(self) -> float | None:
        """Until it is done, as far as can be told."""
        if not self.expected_seconds or not self.seconds:
            return None
        speed = self.seconds / max(time.monotonic() - self._began, 1e-3)
        return max(0.0, self.expected_seconds - self.seconds) / speed

    def start(self) -> None:
        """Begin, in a thread.

        Raises:
            AudioclsError: too many are waiting.
        """
        self._line.join(self)
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end at its next block; what was found so far stays."""
        self._stopping.set()

    def join(self) -> None:
        """Wait until it has ended."""
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._line.wait(self, self._unwanted)
            self.state = "listening"
            self._began = time.monotonic()
            _be_polite()
            stopped = self._listen()
            self.events = in_order(self.events)
            self.took_seconds = time.monotonic() - self._began
            self.state = "stopped" if stopped else "done"
        except AudioReadError as error:
            self._fail(UNREADABLE.format(reason=error.reason))
        except AudioclsError as error:
            self._fail(str(error))
        except Exception:  # noqa: BLE001 - a mistake of ours: it is for the log, and the app goes on
            if self._wanted():  # else it is the file that went with the visitor
                print(traceback.format_exc(), file=sys.stderr)
            self._fail(texts.BROKEN)
        finally:
            self._line.leave(self)

    def _listen(self) -> bool:
        """Hear the file; whether it was stopped before its end."""
        stream = AudioStream(self._path, self.sampling_rate, BLOCK_SECONDS)
        stopped = False
        with contextlib.closing(_blocks(stream)) as blocks:  # also when stopped: its thread ends
            for block in blocks:
                if self.overview is None:
                    self.expected_seconds = stream.expected_seconds
                    self.overview = Overview(self.sampling_rate, stream.expected_seconds)
                if self._unwanted():
                    stopped = True
                    break
                if self._longest is not None and stream.seconds > self._longest + BLOCK_SECONDS:
                    self.notes.append(texts.CUT_AT_LIMIT.format(hours=self._longest / 3600))
                    self.cut = True
                    break
                self.events += self._detector.push(block)
                self.overview.push(block)
                self.seconds = stream.seconds
        self.events += self._detector.finish()
        self.notes += [*stream.notes, *remarks(self.silent, self.seconds, self._plan)]
        return stopped

    def _told(self, windows: Windows) -> None:
        self.silent = self.silent and bool(np.isneginf(windows.known).all())

    def _unwanted(self) -> bool:
        return self._stopping.is_set() or not self._wanted()

    def _fail(self, problem: str) -> None:
        """It failed; but not where only the visitor left, and the file with them."""
        self.problem = problem
        self.state = "failed" if self._wanted() else "stopped"


def detect_events(
    path: str | Path,
    classifier: AudioClassifier,
    options: DetectOptions | None = None,
    longest_seconds: float | None = None,
) -> list[dict[str, Any]]:
    """The events of a recording as `audiocls detect` finds them; it waits for its turn.

    Args:
        longest_seconds: what comes later is not heard; None for all of it.

    Returns:
        In order of start: {"start_seconds", "end_seconds", "label", "peak_score", "mean_score"}, rounded as in tables.
        Where it was not heard to its end, a last row {"note"} says so.

    Raises:
        AudioclsError: options that do not fit the model, a file that cannot be read, too many that wait.
    """
    search = Search(path, classifier, options, longest_seconds=longest_seconds)
    search.start()
    search.join()
    if search.problem is not None:
        raise AudioclsError(search.problem)
    events = [event_record(TableEvent(None, event), False) for event in search.events]
    return [*events, {"note": "; ".join(search.notes)}] if search.cut else events


def _blocks(stream: AudioStream) -> Generator[np.ndarray, None, None]:
    yield from stream


def _be_polite() -> None:
    """Have this thread compute behind whoever waits for an answer, where threads have niceness, and on one core.

    On more, sums would be added up in another order, and last digits would be others than those of the command line.
    """
    compute_alone()
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + _NICENESS)
