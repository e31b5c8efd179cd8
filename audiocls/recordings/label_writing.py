"""Writing events as tables: our CSV and JSON, labels for Audacity, selections for Raven."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from audiocls.errors import UsageError
from audiocls.recordings.label_tables import TableEvent
from audiocls.whole_files import write_text

COLUMNS = ("start_seconds", "end_seconds", "label", "peak_score", "mean_score")
RAVEN_COLUMNS = (
    "Selection",
    "View",
    "Channel",
    "Begin Time (s)",
    "End Time (s)",
    "Low Freq (Hz)",
    "High Freq (Hz)",
    "Annotation",
    "Score",
)
RAVEN_FILE_COLUMNS = ("Begin File", "File Offset (s)")
HIGH_HZ = 8000.0
TIME_DECIMALS = 6  # a sample at 192 kHz is 5 microseconds long
SCORE_DECIMALS = 4
# What is put behind a recording's name for a table of its own.
FORMAT_SUFFIXES = {"csv": ".events.csv", "json": ".events.json", "audacity": ".labels.txt", "raven": ".selections.txt"}


def write_events(events: Sequence[TableEvent], path: str | Path, form: str, high_hz: float = HIGH_HZ) -> None:
    """Write a table that `read_events` reads again; the file is whole or absent.

    Audacity and Raven have no way to write tabs and ends of lines in a label: each becomes a blank. An Audacity file
    says nothing of scores and recordings, so it is for the events of one recording.

    Args:
        form: "csv", "json", "audacity" or "raven".
        high_hz: the upper edge of Raven's selections, which are boxes in a spectrogram.

    Raises:
        UsageError: an unknown format.
        OutputError: it cannot be written.
    """
    write_text(path, events_text(events, form, high_hz))


def events_text(events: Sequence[TableEvent], form: str, high_hz: float = HIGH_HZ) -> str:
    """What `write_events` writes."""
    if form not in FORMAT_SUFFIXES:
        raise UsageError(f"the format of labels is {form!r}; choose from {', '.join(FORMAT_SUFFIXES)}")
    if form == "raven":
        return _raven(events, high_hz)
    return WRITERS[form](events)


def event_record(row: TableEvent, with_recording: bool) -> dict[str, Any]:
    """One event as the fields of our tables."""
    event = row.event
    record: dict[str, Any] = {"recording": row.recording or ""} if with_recording else {}
    return record | {
        "start_seconds": round(float(event.start_seconds), TIME_DECIMALS),
        "end_seconds": round(float(event.end_seconds), TIME_DECIMALS),
        "label": event.label,
        "peak_score": round(float(event.peak_score), SCORE_DECIMALS),
        "mean_score": round(float(event.mean_score), SCORE_DECIMALS),
    }


def csv_line(cells: Sequence[Any]) -> str:
    """A line of a CSV file; cells with commas, quotes or any end of line are quoted."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)  # ends in \\r\\n, and therefore also quotes what holds only \\r
    return buffer.getvalue()[:-2] + "\n"


def _csv(events: Sequence[TableEvent]) -> str:
    several = any(row.recording is not None for row in events)
    header = ("recording", *COLUMNS) if several else COLUMNS
    return "".join([csv_line(header), *(csv_line(list(event_record(row, several).values())) for row in events)])


def _json(events: Sequence[TableEvent]) -> str:
    records = [event_record(row, row.recording is not None) for row in events]
    return json.dumps({"events": records}, indent=1, ensure_ascii=False) + "\n"


def _audacity(events: Sequence[TableEvent]) -> str:
    return "".join(
        f"{row.event.start_seconds:.6f}\t{row.event.end_seconds:.6f}\t{_flat(row.event.label)}\n" for row in events
    )


def _raven(events: Sequence[TableEvent], high_hz: float) -> str:
    several = any(row.recording is not None for row in events)
    lines = ["\t".join((*RAVEN_COLUMNS, *(RAVEN_FILE_COLUMNS if several else ())))]
    for number, row in enumerate(events, start=1):
        event = row.event
        cells = [str(number), "Spectrogram 1", "1", f"{event.start_seconds:.6f}", f"{event.end_seconds:.6f}", "0.0"]
        cells += [f"{high_hz:.1f}", _flat(event.label), f"{event.peak_score:.4f}"]
        if several:
            cells += [_flat(row.recording or ""), f"{event.start_seconds:.6f}"]
        lines.append("\t".join(cells))
    return "\n".join(lines) + "\n"


def _flat(label: str) -> str:
    """The label with blanks where it holds tabs or ends of lines."""
    return " ".join(label.replace("\t", " ").splitlines())


WRITERS: dict[str, Callable[[Sequence[TableEvent]], str]] = {"csv": _csv, "json": _json, "audacity": _audacity}
