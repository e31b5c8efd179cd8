"""Tables of events as people and programs write them, read: our CSV, DCASE's, Audacity labels, Raven tables, JSON.

The format is told by what is in the file, not by its name. Nothing is read of what a table says beyond events.
"""

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audiocls.data.listing import class_name, shown
from audiocls.detection.event import Event
from audiocls.errors import DataError

# Names of columns, blanks as "_"; the first one that a table has counts. "file_offset_(s)" comes first: in a Raven
# table of several files the begin time is counted from the start of the first file.
START = (
    *("start_seconds", "file_offset_(s)", "begin_time_(s)", "onset", "event_onset"),
    *("start", "start_(s)", "start_time", "begin", "time"),
)
END = ("end_seconds", "end_time_(s)", "offset", "event_offset", "end", "end_(s)", "end_time", "stop")
DURATION = ("duration_seconds", "delta_time_(s)", "duration")
LABEL = ("label", "event_label", "annotation", "class", "common_name", "species", "category", "event")
RECORDING = ("recording", "filename", "file_name", "begin_file", "file", "begin_path", "path")
PEAK = ("peak_score", "score", "confidence")
MEAN = ("mean_score",)

# Ends of names of label files, each longer one before what it ends in.
TABLE_SUFFIXES = (".selections.txt", ".labels.txt", ".events.csv", ".events.json", ".txt", ".csv", ".tsv", ".json")


@dataclass(frozen=True)
class TableEvent:
    """An event in a table, the recording that the table names for it (None: it names none), and where it stands."""

    recording: str | None
    event: Event
    where: str = field(default="", compare=False)  # file and line, for messages


def read_events(path: str | Path) -> list[TableEvent]:
    """The events of a table, in its order; labels without outer blanks.

    Understood are tables with a header (commas, semicolons or tabs; see the names above; other columns do not count),
    Audacity's label files (also with ranges of frequency), tables without a header of start, end and label or of file,
    start, end and label, Raven's selection tables, and JSON: a list of objects, or one with "events". An event may have
    no length, as Audacity's points. An empty table holds no events. Scores that are not given are 1.

    Raises:
        DataError: unreadable, no text, a missing column, a time or score that is no number or out of range, no label;
            it names the file, the line and the field.
    """
    name = shown(str(path))
    text = _text(Path(path), name)
    if not text.strip():
        return []
    if text.lstrip()[0] in "[{":
        return list(_json_events(text, name))
    return list(_table_events(text, name))


def table_stem(path: str | Path) -> str:
    """A table's name without what tells its format: that of the recording it may belong to."""
    name = Path(path).name
    return next((name[: -len(end)] for end in TABLE_SUFFIXES if name.lower().endswith(end)), name)


def is_table(path: Path) -> bool:
    """Whether a file's name is that of a table of events."""
    return path.name.lower().endswith(TABLE_SUFFIXES) and not path.name.startswith(".")


def _text(path: Path, name: str) -> str:
    try:
        encoded = path.read_bytes()
        wide = encoded.startswith((b"\xff\xfe", b"\xfe\xff"))
        return encoded.decode("utf-16" if wide else "utf-8-sig").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: the table is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise DataError(f"{name}: the table cannot be read: {error.strerror}") from error


def _table_events(text: str, name: str) -> Iterator[TableEvent]:
    rows = _rows(text, name)
    first_line, first = rows[0]
    names = (
        None if _is_number(first[0]) or (len(first) > 3 and _is_number(first[1])) else [_key(cell) for cell in first]
    )
    if names is None:  # no header
        names = ["start_seconds", "end_seconds", "label"]
        if not _is_number(first[0]):
            names = ["recording", *names]
    else:
        rows = rows[1:]
        _require_columns(names, first, f"{name}, line {first_line}")
    selections: set[str] = set()
    for line, cells in rows:
        if cells[0].strip() == "\\":  # Audacity: the range of frequencies of the label above
            continue
        record = dict(zip(reversed(names), reversed([*cells, *[""] * len(names)][: len(names)]), strict=True))
        selection = record.get("selection", "") if "view" in names else ""
        if selection and selection in selections:  # Raven writes a selection once for each view of it
            continue
        selections.add(selection)
        yield _event(record, f"{name}, line {line}")


def _rows(text: str, name: str) -> list[tuple[int, list[str]]]:
    """The rows that hold something, each with the number of its first line."""
    header = next(line for line in text.splitlines() if line.strip())
    delimiter = max("\t;,", key=header.count)
    # Audacity and Raven write labels as they are; others put those that hold quotes into quotes.
    headless, raven = _is_number(header.split("\t")[0]), "(s)" in header and '"' not in header
    plain = delimiter == "\t" and (headless or raven)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, quoting=csv.QUOTE_NONE if plain else csv.QUOTE_MINIMAL
    )
    rows = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{name}, line {line}: not a valid table: {error}") from error
    return rows


def _require_columns(names: Sequence[str], written: Sequence[str], where: str) -> None:
    has = ", ".join(shown(cell.strip()) for cell in written)
    for known, told in (
        (START, "start_seconds (or onset, Begin Time (s), ...)"),
        ((*END, *DURATION), "end_seconds (or offset, End Time (s), duration, ...)"),
        (LABEL, "label (or event_label, Annotation, ...)"),
    ):
        if not any(each in names for each in known):
            raise DataError(f"{where}: there is no column {told}; the table has {has}")


def _json_events(text: str, name: str) -> Iterator[TableEvent]:
    try:
        held: Any = json.loads(text)
    except ValueError as error:
        raise DataError(f"{name}: not valid JSON: {error}") from error
    own = held.get("recording") if isinstance(held, dict) else None
    held = held.get("events") if isinstance(held, dict) else held
    if not isinstance(held, list):
        raise DataError(f"{name}: it must hold a list of events, or an object with the list as its field events")
    for number, record in enumerate(held, start=1):
        where = f"{name}, event {number}"
        if not isinstance(record, dict):
            raise DataError(f"{where}: it is {_told(record)}; it must be an object with start_seconds and the like")
        named = {_key(key): value for key, value in record.items()}
        _require_columns(list(named), list(record), where)
        if own is not None and "recording" not in named:
            named["recording"] = own
        yield _event(named, where)


def _event(record: dict[str, Any], where: str) -> TableEvent:
    """The event in one row, its fields by key, as text or, from JSON, as they are."""
    key, written = _first(record, START)
    start = _seconds(key, written, where)
    ends = _first(record, END)
    if ends[0] and not (key == "file_offset_(s)" and "begin_time_(s)" in record):
        end = _seconds(*ends, where)
    elif ends[0]:  # both begin and end are counted from the start of the first file
        begin = _seconds("begin_time_(s)", record["begin_time_(s)"], where)
        end = _seconds(*ends, where) + (start - begin)
    else:
        end = start + _seconds(*_first(record, DURATION), where)
    if end < start:
        told = ends[0] or "duration"
        raise DataError(f"{where}: {told} is {end:g}, before the start at {start:g}; an event ends after it starts")
    key, label = _first(record, LABEL)
    if not isinstance(label, str) or not class_name(label):
        raise DataError(f"{where}: {key} is {_told(label)}; every event needs a label")
    _, recording = _first(record, RECORDING)
    if recording is not None and not isinstance(recording, str):
        raise DataError(f"{where}: recording is {_told(recording)}; it must be the name of a file")
    peak = _score(*_first(record, PEAK), where, 1.0)
    mean = _score(*_first(record, MEAN), where, peak)
    return TableEvent((recording or "").strip() or None, Event(start, end, class_name(label), peak, mean), where)


def _first(record: dict[str, Any], known: Sequence[str]) -> tuple[str, Any]:
    """The first of the known names that the row has, and its value; ("", None) if there is none."""
    return next(((key, record[key]) for key in known if key in record), ("", None))


def _seconds(key: str, value: Any, where: str) -> float:
    seconds = _number(value)
    if seconds is None or not math.isfinite(seconds):
        raise DataError(f"{where}: {key} is {_told(value)}; it must be a number of seconds")
    if seconds < 0:
        raise DataError(f"{where}: {key} is {seconds:g}; times are counted from the start and never negative")
    return seconds


def _score(key: str, value: Any, where: str, missing: float) -> float:
    if value is None or value == "":
        return missing
    score = _number(value)
    if score is None or not 0 <= score <= 1:
        raise DataError(f"{where}: {key} is {_told(value)}; a score lies between 0 and 1 (or leave the column out)")
    return score


def _number(value: Any) -> float | None:
    """A number as programs write it, also with a decimal comma."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, str) and not re.fullmatch(r"\s*[-+]?(\d+[.,]?\d*|[.,]\d+)(e[-+]?\d+)?\s*", value, re.I | re.A):
        return None
    try:
        return float(value.replace(",", ".") if isinstance(value, str) else value)
    except OverflowError:  # an integer of hundreds of digits
        return None


def _is_number(cell: str) -> bool:
    return _number(cell) is not None


def _key(name: str) -> str:
    return re.sub(r"[\s_]+", "_", name.strip().lower())


def _told(value: Any) -> str:
    """A value that is wrong, short and on one line."""
    text = value if isinstance(value, str) else json.dumps(value)
    if not text.strip():
        return "empty"
    text = shown(text)
    return f"'{text[:40]}...'" if len(text) > 40 else f"'{text}'"
