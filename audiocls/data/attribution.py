"""What lies beside the data about its origin: ATTRIBUTION.csv, LICENSE, README. For the model card, in short."""

from collections import Counter
from pathlib import Path

from audiocls.data.metadata import column, read_rows
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
