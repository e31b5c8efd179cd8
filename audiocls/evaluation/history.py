"""The history of a run: one row of scores an epoch (or candidate), as results.csv and as training_hist.json.

Rows are dicts such as {"epoch": 1, "learning_rate": 0.002, "train_loss": 1.2, "validation_f1": 0.5, "seconds": 2.1}.
"""

import contextlib
import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audiocls.errors import OutputError
from audiocls.whole_files import write_text

PROGRESS_JSONL = "progress.jsonl"  # the rows so far, of a run that goes on
RESULTS_CSV = "results.csv"
TRAINING_HIST_JSON = "training_hist.json"

Row = Mapping[str, Any]


def keras_history(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """Columns instead of rows, named as Keras names them: `train_loss` is "loss", `validation_loss` is "val_loss".

    Every list has one entry an epoch; what an epoch lacks, and what is not finite, is None (null in JSON).
    """
    return {_keras_name(name): [_finite(row.get(name)) for row in rows] for name in _columns(rows) if name != "epoch"}


class ProgressFile:
    """The rows of a run as it goes, a line of JSON each, for whoever watches; the file is whole at any moment.

    It only informs: what a disk refuses is not told here but where the run keeps what it needs.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / PROGRESS_JSONL
        self._lines: list[str] = []

    def add(self, row: Row) -> None:
        self._lines.append(json.dumps({name: _finite(value) for name, value in row.items()}) + "\n")
        with contextlib.suppress(OutputError):
            write_text(self.path, "".join(self._lines))

    def remove(self) -> None:
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)


def read_progress(folder: str | Path) -> list[dict[str, Any]]:
    """The rows of a run that goes on in this folder; none where there is nothing to read."""
    try:
        lines = (Path(folder) / PROGRESS_JSONL).read_text(encoding="utf-8").splitlines()
        return [row for line in lines if isinstance(row := json.loads(line), dict)]
    except (OSError, ValueError):
        return []


def write_history(rows: Sequence[Row], folder: str | Path) -> None:
    """Write results.csv and training_hist.json into `folder`.

    Raises:
        OutputError: they cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _columns(rows), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(Path(folder) / RESULTS_CSV, text.getvalue())
    write_text(Path(folder) / TRAINING_HIST_JSON, json.dumps(keras_history(rows), indent=2) + "\n")


def read_results(folder: str | Path) -> list[dict[str, Any]]:
    """The rows of results.csv: numbers as int or float, empty cells as None, other text as it is."""
    with open(Path(folder) / RESULTS_CSV, encoding="utf-8", newline="") as file:
        return [{name: _number(cell) for name, cell in row.items()} for row in csv.DictReader(file)]


def _columns(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _keras_name(name: str) -> str:
    if name.startswith("validation_"):
        return "val_" + name.removeprefix("validation_")
    return name.removeprefix("train_")


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _number(cell: str | None) -> Any:
    if not cell:
        return None
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell
