"""The one recording that each visitor has on the page: its file, the search in it, the table of its events.

What was uploaded lies in the visitor's private folder and goes with it, and so does the search.
"""

import os
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audiocls.audio.decoding import AudioInfo, mono, probe
from audiocls.audio.excerpts import read_excerpt
from audiocls.data.listing import shown
from audiocls.detection.options import DetectOptions
from audiocls.errors import AudioReadError, DataError
from audiocls.inference.classifier import AudioClassifier
from audiocls.ui.limits import LARGEST_UPLOAD_BYTES, LONGEST_RECORDING_SECONDS
from audiocls.ui.recording.search import Search
from audiocls.ui.recording.table import EventTable
from audiocls.ui.serving.visitors import Visitor
from audiocls.ui.serving.workspaces import Workspaces
from audiocls.ui.sound_view import picture_of_overview
from audiocls.ui.texts import UNREADABLE
from audiocls.ui.texts import recording as texts

_ROOM = "recording"  # in a visitor's folder


@dataclass
class Desk:
    """What one visitor has. own: the file is the visitor's upload, not one of this machine.

    picture: what the view shows. shown: the numbers of the events in it, in the order of its marks.
    """

    folder: Path
    path: Path
    name: str
    info: AudioInfo
    own: bool
    search: Search | None = None
    table: EventTable | None = None
    picture: dict[str, Any] | None = None
    shown: tuple[int, ...] = ()

    def find(self, classifier: AudioClassifier, options: DetectOptions) -> Search:
        """Begin to look for events; a search that goes on already stays the only one.

        Raises:
            AudioclsError: options that do not fit the model; too many are waiting.
        """
        if self.search is None or self.search.ended:
            search = Search(
                self.path,
                classifier,
                options,
                wanted=self.path.is_file if self.own else self.folder.is_dir,
                longest_seconds=LONGEST_RECORDING_SECONDS if self.own else None,
            )
            search.start()
            self.search, self.table, self.picture, self.shown = search, None, None, ()
        return self.search

    def tabulate(self) -> EventTable | None:
        """The table of a search that has ended; None before, and where it failed."""
        search = self.search
        if self.table is None and search is not None and search.state in ("done", "stopped"):
            self.table = EventTable(self.name, search.events, search.seconds, search.sampling_rate / 2)
            if search.overview is not None:
                self.picture = picture_of_overview(search.overview, search.seconds)
        return self.table

    def excerpt(self, start_seconds: float, end_seconds: float) -> tuple[np.ndarray, int]:
        """A part of the recording as it is in the file, mixed to mono: float32 (frames,), and its rate in Hz.

        Raises:
            AudioReadError: the file is gone, or over before.
        """
        rate, samples = read_excerpt(self.path, start_seconds, end_seconds)
        return np.nan_to_num(mono(samples), nan=0.0, posinf=0.0, neginf=0.0), rate


class Desks:
    """The desks of all visitors, by session; those of visitors who left are cleared."""

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces
        self._desks: dict[str, Desk] = {}
        self._lock = threading.Lock()

    def get(self, visitor: Visitor) -> Desk | None:
        """What a visitor has, None if nothing."""
        with self._lock:
            for session in [each for each, desk in self._desks.items() if not desk.folder.is_dir()]:
                del self._desks[session]
            return self._desks.get(visitor.session or "")

    def take_upload(self, visitor: Visitor, path: Path) -> Desk:
        """Put an uploaded file on the desk, in place of what is there: it moves to the visitor's folder.

        Raises:
            DataError: it is too large or too long, or cannot be read; it is deleted then.
        """
        folder = self._workspaces.folder(visitor) / _ROOM
        self.clear(visitor)
        shutil.rmtree(folder, ignore_errors=True)  # what a search still reads stays until it has ended
        folder.mkdir()
        try:
            size = path.stat().st_size
            if size > LARGEST_UPLOAD_BYTES:
                path.unlink()
                raise DataError(texts.TOO_LARGE.format(size=size / 1e6, limit=LARGEST_UPLOAD_BYTES / 1e6))
            mine = folder / f"sound{path.suffix}"
            try:
                os.replace(path, mine)
            except OSError:  # the folders lie on different disks
                shutil.move(path, mine)
        except OSError as error:
            raise DataError(texts.GONE) from error
        try:
            info = _checked(mine, path.name)
            if info.seconds is not None and info.seconds > LONGEST_RECORDING_SECONDS:
                limit = LONGEST_RECORDING_SECONDS / 3600
                raise DataError(texts.TOO_LONG.format(hours=info.seconds / 3600, limit=limit))
        except DataError:
            mine.unlink(missing_ok=True)
            raise
        return self._put(visitor, Desk(folder, mine, path.name, info, own=True))

    def take_file(self, visitor: Visitor, path: str) -> Desk:
        """Put a file of this machine on the desk; it stays where it is.

        Raises:
            DataError: this visitor may not name files, there is none, or it cannot be read.
        """
        if not visitor.local:
            raise DataError(texts.NOT_HERE)
        file = Path(path.strip()).expanduser()
        try:
            there = file.is_file()
        except (OSError, ValueError):
            there = False
        if not there:
            raise DataError(texts.NO_SUCH_FILE.format(path=shown(path.strip())[:200]))
        info = _checked(file, file.name)
        folder = self._workspaces.folder(visitor) / _ROOM
        self.clear(visitor)
        folder.mkdir(exist_ok=True)
        return self._put(visitor, Desk(folder, file, file.name, info, own=False))

    def clear(self, visitor: Visitor) -> None:
        """Stop what goes on and forget it."""
        with self._lock:
            desk = self._desks.pop(visitor.session or "", None)
        if desk is not None and desk.search is not None:
            desk.search.stop()

    def _put(self, visitor: Visitor, desk: Desk) -> Desk:
        with self._lock:
            self._desks[visitor.session or ""] = desk
        return desk


def _checked(path: Path, name: str) -> AudioInfo:
    try:
        return probe(path)
    except AudioReadError as error:
        raise DataError(f"{shown(name)}: {UNREADABLE.format(reason=error.reason)}") from error
