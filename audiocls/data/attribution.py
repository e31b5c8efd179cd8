"""What lies beside the data about its origin: ATTRIBUTION.csv, LICENSE, README. For the model card, in short."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from audiocls.data.metadata import FILE_COLUMNS, column, read_rows
from audiocls.errors import DataError

LICENCE_COLUMNS = ("licence", "license")
SOURCE_COLUMNS = ("source", "source_package", "origin", "dataset")
AUTHOR_COLUMNS = ("author", "authors", "artist", "creator")
_MOST_NAMED = 8
_LONGEST = 300


def attribution_table(root: Path) -> Path | None:
    """ATTRIBUTION.csv beside the data, if there is one."""
    path = root / "ATTRIBUTION.csv"
    return path if path.is_file() else None


def attribution_rows(root: Path | None, files: Sequence[str]) -> tuple[dict[str, str], list[dict[str, str] | None]]:
    """What ATTRIBUTION.csv says of each file, found by its path below the root or by its bare name.

    Args:
        root: of the data; None has no table.
        files: their paths below it, with "/".

    Returns:
        The table's header as `read_rows` gives it, and a row for each file, None where there is none. Without such a
        table, or a column of files in it, the header is empty.

    Raises:
        DataError: the table cannot be read.
    """
    path = attribution_table(root) if root else None
    header, rows = read_rows(path) if path else ({}, [])
    file_column = column(header, FILE_COLUMNS)
    if file_column is None:
        return {}, [None for _ in files]
    told = {os.path.normpath(row[file_column].strip()).replace(os.sep, "/"): row for row in rows}
    return header, [told.get(file) or told.get(file.rpartition("/")[2]) for file in files]


def attribution_text(root: Path | None) -> str | None:
    """A sentence or two on licences and sources, None when the data says nothing about them."""
    if root is None:
        return None
    return _from_table(root) or _from_text(root)


def _from_table(root: Path) -> str | None:
    path = attribution_table(root)
    if path is None:
        return None
    try:
        header, rows = read_rows(path)
    except DataError:
        return None
    counts = []
    for names in (LICENCE_COLUMNS, SOURCE_COLUMNS):
        name = column(header, names)
        counts.append(Counter(row[name].strip() for row in rows if row[name].strip()) if name else Counter())
    return attribution_sentences(*counts)


def attribution_sentences(licences: Counter[str], sources: Counter[str]) -> str | None:
    """How many clips each licence and each source has, in words; None where nothing is known."""
    parts = []
    for title, counts in (("Licences", licences), ("Sources", sources)):
        # By count, then by name: the order of the clips shall not matter.
        told = [f"{value} ({count})" for value, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))]
        more = f" and {len(told) - _MOST_NAMED} more" if len(told) > _MOST_NAMED else ""
        if told:
            parts.append(f"{title}: {', '.join(told[:_MOST_NAMED])}{more}.")
    return " ".join(parts) or None


def _from_text(root: Path) -> str | None:
    """The first line of a licence file, or the first line of a README that speaks of a licence."""
    try:
        files = sorted(path for path in root.iterdir() if path.is_file())
        for path in files:
            if path.stem.lower() in ("license", "licence", "copying"):
                return f"Licence of the data: {_lines(path)[0]}"
        for path in files:
            if path.stem.lower() == "readme":
                return next((line for line in _lines(path) if "licen" in line.lower()), None)
    except (OSError, IndexError):
        pass
    return None


def _lines(path: Path) -> list[str]:
    text = path.read_bytes()[:20_000].decode("utf-8", "replace")
    return [" ".join(line.split())[:_LONGEST] for line in text.splitlines() if line.strip()]
