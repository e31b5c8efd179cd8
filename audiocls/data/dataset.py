"""From a data source to decoded, checked clips in train, validation and test parts.

Ties together finding (`sources`), decoding (`usable`, `store`), copies (`fingerprints`) and division (`splits`).
Nothing is dropped in silence: what is not used is in `AudioData.skipped` with its reason.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audiocls.config import TrainConfig
from audiocls.data.attribution import attribution_text
from audiocls.data.clips import Clips
from audiocls.data.copies import copies, note_copies
from audiocls.data.division import Pool, divide
from audiocls.data.extra import choose_extra, extra_items, told_apart
from audiocls.data.grouping import Groups, known_groups
from audiocls.data.listing import Item, Listing, Skipped, shown, some
from audiocls.data.negatives import mark_negatives, negative_test_clips
from audiocls.data.sources import find_source
from audiocls.data.store import Store
from audiocls.data.usable import usable_clips
from audiocls.errors import DataError

LONG_SECONDS = 600.0  # a clip this long among short ones is worth a word


@dataclass
class AudioData:
    """A data set ready for training: labels in alphabetical order, three parts (validation or test may be empty)."""

    name: str
    labels: list[str]
    multi_label: bool
    sampling_rate: int
    train: Clips
    validation: Clips
    test: Clips
    skipped: list[Skipped]
    warnings: list[str]
    split_note: str
    attribution: str | None
    negatives: Clips  # of no class, to learn from what is none of them; targets mean nothing
    test_negatives: Clips
    groups_origin: str | None = None  # how a model card tells where `Clips.groups` come from
    test_name: str = "test"  # what `test` is: that part, or "all" clips of data without parts
    dataset_id: str | None = None  # of a data set on the Hub, and the commit of it that was read
    dataset_revision: str | None = None
    root: Path | None = None  # of a folder, where its ATTRIBUTION.csv is
    extra: Clips | None = None  # more to train on, of which nothing is measured; see `data.extra.with_extra`
    extra_record: dict[str, Any] | None = None  # what training_config.json tells of them


def load_audio_data(source: str, config: TrainConfig) -> AudioData:
    """Find, decode (once; kept in a cache), check and divide the clips of a data source.

    Args:
        source: a folder, a zip, or a Hub data set "user/name@revision".
        config: uses sampling_rate, test_size, validation_size, streaming, label_regex, group_regex, group_table,
            strict, num_workers, seed, extra_folder.

    Raises:
        DataError: nothing usable, fewer than two classes, a class with too few clips, or `strict` and a skipped file.
        OutputError: the cache cannot be written.
        UsageError: label_regex, group_regex or group_table is wrong.
    """
    listing = find_source(source, config.label_regex, config.streaming)
    more = extra_items(config.extra_folder, listing)
    items, store, rows = usable_clips(dataclasses.replace(listing, items=listing.items + more), source, config)
    if more:
        copies(store, rows)  # found among all at once, and remembered
    (items, rows), (more, more_rows) = told_apart(items, rows)
    groups = known_groups(listing, items, config)
    marked = mark_negatives(listing, items)
    negatives, test_negatives = _negatives(store, rows, items, groups.names, marked, config)
    items, rows, groups = _without(marked, items, rows, groups)
    labels = _labels(listing, items)
    _, counts = _targets(items, labels, listing.multi_label)
    identical, similar = copies(store, rows)
    note_copies(identical + similar, items, groups.names, listing.warnings)
    files = [item.file for item in items]
    pool = Pool(files, counts, labels, [item.part for item in items], groups, identical, similar)
    division = divide(pool, config)
    chosen = choose_extra(store, (rows, division), test_negatives.rows, (more, more_rows), labels)
    listing.warnings += chosen.told()
    labels = sorted({*labels, *chosen.new_labels})
    names = _group_names(files + chosen.files, groups.names + chosen.groups, chosen.sets)
    targets, _ = _targets(items, labels, listing.multi_label)
    clips = Clips(store, rows, files, targets, names[: len(files)])
    targets, _ = _targets(chosen.items, labels, listing.multi_label)
    extra = Clips(store, chosen.rows, chosen.files, targets, names[len(files) :])
    negatives = negatives.followed_by(chosen.negatives)
    _note_long_clips(clips, config.sampling_rate, listing.warnings)
    parts = {part: clips.subset(np.flatnonzero(division.parts == part)) for part in ("train", "validation", "test")}
    return AudioData(
        name=listing.name,
        labels=labels,
        multi_label=listing.multi_label,
        sampling_rate=config.sampling_rate,
        train=parts["train"],
        validation=parts["validation"],
        test=parts["test"],
        skipped=sorted(listing.skipped, key=lambda skipped: skipped.file),
        warnings=listing.warnings + division.warnings,
        split_note=division.note + chosen.note(config.extra_folder),
        attribution=listing.attribution or attribution_text(listing.root),
        dataset_id=listing.dataset_id,
        dataset_revision=listing.dataset_revision,
        root=listing.root,
        negatives=negatives,
        test_negatives=test_negatives,
        groups_origin=groups.origin,
        extra=extra,
        extra_record=chosen.record(config.extra_folder),
    )


def load_labelled_clips(source: str, config: TrainConfig, labels: Sequence[str], multi_label: bool) -> AudioData:
    """Load clips to test a trained model on: the data's test part if it has parts, otherwise all of them.

    Args:
        source: as in `load_audio_data`.
        config: uses sampling_rate (that of the model), streaming, label_regex, group_regex, group_table, strict and
            num_workers.
        labels: the model's labels in its order; a class may be absent from the data.
        multi_label: whether the model gives several labels a clip.

    Returns:
        Everything in `test`; `train` and `validation` are empty. Targets count in the order of `labels`.

    Raises:
        DataError: nothing usable, or a class the model does not know.
    """
    listing = find_source(source, config.label_regex, config.streaming)
    part = "test" if any(item.part == "test" for item in listing.items) else None
    if part:
        listing.items = [item for item in listing.items if item.part == part]
    if listing.multi_label and not multi_label:
        raise DataError(f"{shown(source)}: clips have several labels each, but the model gives one label a clip")
    marked = mark_negatives(listing, listing.items, labels)
    unknown = sorted({label for item, no in zip(listing.items, marked, strict=True) if not no for label in item.labels})
    unknown = [label for label in unknown if label not in labels]
    if unknown:
        raise DataError(f"{shown(source)}: the model does not know class {some(unknown)}; it knows {some(labels, 20)}")
    names = {item.labels[0] for item, negative in zip(listing.items, marked, strict=True) if negative}
    items, store, rows = usable_clips(listing, source, config)
    groups = known_groups(listing, items, config)
    marked = np.array([len(item.labels) == 1 and item.labels[0] in names for item in items], bool)
    _, negatives = _negatives(store, rows, items, groups.names, marked, None)
    items, rows, groups = _without(marked, items, rows, groups)
    if not items:
        raise DataError(f"{shown(source)}: holds only clips that are none of the model's classes")
    targets, _ = _targets(items, list(labels), multi_label)
    clips = Clips(store, rows, [item.file for item in items], targets, groups.names)
    return AudioData(
        name=listing.name,
        labels=list(labels),
        multi_label=multi_label,
        sampling_rate=config.sampling_rate,
        train=clips.subset([]),
        validation=clips.subset([]),
        test=clips,
        skipped=sorted(listing.skipped, key=lambda skipped: skipped.file),
        warnings=listing.warnings,
        split_note="The data's own test part." if part else "All clips of the data.",
        attribution=listing.attribution or attribution_text(listing.root),
        dataset_id=listing.dataset_id,
        dataset_revision=listing.dataset_revision,
        root=listing.root,
        negatives=negatives.subset([]),
        test_negatives=negatives,
        groups_origin=groups.origin,
        test_name=part or "all",
    )


def _negatives(
    store: Store,
    rows: np.ndarray,
    items: list[Item],
    groups: list[str | None],
    marked: np.ndarray,
    config: TrainConfig | None,
) -> tuple[Clips, Clips]:
    """The marked clips, to learn from and to test on; without `config` all of them to test on."""
    chosen = np.flatnonzero(marked)
    some_items, names = [items[i] for i in chosen], [groups[i] for i in chosen]
    clips = Clips(store, rows[chosen], [item.file for item in some_items], np.zeros(len(chosen), np.int64), names)
    if config is None:
        return clips.subset([]), clips
    new_test = config.test_size > 0 and not any(item.part == "test" for item in items)
    rng = np.random.default_rng([config.seed, 2])
    tested = negative_test_clips(some_items, names, new_test, config.test_size, rng)
    return clips.subset(np.flatnonzero(~tested)), clips.subset(np.flatnonzero(tested))


def _without(
    marked: np.ndarray, items: list[Item], rows: np.ndarray, groups: Groups
) -> tuple[list[Item], np.ndarray, Groups]:
    kept = np.flatnonzero(~marked)
    return [items[i] for i in kept], rows[kept], Groups([groups.names[i] for i in kept], groups.origin)


def _labels(listing: Listing, items: Sequence[Item]) -> list[str]:
    """The classes that have usable clips, sorted; a class that lost all of its clips is named."""
    labels = sorted({label for item in items for label in item.labels})
    for lost in sorted(listing.labels - set(labels)):
        listing.warnings.append(f"class {shown(lost)} is left out: none of its files can be used")
    if len(labels) < 2 and not listing.multi_label:
        raise DataError(
            f"there is only one class with usable clips, {shown(labels[0])}; at least two are needed. "
            "Expected a folder for each class, such as dog/1.wav and cat/1.wav"
        )
    return labels


def _targets(items: Sequence[Item], labels: list[str], multi_label: bool) -> tuple[np.ndarray, np.ndarray]:
    """Targets as `Clips` keeps them, and bool (clips, classes)."""
    index = {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(items), len(labels)), bool)
    for row, item in enumerate(items):
        counts[row, [index[label] for label in item.labels]] = True
    return (counts.astype(np.float32) if multi_label else counts.argmax(axis=1).astype(np.int64)), counts


def _group_names(files: list[str], names: list[str | None], sets: np.ndarray) -> list[str | None]:
    """One name for all clips that stay together: their group's, or the first file of several copies."""
    sizes = np.bincount(sets)
    name_of: dict[int, str] = {}
    for clip, number in enumerate(sets):
        if names[clip] is not None:
            name_of.setdefault(int(number), str(names[clip]))
    for clip, number in enumerate(sets):
        if sizes[number] > 1:
            name_of.setdefault(int(number), f"copies of {files[clip]}")
    return [name_of.get(int(number)) for number in sets]


def _note_long_clips(clips: Clips, sampling_rate: int, warnings: list[str]) -> None:
    seconds = clips.lengths / sampling_rate
    long = np.flatnonzero((seconds > LONG_SECONDS) & (seconds > 20 * np.median(seconds)))
    if len(long):
        told = some([f"{clips.files[i]} ({seconds[i] / 60:.0f} min)" for i in long])
        warnings.append(f"much longer than the other clips, yet one clip with one label each: {told}")
