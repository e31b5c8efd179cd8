"""Measuring every clip of a data set: in threads, in batches that are kept, going on where an earlier call stopped."""

import hashlib
import os
import re
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import xxhash
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from audiocls.data.listing import Item, Listing
from audiocls.data.store import cache_folder, content_hash
from audiocls.inspection.measures import Measures, measure
from audiocls.inspection.records import Columns, Record, Records

BATCH_CLIPS = 256  # written together, or after BATCH_SECONDS: so much is lost when the process is killed
BATCH_SECONDS = 10.0


def measurements(listing: Listing, source: str, num_workers: int = 0, verbose: bool = False) -> Columns:
    """One row of measures for each clip of the listing, in its order.

    Args:
        source: what the listing was made from; with its root it names the place in the cache.
        num_workers: threads; 0 means one per core. Decoding and transforms work outside Python's lock.
        verbose: show a progress bar with the speed as a multiple of real time.

    Raises:
        OutputError: the cache folder cannot be written.
    """
    records = Records(records_folder(listing, source))
    items = listing.items
    stamps = [_stamp(item) for item in items]
    keys = [(item.file, stamp or "") for item, stamp in zip(items, stamps, strict=True)]
    missing = [i for i, stamp in enumerate(stamps) if stamp is None or keys[i] not in records]
    workers = num_workers or os.cpu_count() or 1
    done, seconds, started = [], 0.0, time.monotonic()
    written = started
    progress = tqdm(
        total=len(items), initial=len(items) - len(missing), desc="Measuring", unit="clip", disable=not verbose, delay=1
    )
    # Each thread measures a clip: threads of the linear algebra beside them take twice the processor time.
    with threadpool_limits(1, "blas"), progress, ThreadPoolExecutor(workers) as pool:
        try:
            for clip, record in _in_turn(pool, items, stamps, missing, records, 4 * workers):
                keys[clip] = (record.file, record.stamp)
                progress.update()
                if keys[clip] in records:
                    continue  # a sound without a stamp whose content was measured before
                done.append(record)
                seconds += record.measures.seconds
                now = time.monotonic()
                progress.set_postfix_str(f"{seconds / max(now - started, 0.01):.0f}x real time", refresh=False)
                if len(done) >= BATCH_CLIPS or now - written > BATCH_SECONDS:
                    records.append(done)
                    done, written = [], now
        finally:  # also after Ctrl-C
            records.append(done)
    return records.columns(keys)


def records_folder(listing: Listing, source: str) -> Path:
    """Where the measurements of a data set are kept."""
    where = str(listing.root.resolve()) if listing.root else source
    name = re.sub(r"[^\w.-]+", "_", listing.name)[:40] + "-" + hashlib.sha256(os.fsencode(where)).hexdigest()[:10]
    return cache_folder() / "inspections" / name


def _in_turn(
    pool: ThreadPoolExecutor,
    items: list[Item],
    stamps: list[str | None],
    missing: list[int],
    records: Records,
    at_once: int,
) -> Iterator[tuple[int, Record]]:
    """Records in the order of the clips, with a bounded number in memory."""
    running: deque[tuple[int, Future[Record]]] = deque()
    try:
        for clip in missing:
            running.append((clip, pool.submit(_record, items[clip], stamps[clip], records)))
            if len(running) >= at_once:
                first, future = running.popleft()
                yield first, future.result()
        while running:
            first, future = running.popleft()
            yield first, future.result()
    finally:  # Ctrl-C or a full disk: start no more
        for _, future in running:
            future.cancel()


def _record(item: Item, stamp: str | None, records: Records) -> Record:
    try:
        if callable(item.source):
            encoded = item.source()
            content = xxhash.xxh3_128_hexdigest(encoded)
            if (item.file, content) in records:
                return Record(item.file, content, content, Measures())
            return Record(item.file, content, content, measure(encoded))
        return Record(item.file, stamp or "", content_hash(item.source), measure(item.source))
    except OSError as error:
        reason = (error.strerror or "the file cannot be read").lower()
        return Record(item.file, stamp or "", "", Measures(error=f"the file cannot be opened: {reason}"))


def _stamp(item: Item) -> str | None:
    """What changes when a file changes; None when only its content tells."""
    if callable(item.source):
        return None
    try:
        status = os.stat(item.source)
    except (OSError, ValueError):
        return ""
    return f"{status.st_size}:{status.st_mtime_ns}"
