"""The scores of all windows as Parquet: a row a window, written as they come, whatever the length of a recording."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audiocls.detection.scan import Windows
from audiocls.errors import OutputError
from audiocls.model_folder import explained

ROWS = 16_384  # written together
SCORE_PREFIX = "score:"  # a class may be called "known"


def score_schema(labels: Sequence[str]) -> pa.Schema:
    """Columns recording, start_seconds, end_seconds, known, and score:LABEL of each label."""
    return pa.schema(
        [
            ("recording", pa.string()),
            ("start_seconds", pa.float64()),
            ("end_seconds", pa.float64()),
            ("known", pa.float32()),
            *((SCORE_PREFIX + label, pa.float32()) for label in labels),
        ]
    )


class ScoreWriter:
    """Writes the windows of one recording to a file.

    Args:
        name: of the recording, as the table holds it.
        window_length, hop_length: in samples; `sampling_rate` in Hz.

    Raises:
        OutputError: it cannot be written.
    """

    def __init__(
        self, path: Path, name: str, labels: Sequence[str], window_length: int, hop_length: int, sampling_rate: int
    ) -> None:
        self.name = name
        self._path = path
        self._window, self._hop, self._rate = window_length, hop_length, sampling_rate
        self._schema = score_schema(labels)
        self._waiting: list[Windows] = []
        self._rows = 0
        with explained(path):
            self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with explained(self._path):
            self._writer.close()

    def add(self, windows: Windows) -> None:
        """Take the next windows."""
        self._waiting.append(windows)
        self._rows += len(windows.scores)
        if self._rows >= ROWS:
            self.flush(None)

    def flush(self, seconds: float | None) -> None:
        """Write what waits; `seconds` is the length of the recording once it is known: the last window ends there."""
        if not self._waiting:
            return
        first = np.concatenate([each.first + np.arange(len(each.scores)) for each in self._waiting])
        scores = np.concatenate([each.scores for each in self._waiting])
        known = np.concatenate([each.known for each in self._waiting])
        start = first * self._hop / self._rate
        end = (first * self._hop + self._window) / self._rate
        if seconds is not None:
            end = np.minimum(end, seconds)
        columns = [pa.array([self.name]).take(pa.array(np.zeros(len(first), np.int8))), pa.array(start), pa.array(end)]
        columns += [pa.array(known.astype(np.float32))]
        columns += [pa.array(scores[:, label].astype(np.float32)) for label in range(scores.shape[1])]
        with explained(self._path):
            self._writer.write_table(pa.table(columns, schema=self._schema))
        self._waiting, self._rows = [], 0


def join_scores(parts: Iterable[Path], path: Path, labels: Sequence[str]) -> None:
    """Put the tables of recordings behind one another, with some thousands of rows in memory at a time.

    Parts that do not exist are left out.

    Raises:
        OutputError: a part is damaged, or the table cannot be written.
    """
    waiting: list[pa.Table] = []
    rows = 0
    with explained(path), pq.ParquetWriter(path, score_schema(labels), compression="zstd") as writer:
        for part in parts:
            if not part.exists():
                continue
            try:
                table = pq.ParquetFile(part)
                for group in range(table.num_row_groups):
                    waiting.append(table.read_row_group(group))
                    rows += len(waiting[-1])
                    if rows >= ROWS:
                        writer.write_table(pa.concat_tables(waiting).combine_chunks())
                        waiting, rows = [], 0
            except pa.ArrowInvalid as error:
                raise OutputError(f"{part}: damaged; remove it and run again ({error})") from error
        if waiting:
            writer.write_table(pa.concat_tables(waiting).combine_chunks())
