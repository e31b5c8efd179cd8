"""What was found in each recording, kept in the output folder as it comes: what a stopped run goes on from.

A recording's part is one small JSON file that appears whole, after everything else that was made for the recording. It
counts as long as the recording's size and time of change are the same. A damaged part counts as absent.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from audiocls.detection.event import Event
from audiocls.errors import OutputError
from audiocls.whole_files import write_text

OK, PARTIAL, FAILED = "ok", "partial", "failed"
PARTS = ".parts"
PART_VERSION = 1


@dataclass(frozen=True)
class Part:
    """What is known of one recording.

    stamp: size and time of change of the file. status: "ok", "partial" (it ends early) or "failed" (nothing could be
    read). reason: what is to be said of it, or "". recorded_at: ISO time, or "". made: what was made besides, of
    "scores" and "timeline".
    """

    recording: str
    stamp: str
    status: str = OK
    reason: str = ""
    duration_seconds: float = 0.0
    recorded_at: str = ""
    events: Sequence[Event] = ()
    made: tuple[str, ...] = field(default=())


def file_stamp(path: str) -> str:
    """What changes when a file changes: its size and time of change; "" when there is no such file."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return ""
    return f"{status.st_size}:{status.st_mtime_ns}"


class Parts:
    """The parts in an output folder. Several processes may write at the same time, each its own recordings."""

    def __init__(self, output_dir: Path) -> None:
        self.folder = output_dir / PARTS

    def write(self, part: Part) -> None:
        """Keep a part, in place of an earlier one.

        Raises:
            OutputError: it cannot be written.
        """
        told = asdict(part) | {"version": PART_VERSION}
        told["events"] = [list(asdict(event).values()) for event in part.events]
        write_text(self._path(part.recording), json.dumps(told, separators=(",", ":")) + "\n")

    def read(self, recording: str) -> Part | None:
        """The part of a recording, whatever the file is like now; None if there is none."""
        return _read(self._path(recording))

    def finished(self, recording: str, wanted: Sequence[str] = ()) -> Part | None:
        """The part, if the file is what it was and all that is wanted was made; a failed recording is tried again."""
        part = self.read(recording)
        if part is None or part.status == FAILED or part.stamp != file_stamp(recording):
            return None
        return part if set(wanted) <= set(part.made) else None

    def drop_outdated(self, recording: str) -> None:
        """Forget the part of a recording that is not what it was, so that no table tells of it any more."""
        part = self.read(recording)
        if part is not None and part.stamp != file_stamp(recording):
            self._path(recording).unlink(missing_ok=True)

    def __iter__(self) -> Iterator[Part]:
        """All parts, in no order."""
        with contextlib.suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.endswith(".json") and not entry.name.startswith("."):
                    part = _read(Path(entry.path))
                    if part is not None:
                        yield part

    def scores_path(self, recording: str) -> Path:
        """Where the scores of a recording's windows are kept."""
        return self._path(recording).with_suffix(".parquet")

    def _path(self, recording: str) -> Path:
        return self.folder / f"{hashlib.sha256(os.fsencode(recording)).hexdigest()[:24]}.json"


def _read(path: Path) -> Part | None:
    try:
        told = json.loads(path.read_bytes())
        if told.pop("version") != PART_VERSION:
            return None
        told["events"] = tuple(Event(*event) for event in told["events"])
        return Part(**told | {"made": tuple(told["made"])})
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OutputError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
