"""The store of clips that come over the network: each is fetched once, hashed and decoded as it arrives, never kept.

A store is found by the hashes of its clips, which are only known when all of them have come; so they are remembered,
and a data set that was read once is not fetched again.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from tqdm import tqdm

from audiocls.data.hub_notes import read_note, write_note
from audiocls.data.hub_stream import InOrder
from audiocls.data.listing import Item
from audiocls.data.store import Store, content_hash, decode_row, open_or_write
from audiocls.errors import DataError
from audiocls.hub.failures import hub_reason
from audiocls.hub.ids import HubId


def open_arriving(
    name: str, hub_id: HubId, items: Sequence[Item], sampling_rate: int, num_workers: int = 0
) -> tuple[Store, list[str]]:
    """Open the store of these clips, fetching and decoding what no earlier store of the data set holds.

    Args:
        name: tells data sets apart in the cache folder.
        hub_id: the data set, with the commit as revision: what never changes has these clips.
        items: its clips; their sources are functions.
        sampling_rate: in Hz.
        num_workers: threads that decode; 0 means one per core.

    Returns:
        The store, and the content hash of every clip.

    Raises:
        DataError: the Hub cannot be reached any more, or what it gives is damaged.
        OutputError: the cache folder cannot be written or the disk is full.
    """
    known = read_note(hub_id, "clips")
    whole = {known[item.file] for item in items} if all(item.file in known for item in items) else None
    workers = num_workers or os.cpu_count() or 1
    store = open_or_write(
        name, whole, sampling_rate, lambda earlier: _rows(items, known, earlier, hub_id, sampling_rate, workers)
    )
    if whole is None:
        write_note(hub_id, "clips", known)
    return store, [known[item.file] for item in items]


def _rows(
    items: Sequence[Item], known: dict[str, str], earlier: list[Store], hub_id: HubId, sampling_rate: int, workers: int
) -> Iterator[dict]:
    """One row a content, with few clips in memory; the hash of every clip goes into `known`."""
    given: set[str] = set()

    def fetched(item: Item) -> dict:
        return arrived(_fetched(item, hub_id))

    def arrived(data: bytes) -> dict:
        content = content_hash(lambda: data)
        old = next((store for store in earlier if content in store.rows), None)
        return old.row(content) if old else decode_row(content, lambda: data, sampling_rate)

    def told(item: Item, row: dict) -> Iterator[dict]:
        known[item.file] = row["content"]
        if row["content"] not in given:
            given.add(row["content"])
            yield row

    with (
        tqdm(total=len(items), desc="Fetching", unit="clip", delay=1) as bar,
        ThreadPoolExecutor(workers) as pool,
    ):
        running: deque[tuple[Item, Future[dict]]] = deque()
        try:
            for item in sorted(items, key=_place):
                content = known.get(item.file)
                old = next((store for store in earlier if content in store.rows), None)
                if content is not None and (old or content in given):
                    yield from told(item, old.row(content) if old else {"content": content})
                    bar.update()
                    continue
                if isinstance(item.source, InOrder):  # here, one after another; only decoding is done in threads
                    running.append((item, pool.submit(arrived, _fetched(item, hub_id))))
                else:
                    running.append((item, pool.submit(fetched, item)))
                if len(running) > 2 * workers:
                    first, future = running.popleft()
                    yield from told(first, future.result())
                    bar.update()
            while running:
                first, future = running.popleft()
                yield from told(first, future.result())
                bar.update()
        finally:  # Ctrl-C or a full disk: start no more
            for _, future in running:
                future.cancel()


def _place(item: Item) -> tuple[int, int]:
    return item.source.place if isinstance(item.source, InOrder) else (0, 0)


def _fetched(item: Item, hub_id: HubId) -> bytes:
    source: Callable[[], bytes] = item.source  # type: ignore[assignment]
    try:
        return source()
    except Exception as error:  # whatever the network, `datasets` and pyarrow raise
        reason = hub_reason(error, hub_id.repo_id, hub_id.revision, "dataset")
        raise DataError(f"{reason} (while {item.file} was fetched)") from error
