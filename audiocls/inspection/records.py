"""Measurements on disk: small Arrow files in the cache that appear whole, so that a stopped inspection goes on.

Each part holds what one batch of clips gave, keyed by the file's name and its stamp (size and time of change, or a
hash of the content). A part that is damaged counts as absent. When all clips are measured the parts become one.
"""

import contextlib
import dataclasses
import os
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from audiocls.audio.decoding import DECODER_VERSION
from audiocls.errors import OutputError
from audiocls.inspection.measures import MEASURES_VERSION, Measures
from audiocls.model_folder import explained
from audiocls.whole_files import whole_file

VERSION = f"{MEASURES_VERSION}.{DECODER_VERSION}"
_TYPES = {"float": pa.float64(), "int": pa.int64(), "bytes": pa.large_binary()}
SCHEMA = pa.schema(
    [("file", pa.string()), ("stamp", pa.string()), ("content", pa.string())]
    + [
        (field.name, _TYPES.get(str(getattr(field.type, "__name__", field.type)), pa.string()))
        for field in dataclasses.fields(Measures)
    ]
)


@dataclasses.dataclass(frozen=True)
class Record:
    """The measures of one clip; `content` is the hash of the encoded file, "" where it cannot be opened."""

    file: str
    stamp: str
    content: str
    measures: Measures


class Records:
    """The measurements of one data set, kept in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / VERSION
        self._parts: list[Path] = []
        self._table = SCHEMA.empty_table()
        self._place: dict[tuple[str, str], int] = {}
        self._load()

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._place

    def append(self, records: Sequence[Record]) -> None:
        """Write one batch.

        Raises:
            OutputError: it cannot be written.
        """
        if records:
            self._write(pa.Table.from_pylist([_row(record) for record in records], SCHEMA))

    def columns(self, keys: Sequence[tuple[str, str]]) -> "Columns":
        """The measurements of these clips, in this order; all of them must have been appended.

        Everything else is forgotten and what is left becomes one file.
        """
        self._load()
        table = self._table.take(pa.array([self._place[key] for key in keys], pa.int64())).combine_chunks()
        if len(self._parts) > 1 or len(self._table) != len(table):
            old = list(self._parts)
            with contextlib.suppress(OutputError):  # only time is lost
                self._write(table)
                for path in old:
                    path.unlink(missing_ok=True)
        return Columns(table)

    def _write(self, table: pa.Table) -> None:
        path = self.folder / f"{uuid.uuid4().hex}.arrow"
        try:
            with (
                whole_file(path) as beside,
                explained(path),
                pa.OSFile(str(beside), "wb") as sink,
                pa.ipc.new_file(sink, SCHEMA) as writer,
            ):
                writer.write_table(table)
        except OutputError as error:
            raise OutputError(
                f"{self.folder}: the measurements cannot be kept there: {str(error).rpartition(': ')[2]}; free some "
                "space or set AUDIOCLS_CACHE to another folder"
            ) from error
        self._parts.append(path)

    def _load(self) -> None:
        tables, self._parts = [], []
        for path in sorted(self.folder.glob("*.arrow"), key=_changed):
            try:
                with pa.memory_map(str(path)) as mapped:
                    table = pa.ipc.open_file(mapped).read_all()
                if table.schema != SCHEMA:
                    raise ValueError("another schema")
                table.validate(full=True)
            except (OSError, ValueError):  # pyarrow's errors are ValueErrors
                with contextlib.suppress(OSError):
                    path.unlink()
                continue
            tables.append(table)
            self._parts.append(path)
        self._table = pa.concat_tables(tables) if tables else SCHEMA.empty_table()
        names, stamps = self._table["file"].to_pylist(), self._table["stamp"].to_pylist()
        self._place = {key: row for row, key in enumerate(zip(names, stamps, strict=True))}


class Columns:
    """The measurements of many clips, one array a measure: `columns["loudness"]`."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __len__(self) -> int:
        return len(self._table)

    def __getitem__(self, name: str) -> Any:
        """A float or int array (clips,); a list for text and bytes."""
        column = self._table[name]
        # A list on the way, because pyarrow's to_numpy imports pandas.
        return np.array(column.to_pylist()) if column.type in (pa.float64(), pa.int64()) else column.to_pylist()

    def rows(self, chosen: Iterable[int]) -> "Columns":
        return Columns(self._table.take(pa.array([int(row) for row in chosen], pa.int64())))


def _row(record: Record) -> dict[str, Any]:
    measures = dataclasses.asdict(record.measures)
    return {"file": record.file, "stamp": record.stamp, "content": record.content, **measures}


def _changed(path: Path) -> int:
    with contextlib.suppress(OSError):
        return os.stat(path).st_mtime_ns
    return 0
