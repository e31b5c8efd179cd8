"""The labelled sounds of a data source as they are published: each looked at once, what tells of it gathered."""

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from audiocls.audio.decoding import decode_noting, probe
from audiocls.config import TrainConfig
from audiocls.data.attribution import AUTHOR_COLUMNS, LICENCE_COLUMNS, SOURCE_COLUMNS, attribution_rows
from audiocls.data.grouping import known_groups
from audiocls.data.hub_rows import stays_below
from audiocls.data.listing import Item, Listing, Skipped, some
from audiocls.data.metadata import column
from audiocls.data.store import Encoded
from audiocls.errors import AudioReadError, DataError
from audiocls.text_layout import size

LARGEST_BYTES = (1 << 31) - (1 << 20)  # of Arrow's binary column, as `datasets` uses it for sounds
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Sound:
    """One sound that is published: its source, its name, and what is known of it."""

    source: Encoded
    file: str  # path below the data's root with "/"
    labels: tuple[str, ...]
    split: str
    group: str | None
    origin: dict[str, str]  # licence, author and source, as ATTRIBUTION.csv names and tells them
    seconds: float
    sampling_rate: int
    channels: int
    format: str
    num_bytes: int

    def read(self) -> bytes:
        """The encoded bytes. Raises: DataError when they cannot be read any more."""
        try:
            return self.source() if callable(self.source) else Path(self.source).read_bytes()
        except OSError as error:
            raise DataError(f"{self.file}: cannot be read any more: {error.strerror or error}") from error


def reading_settings(model_folder: Path) -> dict[str, Any]:
    """How the training of a model read labels and groups from names, so that its data is published alike.

    Returns:
        `label_regex` and `group_regex`, those that were set; nothing for a model of others.
    """
    try:
        settings = json.loads((model_folder / "training_config.json").read_text(encoding="utf-8"))["settings"]
        return {name: str(settings[name]) for name in ("label_regex", "group_regex") if settings.get(name)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def labelled_sounds(listing: Listing, config: TrainConfig) -> tuple[list[Sound], list[Skipped]]:
    """Look at every sound: the readable ones in the listing's order, and the others with their reasons.

    Args:
        config: uses group_regex, group_table and num_workers.

    Raises:
        DataError: none is readable, or the table of groups is of no use.
        UsageError: group_regex or group_table is wrong.
    """
    names = _published_names(listing)
    groups = known_groups(listing, listing.items, config).names
    origins = _origins(listing)
    own_parts = any(item.part for item in listing.items)
    with ThreadPoolExecutor(config.num_workers or os.cpu_count() or 1) as pool:
        looks = list(pool.map(_look, listing.items))
    sounds, left_out = [], []
    for item, name, group, origin, look in zip(listing.items, names, groups, origins, looks, strict=True):
        if isinstance(look, str):
            left_out.append(Skipped(name, look))
        else:
            split = item.part or "train" if own_parts else "train"
            sounds.append(
                look(source=item.source, file=name, labels=item.labels, split=split, group=group, origin=origin)
            )
    if not sounds:
        raise DataError(f"none of the {len(left_out)} files can be read; {left_out[0].file}: {left_out[0].reason}")
    return sounds, left_out


def _look(item: Item) -> "partial[Sound] | str":
    """What the file tells of itself, or why it cannot be used. It is decoded: a header alone promises nothing."""
    try:
        source = item.source() if callable(item.source) else item.source
        num_bytes = len(source) if isinstance(source, bytes) else os.stat(source).st_size
        if num_bytes > LARGEST_BYTES:
            return f"{size(num_bytes)}: a row of a data set holds 2 GB at most; cut the sound into clips"
        info = probe(source)
        decoded = decode_noting(source, info.sampling_rate)
    except AudioReadError as error:
        return error.reason
    except OSError as error:
        return f"the file cannot be opened: {(error.strerror or str(error)).lower()}"
    return partial(
        Sound,
        seconds=len(decoded.waveform) / info.sampling_rate,
        sampling_rate=info.sampling_rate,
        channels=info.channels,
        format=info.format,
        num_bytes=num_bytes,
    )


def _published_names(listing: Listing) -> list[str]:
    """The files' names below the root; one that a table keeps elsewhere goes by its bare name, for no path leaves."""
    taken = {item.file for item in listing.items}
    names, moved = [], []
    for item in listing.items:
        name = item.file
        if not stays_below(name):
            bare = PurePosixPath(name.replace("\\", "/")).name
            name, number = f"elsewhere/{bare}", 1
            while name in taken:
                number += 1
                name = f"elsewhere/{number}/{bare}"
            taken.add(name)
            moved.append(name)
        names.append(name)
    if moved:
        listing.warnings.append(f"the table names files outside the folder; they are published as {some(moved)}")
    return names


def _origins(listing: Listing) -> list[dict[str, str]]:
    """What ATTRIBUTION.csv tells of each item: {column: text}, with all columns or none."""
    header, rows = attribution_rows(listing.root, [item.file for item in listing.items])
    columns = [name for names in (LICENCE_COLUMNS, AUTHOR_COLUMNS, SOURCE_COLUMNS) if (name := column(header, names))]
    return [{name.strip().lower(): row[name].strip() if row else "" for name in columns} for row in rows]


def splits_of(sounds: Sequence[Sound]) -> dict[str, list[Sound]]:
    """The sounds by split, those without a sound left out, in the order train, validation, test."""
    found = {split: [sound for sound in sounds if sound.split == split] for split in PARTS}
    return {split: inside for split, inside in found.items() if inside}
