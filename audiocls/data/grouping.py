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
        UsageError: the expression is not valid, matches no file or divides nothing, or both options are given.
        DataError: the table cannot be used: it misses files of the data, names others, or has one group only.
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
    missing = [item.file for item, name in zip(items, names, strict=True) if not name]
    if len(missing) == len(items):
        raise UsageError(
            f"group_regex {expression!r} matches none of the {len(items)} files, such as {shown(items[0].file)}; "
            "write one that captures what clips of one recording or speaker share"
        )
    if missing:
        listing.warnings.append(
            f"group_regex {expression!r} matches all but {some(missing)}; each of these counts as a group of its own"
        )
    elif len(names) > 1 and len(set(names)) in (1, len(names)):
        what = (
            "puts all {} files into one group" if len(set(names)) == 1 else "gives each of the {} files its own group"
        )
        raise UsageError(
            f"group_regex {expression!r} {what.format(len(names))}, such as {shown(str(names[0]))} for "
            f"{shown(items[0].file)}, so it divides nothing; capture only what clips of one recording or speaker share"
        )
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
    names = [group_of.get(item.file, group_of.get(_bare(item.file))) for item in items]
    missing = [item.file for item in items if item.file not in group_of and _bare(item.file) not in group_of]
    if required:
        _check_table(path, group_of, names, missing, items, listing)
    elif missing and len(missing) < len(items):
        listing.warnings.append(
            f"{shown(path.name)} names a group of all but {some(missing)}; each of these counts as a group of its own"
        )
    return names


def _check_table(
    path: Path,
    group_of: dict[str, str | None],
    names: list[str | None],
    missing: list[str],
    items: Sequence[Item],
    listing: Listing,
) -> None:
    """Raises: DataError when the table and the data do not name the same files, or its groups divide nothing."""
    where = f"group_table: {shown(path.name)}"
    if len(missing) == len(items):
        raise DataError(f"{where}: names none of the {len(items)} files, such as {shown(items[0].file)}")
    if missing:
        count = f"{len(missing)} file{'s' if len(missing) > 1 else ''}"
        raise DataError(
            f"{where}: has no row for {count} of the data: {some(missing)}; add them (an empty group: alone)"
        )
    absent = _absent(group_of, listing)
    if absent:
        count = f"{len(absent)} file{'s' if len(absent) > 1 else ''}"
        raise DataError(f"{where}: names {count} not in the data: {some(absent)}; correct or remove these rows")
    if len(names) > 1 and None not in names and len(set(names)) == 1:
        raise DataError(f"{where}: puts all {len(names)} files into one group, {shown(str(names[0]))}")


def _absent(group_of: dict[str, str | None], listing: Listing) -> list[str]:
    """Files that the table names and the data has not; those that are there but are not used do not count."""
    if any(callable(item.source) for item in listing.items):  # clips within one large file: the rest is not listed
        return []
    found = {item.file for item in listing.items} | {skipped.file for skipped in listing.skipped}
    found |= {_bare(file) for file in found}
    absent = [file for file in group_of if file not in found]
    if absent and listing.root:  # it may be in a part that was not asked for
        below = {name for _, _, names in os.walk(listing.root, followlinks=True) for name in names}
        absent = [file for file in absent if file not in below and not (listing.root / file).is_file()]
    return absent


def _bare(file: str) -> str:
    return file.rpartition("/")[2]
