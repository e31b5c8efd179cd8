"""Many files classified one after the other, in a thread that can be watched and stopped. It knows no page.

The files are heard exactly as `audiocls predict` hears them, in the same groups, so that its CSV is the same to the
byte.
"""

import io
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from audiocls.data.archives import ZipLimits, unpack
from audiocls.data.listing import relative_name, shown
from audiocls.data.tree import audio_files
from audiocls.errors import AudioReadError, DataError, OutputError
from audiocls.inference.answers import NONE_OF_THESE, Answer
from audiocls.inference.classifier import AudioClassifier
from audiocls.predictions import best, find_audio, record, write_csv
from audiocls.ui.limits import LARGEST_BATCH_BYTES, MOST_BATCH_FILES
from audiocls.ui.sounds import read_within_limits
from audiocls.ui.texts import batch as texts

NEXT_LABELS = 3
LEAST_SHOWN = 0.001  # a score of a next label

_log = logging.getLogger(__name__)


class Given(NamedTuple):
    """A file that a visitor gave: what it is called, and where it lies."""

    name: str
    path: Path


def sounds_of(given: Sequence[Given], folder: Path) -> list[Given]:
    """The files, and the sounds in those that are zips, called as in their zip.

    Args:
        folder: an empty folder of the visitor's, into which zips are unpacked.

    Raises:
        DataError: a zip is refused (see `data.archives.unpack`) or holds no sound; there are too many files.
        OutputError: there is no room.
    """
    found: list[Given] = []
    for number, one in enumerate(given):
        if one.path.suffix.lower() != ".zip":
            found.append(one)
            continue
        target = folder / str(number)
        limits = ZipLimits(MOST_BATCH_FILES, LARGEST_BATCH_BYTES)
        try:
            unpack(one.path, target, limits, name=one.name, quiet=True)
        except OSError as error:
            reason = (error.strerror or "error").lower()
            raise OutputError(texts.CANNOT_UNPACK.format(name=shown(one.name), reason=reason)) from error
        before = "" if len(given) == 1 else f"{Path(one.name).stem}/"
        inside = [Given(before + relative_name(path, target), path) for path in audio_files(target)]
        if not inside:
            raise DataError(texts.NO_SOUNDS.format(name=shown(one.name)))
        found += inside
    return _counted(found)


def sounds_in(folder: str) -> list[Given]:
    """The sounds in a folder of this machine, called as `audiocls predict` calls them.

    Raises:
        DataError: there is no such folder, no sound in it, or too many.
    """
    return _counted([Given(str(path), path) for path in find_audio([folder])])


def _counted(files: list[Given]) -> list[Given]:
    if len(files) > MOST_BATCH_FILES:
        raise DataError(texts.TOO_MANY.format(number=len(files), limit=MOST_BATCH_FILES))
    return files


class Batch:
    """Files that are being classified. One that cannot be read does not keep the others from it.

    Args:
        most_seconds: of sound in all; None for any number.
        wanted: asked before each file whether somebody still wants it.
    """

    def __init__(
        self,
        classifier: AudioClassifier,
        files: Sequence[Given],
        most_seconds: float | None = None,
        wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        self.files = files
        self.read = 0  # files
        self.answers: list[Answer | AudioReadError] = []
        self._classifier = classifier
        self._most_seconds = most_seconds
        self._wanted = wanted
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._too_long = self._broken = False

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    @property
    def share(self) -> float:
        """How much is done, 0 to 1; to read a file and to answer it count the same."""
        return (self.read + len(self.answers)) / (2 * len(self.files)) if self.files else 1.0

    def start(self) -> None:
        """Begin, in a thread of its own."""
        threading.Thread(target=self.run, daemon=True).start()

    def stop(self) -> None:
        """Ask it to read no further file; what was read is still answered."""
        self._stopping.set()

    def run(self) -> None:
        """Classify all, in this thread."""
        try:
            for answer in self._classifier.stream_answers(self._clips(), on_error="return"):
                self.answers.append(answer)
        except Exception:  # noqa: BLE001 - a mistake of ours: it is for the log, and the page is told
            _log.exception("a batch of files")
            self._broken = True
        finally:
            self._ended.set()

    def _clips(self) -> Iterator[dict[str, Any] | AudioReadError]:
        rate, seconds = self._classifier.sampling_rate, 0.0
        for file in self.files:
            if self._stopping.is_set() or not self._wanted():
                return
            try:
                clip: Any = {"array": read_within_limits(file.path, rate), "sampling_rate": rate}
                seconds += len(clip["array"]) / rate
            except AudioReadError as error:
                clip = error
            if self._most_seconds is not None and seconds > self._most_seconds:
                self._too_long = True
                return
            self.read += 1
            yield clip

    def told(self) -> str:
        """How far it is, or how it ended, in a line."""
        counts = {"done": len(self.answers), "number": len(self.files), "read": self.read}
        if not self.ended:
            return (texts.READING if self.read > len(self.answers) else texts.PROGRESS).format(**counts)
        if self._broken:
            return texts.BROKEN.format(**counts)
        if self._too_long:
            return texts.TOO_LONG.format(**counts, hours=(self._most_seconds or 0) / 3600)
        return (texts.DONE if len(self.answers) == len(self.files) else texts.STOPPED).format(**counts)

    def csv(self) -> str:
        """The table of `audiocls predict --format csv`."""
        out = io.StringIO()
        answered = ((Path(file.name), answer) for file, answer in zip(self.files, list(self.answers), strict=False))
        write_csv(self._classifier.labels, answered, 0, out)
        return out.getvalue()

    def records(self) -> list[dict[str, Any]]:
        """What `audiocls predict --format json` tells of each file, with all labels."""
        labels = self._classifier.labels
        answered = zip(self.files, list(self.answers), strict=False)
        return [record(labels, Path(file.name), answer, len(labels)) for file, answer in answered]

    def rows(self) -> list[list[Any]]:
        """For each file answered so far what `texts.HEADERS` names."""
        labels = self._classifier.labels
        return [_row(labels, file.name, answer) for file, answer in zip(self.files, list(self.answers), strict=False)]

    def counts(self) -> list[tuple[str, int]]:
        """How many files got each answer, the most frequent first; those that could not be read last."""
        counted: Counter[str] = Counter()
        failed = 0
        for answer in list(self.answers):
            if isinstance(answer, AudioReadError):
                failed += 1
            else:
                counted.update(answer.labels or [NONE_OF_THESE])
        return counted.most_common() + ([(texts.NOT_READ, failed)] if failed else [])


def _row(labels: Sequence[str], name: str, answer: Answer | AudioReadError) -> list[Any]:
    if isinstance(answer, AudioReadError):
        return [shown(name), "", None, "", answer.reason]
    told = ", ".join(answer.labels) or NONE_OF_THESE
    score = answer.label_scores[0] if answer.labels else answer.closest_score
    others = np.array([0 if label in answer.labels else 1 for label in labels]) * answer.scores
    more = best(list(labels), others, NEXT_LABELS + len(answer.labels))
    following = [
        f"{row['label']} {row['score']:.3f}"
        for row in more
        if row["label"] not in answer.labels and row["score"] >= LEAST_SHOWN
    ]
    return [shown(name), told, round(float(score), 4), ", ".join(following[:NEXT_LABELS]), ""]
