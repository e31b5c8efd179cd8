"""Sounds that somebody said the right label of, in a folder that training reads as it is.

`<root>/<model>/<label>/<time>-<hash>.flac`, and beside the folders a metadata.csv that names each sound's label, what
the model had said of it, and when. It shows nothing and knows no page.
"""

import csv
import hashlib
import io
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from audiocls.data.metadata import SEPARATOR, read_rows
from audiocls.errors import DataError
from audiocls.feedback.labels import NEGATIVE, clean_label, folder_of
from audiocls.feedback.lossless import write_lossless
from audiocls.model_folder import explained, run_name
from audiocls.whole_files import write_text

TABLE = "metadata.csv"
COLUMNS = ("file_name", "label", "model", "answer", "score", "scores", "time")
_HASH_LENGTH = 16
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Correction:
    """One sound that was kept. replaced: it was there already, and its label is now this one."""

    file: Path
    labels: tuple[str, ...]
    key: str
    replaced: bool


class Corrections:
    """The corrections of one model. Several threads and processes may add to them.

    Args:
        root: holds a folder for each model.
        model: its name.
        multi_label: whether a sound may have several labels.
    """

    def __init__(self, root: Path, model: str, multi_label: bool = False) -> None:
        self.model, self.multi_label = model, multi_label
        self.folder = Path(root) / run_name(model)

    def keep(
        self,
        sound: Path,
        labels: Sequence[str],
        known: Sequence[str],
        answer: str,
        scores: Mapping[str, float],
        now: float | None = None,
    ) -> Correction:
        """Keep a sound under its right label or labels; the one that was kept of the same sound before goes.

        Args:
            sound: the file as given. What is the same sound follows from its bytes.
            labels: one, unless the model gives several.
            known: the model's labels: theirs is the spelling that counts.
            answer: what the model said.
            scores: by label.
            now: seconds since 1970; the clock's unless given.

        Raises:
            UsageError: a label that cannot be one.
            AudioReadError: the sound cannot be read.
            OutputError: it cannot be written.
            DataError: the table that is there cannot be read.
        """
        key = _key_of(sound)
        with self._alone():
            rows = self._rows()
            spelt = [*known, *(name for row in rows for name in self._labels(row))]
            right = tuple(dict.fromkeys(clean_label(label, spelt) for label in labels))
            if not right:
                right = (clean_label("", spelt),)
            if NEGATIVE in right:
                right = (NEGATIVE,)
            written = SEPARATOR.join(right) if self.multi_label else right[0]
            instant = time.gmtime(now)
            name = f"{time.strftime('%Y%m%dT%H%M%S', instant)}-{key}"
            earlier = [row for row in rows if _key_in(row) == key]
            file = write_lossless(sound, self.folder / self._folder(written, rows) / name)
            row = {
                "file_name": file.relative_to(self.folder).as_posix(),
                "label": written,
                "model": self.model,
                "answer": answer,
                "score": f"{max(scores.values(), default=0.0):.6f}",
                "scores": json.dumps({label: round(float(score), 6) for label, score in scores.items()}),
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", instant),
            }
            self._write([each for each in rows if each not in earlier] + [row])
            for each in earlier:
                self._delete(each, but=file)
        return Correction(file, right, key, bool(earlier))

    def undo(self, key: str) -> bool:
        """Forget a sound that was kept; whether there was one.

        Raises:
            OutputError, DataError: as `keep`.
        """
        if not self.folder.is_dir():
            return False
        with self._alone():
            rows = self._rows()
            gone = [row for row in rows if _key_in(row) == key]
            if gone:
                self._write([row for row in rows if row not in gone])
            for row in gone:
                self._delete(row)
        return bool(gone)

    def count(self) -> int:
        """How many sounds are kept.

        Raises:
            DataError: the table cannot be read.
        """
        return len(self._rows())

    def _alone(self) -> FileLock:
        with explained(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self.folder / ".lock")

    def _rows(self) -> list[dict[str, str]]:
        path = self.folder / TABLE
        if not path.is_file():
            return []
        header, rows = read_rows(path)
        names = {written: "label" if name == "labels" else name for name, written in header.items()}
        if not {"file_name", "label"} <= set(names.values()):
            raise DataError(f"{path}: there is no column file_name or label; move it away to begin anew")
        return [{names[column]: value for column, value in row.items() if column in names} for row in rows]

    def _labels(self, row: dict[str, str]) -> list[str]:
        return row["label"].split(SEPARATOR) if self.multi_label else [row["label"]]

    def _folder(self, label: str, rows: Sequence[dict[str, str]]) -> str:
        """The folder of a label: the one that it has, else a new one."""
        taken = {row["file_name"].partition("/")[0]: row["label"] for row in rows}
        found = next((folder for folder, name in taken.items() if name == label and _is_plain(folder)), None)
        return found or folder_of(label, sorted(taken))

    def _write(self, rows: Sequence[dict[str, Any]]) -> None:
        text = io.StringIO(newline="")
        names = {"label": "labels"} if self.multi_label else {}
        csv.writer(text, lineterminator="\n").writerow([names.get(column, column) for column in COLUMNS])
        csv.DictWriter(text, COLUMNS, restval="", extrasaction="ignore", lineterminator="\n").writerows(rows)
        write_text(self.folder / TABLE, text.getvalue())

    def _delete(self, row: dict[str, str], but: Path | None = None) -> None:
        """Remove a sound, and its folder where nothing is left in it; never one outside."""
        parts = row["file_name"].split("/")
        path = self.folder.joinpath(*parts)
        if len(parts) != 2 or not all(map(_is_plain, parts)) or path == but:
            return
        with explained(path):
            path.unlink(missing_ok=True)
            if path.parent.is_dir() and not any(path.parent.iterdir()):
                path.parent.rmdir()


def _key_of(sound: Path) -> str:
    digest = hashlib.sha256()
    with open(sound, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()[:_HASH_LENGTH]


def _key_in(row: dict[str, str]) -> str:
    return Path(row["file_name"]).stem.rpartition("-")[2]


def _is_plain(name: str) -> bool:
    return bool(name) and name == Path(name).name and not name.startswith(".")
