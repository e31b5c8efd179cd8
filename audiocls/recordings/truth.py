"""Which events a person says are in which recordings: tables matched with files by name."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from audiocls.data.listing import shown, some
from audiocls.errors import DataError
from audiocls.recordings.label_tables import TableEvent, is_table, read_events, table_stem
from audiocls.recordings.naming import Names, named_recording, recording_names

END_SLACK_SECONDS = 0.1  # by which a table's last event may end behind the recording: people round
# Written beside recordings by this program and others, and never what a person says is there.
OTHER_TABLES = ("events", "results", "metadata", "attribution", "readme", "license", "licence")
RESULT_FILES = frozenset({"detection.json", "metrics.json"})  # of folders in which are events that a model found


@dataclass
class Truth:
    """True events by recording, as its path was given.

    notes: what was left out and why, a line each.
    """

    events: dict[str, list[TableEvent]]
    notes: list[str] = field(default_factory=list)


def read_truth(
    source: str | Path, recordings: Sequence[str], labels: Sequence[str], unnamed_are_empty: bool = False
) -> Truth:
    """The true events of recordings, from one table or from several.

    Args:
        source: a table whose column of recordings names them, or that belongs to the only recording or to the one of
            its name; or a folder, which is searched throughout, or a pattern of such tables. A table in a folder below
            belongs to a recording in a folder of that name. A recording is named by its path or the end of it, with or
            without the ending of the file's name.
        labels: of the model.
        unnamed_are_empty: recordings that no table tells of hold no events, instead of being left out.

    Raises:
        DataError: a table cannot be read; it names a recording that is not there or that could be any of several, or a
            label that the model does not know; no recording has a table.
    """
    tables, searched = _tables(str(source))
    known = recording_names(recordings)
    by_recording: dict[str, list[TableEvent]] = {}
    owners: dict[str, str] = {}
    idle: list[str] = []
    for table in tables:
        folder = Path(table).relative_to(source).parent if searched else None
        own = _owner(table, folder, recordings, alone=not searched and len(tables) == 1)
        rows = _rows(table, strict=own is not None or not searched)
        for row in rows or ():
            if row.recording is not None:
                _check_label(row, labels)
                by_recording.setdefault(_named(known, row, recordings), []).append(row)
        unnamed = [row for row in rows or () if row.recording is None]
        if rows and not unnamed:
            continue
        if own is None and searched:
            idle.append(table)
        elif own is None:
            where = unnamed[0].where if unnamed else shown(table)
            raise DataError(
                f"{where}: no recording is named, and none is called {shown(table_stem(table))}; add a column "
                "recording, or name the table as the recording"
            )
        elif own in owners:
            raise DataError(f"{shown(table)} and {shown(owners[own])} both tell of {shown(own)}; leave one of them out")
        else:
            owners[own] = table
            for row in unnamed:
                _check_label(row, labels)
            by_recording.setdefault(own, []).extend(unnamed)
    if not by_recording:
        raise DataError(f"{shown(str(source))}: it tells of none of the recordings ({some(list(recordings))})")
    notes = [f"tables that belong to no recording: {some(idle)}"] if idle else []
    left = [file for file in recordings if file not in by_recording]
    if left and unnamed_are_empty:
        notes.append(f"taken to hold no events, since no table tells of them: {some(left)}")
        by_recording |= {file: [] for file in left}
    elif left:
        notes.append(f"left out, since no table tells of them (a table without events would do): {some(left)}")
    return Truth({file: by_recording[file] for file in recordings if file in by_recording}, notes)


def check_ends(rows: Sequence[TableEvent], file: str, seconds: float) -> None:
    """Raise DataError if an event ends behind the end of the recording, or starts there."""
    for row in rows:
        if row.event.end_seconds > seconds + END_SLACK_SECONDS:
            raise DataError(
                f"{row.where}: the event ends at {row.event.end_seconds:g} s, but {shown(file)} is over at "
                f"{seconds:.2f} s; is the table of another recording?"
            )


def _check_label(row: TableEvent, labels: Sequence[str]) -> None:
    if row.event.label not in labels:
        raise DataError(
            f"{row.where}: the model has no class {shown(row.event.label)!r}; it has {some(list(labels), most=12)}. "
            "Rename the label or take the row out"
        )


def _rows(table: str, strict: bool) -> list[TableEvent] | None:
    """The rows of a table; None of a file that may be something else, and is."""
    if strict:
        return read_events(table)
    if table_stem(table).casefold() in OTHER_TABLES:
        return None
    try:
        return read_events(table)
    except DataError:
        return None


def _tables(source: str) -> tuple[list[str], bool]:
    """The tables, and whether they were searched for in a folder, where there may be other files, too."""
    if os.path.isdir(source):
        found = sorted(_tables_below(source), key=os.fsencode)
        if not found:
            raise DataError(f"{shown(source)}: the folder holds no tables of events (.csv, .txt or .json)")
        return found, True
    if os.path.exists(source) or not glob.has_magic(source):
        return [source], False
    found = sorted(path for path in glob.glob(source, recursive=True) if os.path.isfile(path))
    if not found:
        raise DataError(f"{shown(source)}: no file fits this pattern")
    return found, False


def _tables_below(folder: str) -> Iterator[str]:
    """Tables at any depth, but for hidden folders and what this program found; links are followed, circles are not."""
    met: set[str] = set()
    for here, below, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(here)
        if real in met or (here != folder and not RESULT_FILES.isdisjoint(files)):
            below.clear()
            continue
        met.add(real)
        below[:] = sorted(name for name in below if not name.startswith("."))
        yield from (os.path.join(here, name) for name in files if is_table(Path(name)))


def _owner(table: str, folder: Path | None, recordings: Sequence[str], alone: bool) -> str | None:
    """The recording that a table without names belongs to.

    Args:
        folder: the table's, from the one that was searched; None where none was.
        alone: it is the only table, and belongs to the only recording whatever its name.
    """
    stem = table_stem(table).casefold()
    fitting = [file for file in recordings if _stem(file) == stem or Path(file).name.casefold() == stem]
    beside = [file for file in fitting if Path(file).parent.resolve() == Path(table).parent.resolve()]
    if folder is not None and not beside:  # recorders on different sites give files the same names
        named = len(folder.parts)
        fitting = [file for file in fitting if not named or Path(file).resolve().parent.parts[-named:] == folder.parts]
        root = os.path.commonpath([Path(file).resolve().parent for file in recordings])
        beside = [file for file in fitting if Path(file).resolve().parent == Path(root) / folder]
    if len(fitting) > 1:
        if len(beside) != 1:
            raise DataError(
                f"{shown(table)}: it could belong to {some(fitting)}; add a column recording with the folder"
            )
        return beside[0]
    if fitting:
        return fitting[0]
    return recordings[0] if alone and len(recordings) == 1 else None


def _named(known: Names, row: TableEvent, recordings: Sequence[str]) -> str:
    """The recording that a row names; the same sound may have been annotated in a file of another format."""
    name = str(row.recording)
    for each in (name, name.rpartition(".")[0]):
        found = named_recording(known, each, row.where) if each else None
        if found is not None:
            return found
    raise DataError(f"{row.where}: recording {shown(name)!r} is not among the recordings ({some(list(recordings))})")


def _stem(file: str) -> str:
    return Path(file).stem.casefold()
