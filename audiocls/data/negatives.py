"""Folders that are no class: background noise and other sounds that are none of a model's classes."""

from collections.abc import Collection

import numpy as np

from audiocls.data import splits
from audiocls.data.listing import Item, Listing, folded_name, some

NEGATIVE_NAMES = ("background", "_background_", "_background_noise_", "_unknown_")


def mark_negatives(listing: Listing, items: list[Item], known: Collection[str] = ()) -> np.ndarray:
    """Which clips are negatives: bool (clips,). Their names are taken out of `listing.labels`.

    They count as an ordinary class where without them a single one would be left, or where a model knows their name.

    Args:
        known: labels of a model that the clips are for.
    """
    names = {label for label in listing.labels if folded_name(label) in NEGATIVE_NAMES and label not in known}
    marked = np.array([len(item.labels) == 1 and item.labels[0] in names for item in items], bool)
    left = {label for item, negative in zip(items, marked, strict=True) if not negative for label in item.labels}
    if not marked.any() or (len(left) < 2 and not known):
        return np.zeros(len(items), bool)
    listing.labels -= names
    named = some(sorted(names))
    listing.warnings.append(
        f"{int(marked.sum())} clips of {named} are no class: the model learns from them what is none of its classes"
    )
    return marked


def negative_test_clips(
    items: list[Item], groups: list[str | None], new_test: bool, share: float, rng: np.random.Generator
) -> np.ndarray:
    """Which negatives are kept to test on: bool (clips,); those of a given test part, else a share of whole groups."""
    given = np.array([item.part in ("test", "validation") for item in items], bool)
    if given.any() or not new_test or len(items) < 2:
        return given
    numbers: dict[object, int] = {}
    sets = np.array(
        [numbers.setdefault(clip if name is None else name, len(numbers)) for clip, name in enumerate(groups)]
    )
    return splits.choose_part(np.ones((len(items), 1), bool), sets, share, rng)
