"""More labelled clips for the training part alone, such as corrections; validation and test stay as they are.

They are no part of any fold or held-out part, so nothing is ever measured on them. What is a copy of a clip that scores
are measured on is left out.
"""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audiocls.data import splits
from audiocls.data.clips import Clips
from audiocls.data.copies import copies
from audiocls.data.division import Division
from audiocls.data.listing import Item, Listing, folded_name, shown, some
from audiocls.data.negatives import NEGATIVE_NAMES
from audiocls.data.sources import find_source
from audiocls.data.store import Store
from audiocls.errors import DataError, UsageError

if TYPE_CHECKING:
    from audiocls.data.dataset import AudioData

PREFIX = "extra_folder/"  # of their files' names
_NO_TARGETS = np.zeros(0, np.int64)


def extra_items(folder: str | None, listing: Listing) -> list[Item]:
    """The clips of `extra_folder`, with the labels in the data's own spelling; none without such a folder.

    Raises:
        DataError: there are none, or they have several labels each and the data's clips have not.
        UsageError: the data is streamed.
    """
    if folder is None:
        return []
    if listing.streamed:
        raise UsageError("extra_folder cannot go with streaming; leave one of them out")
    try:
        found = find_source(folder)
    except DataError as error:
        raise DataError(f"extra_folder: {error}") from error
    if found.multi_label and not listing.multi_label:
        raise DataError(
            f"extra_folder is {shown(folder)}; its clips have several labels each, but those of the data one"
        )
    spelt = {folded_name(label): label for label in listing.labels}
    listing.warnings += [f"extra_folder: {warning}" for warning in found.warnings]
    listing.skipped += [dataclasses.replace(each, file=PREFIX + each.file) for each in found.skipped]
    kept = [item for item in found.items if item.part in (None, "train")]
    if len(kept) < len(found.items):
        number = len(found.items) - len(kept)
        listing.warnings.append(f"extra_folder: {number} clips of its own test and validation parts are left out")
    return [
        dataclasses.replace(
            item,
            file=PREFIX + item.file,
            labels=tuple(spelt.get(folded_name(label), label) for label in item.labels),
            part=None,
            group=None if item.group is None else PREFIX + item.group,
        )
        for item in kept
    ]


def is_extra(file: str) -> bool:
    """Whether a clip of this name is one of them."""
    return file.startswith(PREFIX)


def told_apart(items: list[Item], rows: np.ndarray) -> tuple[tuple[list[Item], np.ndarray], ...]:
    """The data's own items with their rows in the store, and the extra ones with theirs."""
    extra = np.array([is_extra(item.file) for item in items], bool)
    return tuple(([items[i] for i in np.flatnonzero(some)], rows[some]) for some in (~extra, extra))


@dataclasses.dataclass
class Extra:
    """The extra clips that are used.

    sets: int (own clips + items,), what stays together of the data's own clips and these.
    """

    items: list[Item]
    rows: np.ndarray
    sets: np.ndarray
    negatives: Clips
    left_out: list[str]
    new_labels: list[str]

    @property
    def files(self) -> list[str]:
        return [item.file for item in self.items]

    @property
    def groups(self) -> list[str | None]:
        return [item.group for item in self.items]

    def told(self) -> list[str]:
        """What was left out and why, and classes that nothing is measured on."""
        lines = []
        if self.left_out:
            lines.append(
                f"extra_folder: {len(self.left_out)} clips are left out, for they are copies of clips that scores are "
                f"measured on: {some(self.left_out)}"
            )
        if self.new_labels:
            lines.append(
                f"extra_folder: learnt from its clips alone, and in no test or validation part: {some(self.new_labels)}"
            )
        return lines

    def note(self, folder: str | None) -> str:
        """What the model card says behind how the clips were divided."""
        if folder is None:
            return ""
        clips = len(self.items) + len(self.negatives)
        return f" {clips} more training clips are from the folder {shown(_name_of(folder))}."

    def record(self, folder: str | None) -> dict[str, Any] | None:
        """What training_config.json tells."""
        if folder is None:
            return None
        return {
            "folder": _name_of(folder),
            "clips": len(self.items),
            "negatives": len(self.negatives),
            "by_label": dict(sorted(Counter(label for item in self.items for label in item.labels).items())),
            "new_labels": self.new_labels,
            "left_out": self.left_out,
        }


def choose_extra(
    store: Store,
    own: tuple[np.ndarray, Division],
    other_rows: np.ndarray,
    extra: tuple[list[Item], np.ndarray],
    labels: Sequence[str],
) -> Extra:
    """Leave out the extra clips that are copies of clips on which scores are measured.

    Args:
        own: rows in the store of the data's own clips, and how they were divided.
        other_rows: of clips of no class on which scores are measured.
        extra: the extra clips and their rows.
        labels: of the data.
    """
    (rows, division), (items, extra_rows) = own, extra
    if not items:
        return Extra([], extra_rows, division.sets, Clips(store, extra_rows, [], _NO_TARGETS, []), [], [])
    measured = np.concatenate([division.parts != "train", np.ones(len(other_rows), bool)])
    pairs = [pair for each in copies(store, np.concatenate([rows, other_rows, extra_rows])) for pair in each]
    before, after = len(measured), len(measured) + len(items)
    first_of: dict[Any, int] = {}
    pairs += [
        (first_of.setdefault(item.group, number), number)
        for number, item in enumerate(items, before)
        if item.group is not None
    ]
    pairs += [(first_of.setdefault(int(number), clip), clip) for clip, number in enumerate(division.sets)]
    joined = splits.merge_groups(after, pairs)
    barred = np.isin(joined[before:], joined[:before][measured])
    negative = np.array([_is_negative(item, labels) for item in items], bool)
    kept, others = np.flatnonzero(~barred & ~negative), np.flatnonzero(~barred & negative)
    used = [items[number] for number in kept]
    stays = np.concatenate([np.arange(len(rows)), before + kept])
    place = {int(clip): number for number, clip in enumerate(stays)}
    sets = splits.merge_groups(len(stays), [(place[a], place[b]) for a, b in pairs if a in place and b in place])
    return Extra(
        used,
        extra_rows[kept],
        sets,
        Clips(
            store,
            extra_rows[others],
            [items[number].file for number in others],
            np.zeros(len(others), np.int64),
            [items[number].group for number in others],
        ),
        [items[number].file for number in np.flatnonzero(barred)],
        sorted({label for item in used for label in item.labels} - set(labels)),
    )


def _is_negative(item: Item, labels: Sequence[str]) -> bool:
    """Whether it is of no class; a class that the data has under such a name is one."""
    return len(item.labels) == 1 and item.labels[0] not in labels and folded_name(item.labels[0]) in NEGATIVE_NAMES


def _name_of(folder: str) -> str:
    return Path(folder).expanduser().resolve().name


def with_extra(audio: "AudioData") -> "AudioData":
    """The data with its extra clips behind the training clips: what a model learns from.

    Those of a group of which validation or test clips are, as in a fold, stay out.
    """
    if audio.extra is None or not len(audio.extra):
        return audio
    barred = {name for part in (audio.validation, audio.test) for name in part.groups if name is not None}
    kept = [number for number, name in enumerate(audio.extra.groups) if name is None or name not in barred]
    return dataclasses.replace(audio, train=audio.train.followed_by(audio.extra.subset(kept)), extra=None)


def num_extra(clips: Clips) -> int:
    """How many of some clips are extra ones."""
    return sum(map(is_extra, clips.files))
