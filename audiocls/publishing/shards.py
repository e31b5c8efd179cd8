"""Labelled sounds as parquet files in the form that `datasets` reads and the Hub displays; the same bytes each time.

The encoded bytes of the sounds go in as they are. Memory stays at one row group. `Dataset.push_to_hub` writes the same
layout, but it copies all sounds into its cache first, and it makes commits of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from audiocls.data.hub_rows import NAME_COLUMN
from audiocls.publishing.labelled_sounds import Sound, splits_of

SHARD_BYTES = 500_000_000
GROUP_BYTES = 1 << 24  # of sounds in a row group: what a reader fetches at once
GROUP_ROWS = 1000


@dataclass(frozen=True)
class Split:
    """What was written of one split."""

    name: str
    num_rows: int
    num_bytes: int  # in memory, as `datasets` counts
    files: dict[str, Path]  # by path in the repository

    @property
    def file_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.files.values())


def features_of(sounds: Sequence[Sound], multi_label: bool) -> Any:
    """The columns, as `datasets.Features`. The sound is the last: what is read first lies together."""
    import datasets

    label = datasets.ClassLabel(names=sorted({label for sound in sounds for label in sound.labels}))
    features: dict[str, Any] = {NAME_COLUMN: datasets.Value("string")}
    features |= {"labels": datasets.List(label)} if multi_label else {"label": label}
    if any(sound.group is not None for sound in sounds):
        features["group"] = datasets.Value("string")
    features |= {name: datasets.Value("string") for name in sounds[0].origin}
    return datasets.Features(features | {"audio": datasets.Audio()})


def write_splits(sounds: Sequence[Sound], multi_label: bool, folder: Path) -> tuple[list[Split], Any]:
    """Write all sounds below a folder.

    Returns:
        What was written, and the `datasets.Features`.

    Raises:
        DataError: a sound cannot be read any more.
        OSError: the folder cannot be written, or the disk is full.
    """
    features = features_of(sounds, multi_label)
    return [_write(split, inside, features, folder) for split, inside in splits_of(sounds).items()], features


def _write(split: str, sounds: Sequence[Sound], features: Any, folder: Path) -> Split:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = features.arrow_schema
    shards = _shards(sounds)
    files: dict[str, Path] = {}
    size = 0
    for number, inside in enumerate(shards):
        name = f"{split}-{number:05d}-of-{len(shards):05d}.parquet"
        files[f"data/{name}"] = folder / name
        with pq.ParquetWriter(folder / name, schema, **_how_written(features)) as writer:
            for group in _row_groups(inside):
                table = pa.Table.from_pydict(_columns(group, features), schema=schema)
                size += table.nbytes
                writer.write_table(table, row_group_size=len(group))
    return Split(split, len(sounds), size, files)


def _how_written(features: Any) -> dict[str, Any]:
    """Sounds are compressed already; their smallest and largest bytes, or a dictionary of them, help nobody."""
    small = [
        f"{name}.list.element" if hasattr(feature, "feature") else name  # as parquet calls the values of a list
        for name, feature in features.items()
        if name != "audio"
    ]
    return {
        "compression": {"audio.bytes": "NONE"} | dict.fromkeys([*small, "audio.path"], "ZSTD"),
        "use_dictionary": small,
        "write_statistics": small,
        "use_content_defined_chunking": True,  # what did not change is the same bytes in the next version, too
        "write_page_index": True,
    }


def _shards(sounds: Sequence[Sound]) -> list[list[Sound]]:
    """Consecutive runs of about the same size in bytes."""
    total = sum(sound.num_bytes for sound in sounds)
    count = max(1, -(-total // SHARD_BYTES))
    shards: list[list[Sound]] = [[] for _ in range(count)]
    before = 0
    for sound in sounds:
        shards[min(before * count // max(total, 1), count - 1)].append(sound)
        before += sound.num_bytes
    return [shard for shard in shards if shard]


def _row_groups(sounds: Sequence[Sound]) -> Iterator[list[Sound]]:
    group: list[Sound] = []
    size = 0
    for sound in sounds:
        if group and (size + sound.num_bytes > GROUP_BYTES or len(group) == GROUP_ROWS):
            yield group
            group, size = [], 0
        group.append(sound)
        size += sound.num_bytes
    yield group


def _columns(sounds: Sequence[Sound], features: Any) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {name: [sound.origin.get(name) or None for sound in sounds] for name in features}
    columns[NAME_COLUMN] = [sound.file for sound in sounds]
    columns["audio"] = [{"bytes": sound.read(), "path": PurePosixPath(sound.file).name} for sound in sounds]
    if "group" in features:
        columns["group"] = [sound.group for sound in sounds]
    if "labels" in features:
        columns["labels"] = [features["labels"].feature.str2int(list(sound.labels)) for sound in sounds]
    else:
        columns["label"] = features["label"].str2int([sound.labels[0] for sound in sounds])
    return columns
