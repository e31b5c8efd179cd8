"""The clips of a data source that are of use, decoded once; of the others it is told why they are of none."""

import hashlib
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from audiocls.config import TrainConfig
from audiocls.data.arriving import open_arriving
from audiocls.data.listing import Item, Listing, Skipped, shown, some
from audiocls.data.store import Encoded, Store, content_hash, open_store
from audiocls.errors import DataError
from audiocls.hub.ids import HubId

SHORTEST_SECONDS = 0.01
SILENCE = 10 ** (-90 / 20)  # peak below -90 dBFS


def usable_clips(listing: Listing, source: str, config: TrainConfig) -> tuple[list[Item], Store, np.ndarray]:
    """Decode what was found: the usable clips in a fixed order, the store and their rows in it.

    What is of no use is added to `listing.skipped`.

    Raises:
        DataError: nothing is usable, or `config.strict` and a file is not.
        OutputError: the cache cannot be written.
    """
    where = str(listing.root.resolve()) if listing.root else listing.dataset_id or source
    name = re.sub(r"[^\w.-]+", "_", listing.name)[:40] + "-" + hashlib.sha256(os.fsencode(where)).hexdigest()[:10]
    store, contents = _opened(listing, name, config)
    usable: list[Item] = []
    rows: list[int] = []
    cut: list[str] = []
    for item, content in zip(listing.items, contents, strict=True):
        if content is None:
            continue  # already in listing.skipped
        row = store.rows[content]
        reason = unusable(store, row, config.sampling_rate)
        if reason:
            listing.skipped.append(Skipped(item.file, reason))
            continue
        if store.notes[row]:
            cut.append(item.file)
        usable.append(item)
        rows.append(row)
    if cut:
        what = (
            "1 file is cut off and used as far as it goes"
            if len(cut) == 1
            else f"{len(cut)} files are cut off and used as far as they go"
        )
        listing.warnings.append(f"{what}: {some(cut)}")
    if config.strict and listing.skipped:
        listing.skipped.sort(key=lambda skipped: skipped.file)
        told = [f"{skipped.file} ({skipped.reason})" for skipped in listing.skipped]
        raise DataError(f"strict: {len(told)} {'file' if len(told) == 1 else 'files'} cannot be used: {some(told)}")
    if not usable:
        first = listing.skipped[0]
        raise DataError(f"none of the {len(listing.skipped)} files can be used; {shown(first.file)}: {first.reason}")
    return usable, store, np.array(rows, np.int64)


def _opened(listing: Listing, name: str, config: TrainConfig) -> tuple[Store, Sequence[str | None]]:
    """The store of what was found, and the content hash of every clip; None for one that cannot be opened."""
    if listing.streamed and listing.dataset_id:
        hub_id = HubId(listing.dataset_id, listing.dataset_revision)
        return open_arriving(name, hub_id, listing.items, config.sampling_rate, config.num_workers)
    contents = _hash_all(listing, config.num_workers)
    encoded: dict[str, Encoded] = {}
    for item, content in zip(listing.items, contents, strict=True):
        if content:
            encoded.setdefault(content, item.source)
    return open_store(name, encoded, config.sampling_rate, config.num_workers), contents


def _hash_all(listing: Listing, num_workers: int) -> list[str | None]:
    """Content hash of every clip, None for one that cannot be opened (then it is listed as skipped)."""

    def attempt(item: Item) -> str | OSError:
        try:
            return content_hash(item.source)
        except OSError as error:
            return error

    contents: list[str | None] = []
    with ThreadPoolExecutor(num_workers or os.cpu_count() or 1) as pool:
        for item, result in zip(listing.items, pool.map(attempt, listing.items), strict=True):
            if isinstance(result, OSError):
                reason = (result.strerror or "the file cannot be read").lower()
                listing.skipped.append(Skipped(item.file, f"the file cannot be opened: {reason}"))
                contents.append(None)
            else:
                contents.append(result)
    return contents


def unusable(store: Store, row: int, sampling_rate: int) -> str | None:
    """Why a decoded clip is of no use, None if it is fine."""
    if store.errors[row]:
        return store.errors[row]
    if store.lengths[row] < SHORTEST_SECONDS * sampling_rate:
        return "shorter than 10 ms"
    lowest, highest = float(store.lowest[row]), float(store.highest[row])
    if max(-lowest, highest) < SILENCE:
        return "silent (nowhere above -90 dBFS)"
    if highest - lowest < SILENCE:
        return "constant (an offset without sound)"
    return None
