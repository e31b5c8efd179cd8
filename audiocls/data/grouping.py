"""Which clips must stay together: those of one group, and copies of one recording."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audiocls.config import TrainConfig
from audiocls.data.attribution import attribution_table
from audiocls.data.listing import Item, Listing, shown, some
from audiocls.data.metadata import FILE_COLUMNS, GROUP_COLUMNS, column, read_rows
from audiocls.errors import DataError, UsageError


@dataclass(frozen=True)
class Groups:
    """`names` of the groups (None: in none), and `origin`, how a model card tells where they come from."""

    names: list[str | None]
    origin: str | None


def known_groups(listing: Listing, items: Sequence[Item], config: TrainConfig) -> Groups:
    """Groups from --group_regex, else --group_table, else the metadata, else an ATTRIBUTION.csv beside the data.

    Raises:
        UsageError: the expression is not valid or matches no file, or both options are given.
        DataError: the table cannot be used.
    """
    if config.group_regex and config.group_table:
        raise UsageError("group_regex and group_table are both given; choose one")
    if config.group_regex:
        return Groups(_by_regex(items, config.group_regex, listing), "file names")
    if config.group_table:
        path = Path(config.group_table)
        if not path.is_file():
            raise UsageError(f"group_table: {shown(str(path))}: no such file")
        return Groups(_by_table(items, path, listing, required=True), shown(path.name))
    if any(item.group for item in items):
        return Groups([item.group for item in items], "the metadata")
    beside = attribution_table(listing.root) if listing.root else None
    if beside:
        names = _by_table(items, beside, listing, required=False)
        if any(names):
            return Groups(names, beside.name)
    return Groups([None] * len(items), None)


def _by_regex(items: Sequence[Item], expression: str, listing: Listing) -> list[str | None]:
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise UsageError(f"group_regex is {expression!r}, not a valid regular expression: {error}") from error
    names: list[str | None] = []
    for item in items:
        match = pattern.search(item.file)
        names.append((match.group(1) if pattern.groups else match.group()) if match else None)
    _note_missing(names, items, listing, f"group_regex {expression!r} matches", required=True)
    return names


def _by_table(items: Sequence[Item], path: Path, listing: Listing, required: bool) -> list[str | None]:
    """Look files up by their path below the data's root, or by bare name where the table gives bare names."""
    header, rows = read_rows(path)
    file_column, group_column = column(header, FILE_COLUMNS), column(header, GROUP_COLUMNS)
    if file_column is None or group_column is None:
        if required:
            raise DataError(f"{shown(str(path))}: needs columns file and group; it has {', '.join(header.values())}")
        return [None] * len(items)
    group_of = {
        os.path.normpath(row[file_column].strip()).replace(os.sep, "/"): row[group_column].strip() or None
        for row in rows
    }
    names = [group_of.get(item.file, group_of.get(item.file.rpartition("/")[2])) for item in items]
    _note_missing(names, items, listing, f"{shown(path.name)} names a group of", required)
    return names


def _note_missing(names: list[str | None], items: Sequence[Item], listing: Listing, what: str, required: bool) -> None:
    missing = [item.file for item, name in zip(items, names, strict=True) if not name]
    if required and len(missing) == len(items):
        raise UsageError(f"{what} none of the {len(items)} files, such as {shown(items[0].file)}")
    if missing and len(missing) < len(items):
        listing.warnings.append(f"{what} all but {some(missing)}; each of these counts as a group of its own")
