"""Data sets of the Hub, and folders of parquet files, through `datasets`: rows with encoded audio and a label."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from audiocls.data.listing import PARTS, Item, Listing, Skipped, class_name, shown
from audiocls.data.metadata import GROUP_COLUMNS, LABEL_COLUMNS
from audiocls.errors import DataError

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def is_hub_id(source: str) -> bool:
    """Whether a source that is no path could be the id "user/name" of a data set on the Hub."""
    return re.fullmatch(HUB_ID, source) is not None and not source.startswith(".")


def has_parquet(folder: Path) -> bool:
    """Whether a folder holds parquet files, directly or in data/ as the Hub lays them out."""
    return any(folder.glob("*.parquet")) or any(folder.glob("data/*.parquet"))


def list_rows(source: str) -> Listing:
    """List the clips of a Hub data set, or of a local folder of parquet files.

    Raises:
        DataError: it cannot be reached, or has no audio or label column.
    """
    import datasets

    local = Path(source).is_dir()
    if not local:
        _check_hub(source)
    try:
        found = datasets.load_dataset(source)
    except Exception as error:  # whatever network, Hub or pyarrow raise becomes one line
        what = "the parquet files" if local else "the Hub data set"
        raise DataError(f"{shown(source)}: {what} cannot be loaded: {_in_short(error)}") from error
    listing = Listing(name=Path(source).name if local else source, root=Path(source) if local else None)
    known = {name: PARTS.get(name.lower()) for name in found}
    if len(found) > 1 and None in known.values():
        unknown = ", ".join(name for name, part in known.items() if part is None)
        listing.warnings.append(f"splits {unknown} are neither training, validation nor test; they are left out")
    for split, table in found.items():
        if known[split] or len(found) == 1:
            # One lone split, most often called "train", is the whole data and not a given part.
            _add_split(listing, source, str(split), table, known[split] if len(found) > 1 else None)
    listing.items.sort(key=lambda item: item.file)
    if not listing.items:
        raise DataError(f"{shown(source)}: no labelled audio in it")
    return listing


def _check_hub(source: str) -> None:
    """Ask the Hub once: `load_dataset` by itself takes half a minute of retries to say that there is no network."""
    import datasets
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError

    try:
        HfApi().dataset_info(source, timeout=20)
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise DataError(
            f"{shown(source)}: no such folder or zip here, and no such data set on the Hub "
            "(for a private one, log in with: hf auth login)"
        ) from error
    except Exception as error:  # offline; a data set that was loaded before is in the cache
        if not Path(datasets.config.HF_DATASETS_CACHE, source.replace("/", "___")).is_dir():
            raise DataError(
                f"{shown(source)}: no such folder or zip here, and the Hub cannot be reached: {_in_short(error)}"
            ) from error


def _in_short(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _add_split(listing: Listing, source: str, split: str, table: Any, part: str | None) -> None:
    import datasets

    audio = _audio_column(source, table)
    label = next((name for name in LABEL_COLUMNS if name in table.column_names), None)
    if label is None:
        raise DataError(
            f"{shown(source)}: no label column; it has {', '.join(table.column_names)}, "
            f"and one of {', '.join(LABEL_COLUMNS)} is needed"
        )
    group = next((name for name in GROUP_COLUMNS if name in table.column_names), None)
    table = table.cast_column(audio, datasets.Audio(decode=False))
    feature = table.features[label]
    several = hasattr(feature, "feature") or isinstance(feature, list)
    names: Callable[[Any], str] = getattr(getattr(feature, "feature", feature), "int2str", str)
    listing.multi_label |= several
    sounds = table.select_columns([audio])
    labels, groups = table[label], table[group] if group else [None] * len(table)
    width = len(str(len(table)))
    for row, (value, its_group) in enumerate(zip(labels, groups, strict=True)):
        file = f"{split}/{row:0{width}}"
        values = (value or []) if several else [value]
        # -1 is how ClassLabel writes "unknown"
        chosen = tuple(class_name(names(one)) for one in values if one is not None and one != -1 and str(one).strip())
        if not chosen:
            listing.skipped.append(Skipped(file, f"no label in column {label}"))
            continue
        listing.labels.update(chosen)
        listing.items.append(
            Item(file, _reader(sounds, row, audio), chosen, part, None if its_group is None else str(its_group))
        )


def _reader(table: Any, row: int, column: str) -> Callable[[], bytes]:
    def read() -> bytes:
        cell = table[row][column] or {}
        if cell.get("bytes") is not None:
            return cell["bytes"]
        path = cell.get("path")
        return Path(path).read_bytes() if path and os.path.isfile(path) else b""

    return read


def _audio_column(source: str, table: Any) -> str:
    """The column of audio: declared so, or a struct of bytes and path as parquet files without the Hub's notes have."""
    import datasets

    for name, feature in table.features.items():
        if isinstance(feature, datasets.Audio) or (isinstance(feature, dict) and set(feature) == {"bytes", "path"}):
            return name
    raise DataError(f"{shown(source)}: no audio column; it has {', '.join(table.column_names)}")
