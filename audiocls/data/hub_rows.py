"""Rows of a table with encoded sounds as clips: which column means what. Where rows come from is not its business."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from audiocls.data.attribution import LICENCE_COLUMNS, SOURCE_COLUMNS, attribution_sentences
from audiocls.data.listing import Item, Listing, Skipped, class_name, shown
from audiocls.data.metadata import GROUP_COLUMNS, LABEL_COLUMNS
from audiocls.errors import DataError

NAME_COLUMN = "file_name"


@dataclass
class Rows:
    """One split of a data set of `datasets`: everything of its rows but the sounds, and how to get those.

    `columns` has the values of the columns that `wanted_columns` names; `sound(row)` gives a function that reads the
    encoded bytes.
    """

    split: str
    features: Any  # datasets.Features
    columns: Mapping[str, Sequence[Any]]
    count: int
    sound: Callable[[int], Callable[[], bytes]]


def wanted_columns(features: Any) -> list[str]:
    """Of the columns there are, those that tell something of a clip; the sound itself is not among them."""
    usual = (NAME_COLUMN, *LICENCE_COLUMNS, *SOURCE_COLUMNS)
    return [name for name in (_label(features), _group(features), *usual) if name and name in features]


def audio_column(source: str, features: Any) -> str:
    """The column of audio: declared so, or a struct of bytes and path as parquet files without the Hub's notes have.

    Raises:
        DataError: there is none.
    """
    import datasets

    for name, feature in features.items():
        if isinstance(feature, datasets.Audio) or (isinstance(feature, dict) and set(feature) == {"bytes", "path"}):
            return str(name)
    raise DataError(f"{shown(source)}: no audio column; it has {', '.join(features)}")


def check_columns(source: str, features: Any) -> None:
    """Raises: DataError when there is no column of sounds, or none of labels."""
    audio_column(source, features)
    if _label(features) is None:
        raise DataError(
            f"{shown(source)}: no label column; it has {', '.join(features)}, "
            f"and one of {', '.join(LABEL_COLUMNS)} is needed"
        )


def add_rows(listing: Listing, source: str, rows: Rows, part: str | None) -> None:
    """Add the clips of one split.

    Raises:
        DataError: there is no column of sounds, or none of labels.
    """
    check_columns(source, rows.features)
    label, group = _label(rows.features), _group(rows.features)
    feature = rows.features[label]
    several = hasattr(feature, "feature") or isinstance(feature, list)
    inner = feature[0] if isinstance(feature, list) else getattr(feature, "feature", feature)
    to_name: Callable[[Any], str] = getattr(inner, "int2str", str)
    listing.multi_label |= several
    names = _file_names(rows, {item.file for item in listing.items})
    labels = rows.columns[str(label)]
    groups = rows.columns[group] if group else [None] * rows.count
    for row, (file, value, its_group) in enumerate(zip(names, labels, groups, strict=True)):
        values = (value or []) if several else [value]
        # -1 is how ClassLabel writes "unknown"
        chosen = (
            class_name(one if isinstance(one, str) else to_name(one))
            for one in values
            if one is not None and one != -1 and str(one).strip()
        )
        found = tuple(dict.fromkeys(chosen))
        if not found:
            listing.skipped.append(Skipped(file, f"no label in column {label}"))
            continue
        listing.labels.update(found)
        its_group = None if its_group is None or not str(its_group).strip() else str(its_group)
        listing.items.append(Item(file, rows.sound(row), found, part, its_group))


def attribution_of(splits: Sequence[Rows]) -> str | None:
    """Licences and sources that the rows themselves name, as one or two sentences."""
    counts = []
    for names in (LICENCE_COLUMNS, SOURCE_COLUMNS):
        told: Counter[str] = Counter()
        for rows in splits:
            name = next((name for name in names if name in rows.columns), None)
            values = rows.columns[name] if name else ()
            told.update(value.strip() for value in values if isinstance(value, str) and value.strip())
        counts.append(told)
    return attribution_sentences(*counts)


def _label(features: Any) -> str | None:
    return next((name for name in (*LABEL_COLUMNS, "cls") if name in features), None)  # "cls" in archives of webdataset


def _group(features: Any) -> str | None:
    return next((name for name in GROUP_COLUMNS if name in features), None)


def _file_names(rows: Rows, taken: set[str]) -> list[str]:
    """The files' names as the table gives them where it does, and they tell rows apart; otherwise split and number."""
    given = rows.columns.get(NAME_COLUMN)
    if given is not None and all(map(_is_usable, given)) and len(taken.union(given)) == len(taken) + rows.count:
        return list(given)
    width = len(str(rows.count))
    return [f"{rows.split}/{row:0{width}}" for row in range(rows.count)]


def _is_usable(name: Any) -> bool:
    return isinstance(name, str) and bool(name.strip()) and stays_below(name)


def stays_below(name: str) -> bool:
    """Whether the name of a file, of any system, leads nowhere but below the folder that it is meant for."""
    path = PurePosixPath(name.replace("\\", "/"))
    return not path.is_absolute() and ".." not in path.parts and not "".join(path.parts[:1]).endswith(":")
