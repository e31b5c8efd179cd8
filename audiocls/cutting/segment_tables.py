"""The tables that `segment` writes beside its clips: segments.csv, recordings.csv and ATTRIBUTION.csv."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from audiocls.cutting.segment_journal import Entry
from audiocls.recordings.finding import shown_path
from audiocls.whole_files import write_text

SEGMENT_COLUMNS = ("file", "recording", "start_seconds", "end_seconds", "label", "level_db", "snr_db", "group")
RECORDING_COLUMNS = ("recording", "seconds", "clips", "status", "note")


def write_tables(root: Path, entries: Sequence[Entry], failed: dict[str, str]) -> dict[str, int]:
    """Write the tables of all recordings that are done; each is whole or absent.

    ATTRIBUTION.csv names clips without their folder, so that it still holds when they are sorted into others.

    Returns:
        The number of clips by folder.

    Raises:
        OutputError: a table cannot be written.
    """
    done = sorted((entry for entry in entries if entry.done), key=lambda entry: entry.name)
    rows = [row for entry in done for row in entry.rows]
    _write(root / "segments.csv", SEGMENT_COLUMNS, ([row[name] for name in SEGMENT_COLUMNS] for row in rows))
    about: list[list[object]] = [
        [shown_path(entry.given), f"{entry.seconds:.3f}", len(entry.rows), "ok", "; ".join(entry.notes)]
        for entry in done
    ]
    about += [[shown_path(name), "", 0, "failed", reason] for name, reason in sorted(failed.items())]
    _write(root / "recordings.csv", RECORDING_COLUMNS, about)
    origins = {row["file"].rpartition("/")[2]: (row["group"], row["recording"].rpartition("/")[2]) for row in rows}
    _write(root / "ATTRIBUTION.csv", ("file", "group", "source"), ([file, *told] for file, told in origins.items()))
    return dict(Counter(row["file"].partition("/")[0] for row in rows))


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, text.getvalue())
