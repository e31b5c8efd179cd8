"""What lies beside the data about its origin: ATTRIBUTION.csv, LICENSE, README. For the model card, in short."""

from collections import Counter
from pathlib import Path

from audiocls.data.metadata import column, read_rows
from audiocls.errors import DataError

_LICENCE_COLUMNS = ("licence", "license")
_SOURCE_COLUMNS = ("source", "source_package", "origin", "dataset")
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
    parts = []
    for title, names in (("Licences", _LICENCE_COLUMNS), ("Sources", _SOURCE_COLUMNS)):
        name = column(header, names)
        if name:
            counts = Counter(row[name].strip() for row in rows if row[name].strip())
            told = [f"{value} ({count})" for value, count in counts.most_common(_MOST_NAMED)]
            more = f" and {len(counts) - _MOST_NAMED} more" if len(counts) > _MOST_NAMED else ""
            if told:
                parts.append(f"{title}: {', '.join(told)}{more}.")
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
