"""What `segment` has done in a folder, recording by recording, so that an interrupted call can be taken up.

A recording's clips are written in a hidden folder, then its journal is, then the clips are moved to their places, and
the journal is marked as done. Whatever is interrupted is either begun anew or carried to its end.
"""

import hashlib
import json
import os
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from audiocls.cutting.class_folders import safe_name
from audiocls.data.listing import shown
from audiocls.errors import OutputError, UsageError
from audiocls.model_folder import explained
from audiocls.whole_files import write_text

HIDDEN = ".segments"


@dataclass
class Entry:
    """One recording. `rows` are those of segments.csv; `files` say where clips go, by their names in `HIDDEN`."""

    recording: str  # its full path
    given: str  # its path as it was given
    name: str  # that its clips begin with: its group
    source: list[int]  # size and time of change, as of `stamp`
    settings: dict[str, Any]
    labels: str  # a digest of its labelled events
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    done: bool = False


class Journal:
    """The entries in an output folder.

    Args:
        root: the output folder; made if it is not there.
        overwrite: forget what was done, and remove the clips that were written.

    Raises:
        UsageError: the folder holds something else, or an earlier call's journal is not readable.
        OutputError: it cannot be written.
    """

    def __init__(self, root: Path, overwrite: bool = False) -> None:
        self.root, self.folder = root, root / HIDDEN
        self.entries: dict[str, Entry] = {}  # by full path
        self._names: set[str] = set()
        if root.exists() and not root.is_dir():
            raise UsageError(f"{shown(str(root))} is a file; choose another --output_dir")
        if root.is_dir() and not self.folder.is_dir() and any(root.iterdir()):
            raise UsageError(f"{shown(str(root))} holds other files; choose another --output_dir")
        with explained(root):
            self.folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(self.folder.glob("*.json")):
            try:
                entry = Entry(**json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError) as error:
                raise UsageError(f"{path}: not readable; pass --overwrite to cut anew, or remove it") from error
            if overwrite:
                self._remove(entry)
                path.unlink()
            else:
                self.entries[entry.recording] = entry
                self._names.add(entry.name.casefold())
                if not entry.done:
                    self.complete(entry)

    def free_name(self, recording: str) -> str:
        """A name for the clips of a recording that no other one has: that of its file, of its folder and it, ..."""
        path = Path(recording)
        names = [safe_name(path.stem), safe_name(f"{path.parent.name}-{path.stem}")]
        number = 2
        while (name := names.pop(0)).casefold() in self._names:
            if not names:
                names.append(safe_name(f"{path.stem}-{number}"))
                number += 1
        self._names.add(name.casefold())
        return name

    def workplace(self, entry: Entry) -> Path:
        """An empty folder to write the clips of a recording in."""
        folder = self.folder / f"{entry.name}.partial"
        with explained(folder):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        return folder

    def complete(self, entry: Entry) -> None:
        """Move the clips of a recording from its workplace to where they belong; repeatable.

        Raises:
            OutputError: a file of that name is there already, or cannot be written.
        """
        workplace = self.folder / f"{entry.name}.partial"
        if entry.recording not in self.entries:
            for place in entry.files.values():
                if os.path.lexists(self.root / place):
                    raise OutputError(f"{self.root / place}: is there already and was not written from this recording")
            self._write(entry)
            self.entries[entry.recording] = entry
        for name, place in entry.files.items():
            target = self.root / place
            with explained(target):
                if (workplace / name).exists():
                    target.parent.mkdir(exist_ok=True)
                    os.replace(workplace / name, target)
        entry.done = True
        self._write(entry)
        shutil.rmtree(workplace, ignore_errors=True)

    def _write(self, entry: Entry) -> None:
        write_text(self.folder / f"{entry.name}.json", json.dumps(asdict(entry), ensure_ascii=True, indent=1))

    def _remove(self, entry: Entry) -> None:
        for place in entry.files.values():
            with explained(self.root / place):
                (self.root / place).unlink(missing_ok=True)
            with suppress(OSError):  # other files are in it
                (self.root / place).parent.rmdir()
        shutil.rmtree(self.folder / f"{entry.name}.partial", ignore_errors=True)


def stamp(path: str) -> list[int]:
    """What tells whether a file has changed since: its size and the time of its last change."""
    status = os.stat(path)
    return [status.st_size, status.st_mtime_ns]


def digest(events: object) -> str:
    """A short text that differs where the events do."""
    return hashlib.sha256(repr(events).encode("utf-8", "backslashreplace")).hexdigest()[:16]
