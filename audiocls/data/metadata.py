"""Reading metadata.csv: a table that names each file's label, and perhaps its group and part."""

import csv
from pathlib import Path

from audiocls.data.listing import PARTS, Item, Listing, Skipped, class_name, relative_name, shown, some
from audiocls.data.tree import audio_files
from audiocls.errors import DataError

FILE_COLUMNS = ("file_name", "file_path", "filename", "path", "file")
LABEL_COLUMNS = ("label", "labels", "class", "category", "target")
GROUP_COLUMNS = ("group",)
PART_COLUMNS = ("split", "part")
SEPARATOR = "|"  # between several labels of one clip


def table_in(folder: Path) -> Path | None:
    """The folder's metadata.csv, if it has one."""
    path = folder / "metadata.csv"
    return path if path.is_file() else None


def read_rows(path: Path) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Read a table with a header; commas, semicolons or tabs.

    Returns:
        The header as {lower-case name: name as written}, and the rows by name as written.

    Raises:
        DataError: unreadable, not UTF-8, or empty.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{shown(str(path))}: the table is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise DataError(f"{shown(str(path))}: the table cannot be read: {error.strerror}") from error
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    try:
        reader = csv.DictReader(text.splitlines(keepends=True), delimiter=delimiter)
        rows = [{name: value or "" for name, value in row.items() if isinstance(name, str)} for row in reader]
    except csv.Error as error:
        raise DataError(f"{shown(str(path))}: not a valid table: {error}") from error
    if not reader.fieldnames:
        raise DataError(f"{shown(str(path))}: the table is empty")
    return {name.strip().lower(): name for name in reader.fieldnames if name}, rows


def column(header: dict[str, str], names: tuple[str, ...]) -> str | None:
    """The first of the known names that the table has, as written there."""
    return next((header[name] for name in names if name in header), None)


def add_table(listing: Listing, root: Path, folder: Path, part: str | None) -> None:
    """Add the clips that `folder`/metadata.csv lists; a clip in the folder that it does not list is skipped.

    Raises:
        DataError: the table lacks a column.
    """
    path = folder / "metadata.csv"
    header, rows = read_rows(path)
    file_column, label_column = column(header, FILE_COLUMNS), column(header, LABEL_COLUMNS)
    for found, wanted in ((file_column, "file_name or file_path"), (label_column, "label (or labels)")):
        if found is None:
            raise DataError(f"{shown(str(path))}: there is no column {wanted}; it has {', '.join(header.values())}")
    assert file_column is not None  # told above; for the type checker
    assert label_column is not None
    group_column, part_column = column(header, GROUP_COLUMNS), column(header, PART_COLUMNS)
    several = label_column.strip().lower() == "labels" and any(SEPARATOR in row[label_column] for row in rows)
    listing.multi_label |= several
    listed: dict[Path, tuple[str, ...]] = {}
    repeated: list[str] = []
    contradicted: list[str] = []
    for row in rows:
        name = row[file_column].strip()
        clip = folder / name
        labels = _labels(row[label_column], several)
        if not name:
            listing.skipped.append(Skipped(f"{relative_name(path, root)}, a row", "the row names no file"))
        elif clip in listed:
            (repeated if listed[clip] == labels else contradicted).append(name)
        elif not clip.is_file():
            listing.skipped.append(Skipped(name, "listed in metadata.csv but not there"))
        elif not labels:
            listing.skipped.append(Skipped(name, "no label in metadata.csv"))
        else:
            own_part = _part(row[part_column], path) if part_column else None
            group = row[group_column].strip() or None if group_column else None
            shown_name = relative_name(clip, root) if clip.is_relative_to(root) else name
            listing.items.append(Item(shown_name, str(clip), labels, own_part or part, group))
            listing.labels.update(labels)
        if name:
            listed.setdefault(clip, labels)
    for names, what in ((repeated, "twice"), (contradicted, "twice with different labels; the first counts")):
        if names:
            listing.warnings.append(f"in metadata.csv {what}: {some(names)}")
    known = {clip.resolve() for clip in listed}
    for clip in audio_files(folder, listing, root):
        if clip not in listed and clip.resolve() not in known:
            listing.skipped.append(Skipped(relative_name(clip, root), "not listed in metadata.csv"))


def _labels(cell: str, several: bool) -> tuple[str, ...]:
    parts = cell.split(SEPARATOR) if several else [cell]
    return tuple(dict.fromkeys(name for name in map(class_name, parts) if name))


def _part(cell: str, path: Path) -> str | None:
    name = cell.strip().lower()
    if name and name not in PARTS:
        raise DataError(f"{shown(str(path))}: split is {cell!r}; use train, validation or test")
    return PARTS[name] if name else None
