"""The decoded clips of a data set, kept in one Arrow file: decode once, then read through a memory map.

Samples are stored as float32, not int16, so that every way to predict sees the same numbers and gives the same scores
to 1e-4. The file is an Arrow stream (`datasets.Dataset.from_file` opens it too), one row a distinct file content:
content hash, waveform as raw float32 bytes, what was wrong with it. It is written beside and renamed, under a lock, so
it is complete or absent; it is found by the content of all files, so it is never stale.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import xxhash
from filelock import FileLock
from tqdm import tqdm

from audiocls.audio.decoding import DECODER_VERSION, decode_noting
from audiocls.data.fingerprints import WORDS, fingerprint
from audiocls.errors import AudioReadError, OutputError

Encoded = str | Callable[[], bytes]  # a path, or a function that gives a file's bytes

STORE_VERSION = 5  # raise it when the columns or the fingerprint change, or what counts as a copy
_VERSION = f"{STORE_VERSION} {DECODER_VERSION}"
_BATCH_BYTES = 1 << 25
_VERIFY_BYTES = 1 << 28  # stores up to this size are checked sample by sample when opened
_SCHEMA = pa.schema(
    [
        ("content", pa.string()),  # hash of the encoded file
        ("waveform", pa.large_binary()),  # raw float32 samples
        ("note", pa.string()),  # the file was cut short, or None
        ("error", pa.string()),  # why it cannot be read, or None
        ("lowest", pa.float32()),
        ("highest", pa.float32()),
        ("fingerprint", pa.binary()),  # of audiocls.data.fingerprints, uint32
        ("checksum", pa.uint64()),  # of the waveform's bytes
    ]
)


def cache_folder() -> Path:
    """$AUDIOCLS_CACHE, or audiocls below the Hugging Face cache."""
    named = os.environ.get("AUDIOCLS_CACHE")
    if named:
        return Path(named)
    hub = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    return Path(hub) / "audiocls"


def content_hash(source: Encoded) -> str:
    """Hash of a file's bytes; it tells contents apart, it is no protection against forgery.

    Raises:
        OSError: the file cannot be read.
    """
    digest = xxhash.xxh3_128()
    if callable(source):
        digest.update(source())
    else:
        with open(source, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


class Store:
    """One open file of decoded clips; rows are found by content hash. Pickles as its path (for loader workers)."""

    def __init__(self, path: Path) -> None:
        """Raises: ValueError or OSError when the file is damaged, missing or of another version."""
        self.path = path
        with pa.memory_map(str(path)) as mapped, pa.ipc.open_stream(mapped) as reader:
            table = reader.read_all()
        if table.schema.metadata.get(b"version") != _VERSION.encode():
            raise ValueError(f"{path}: of another version")
        self.sampling_rate = int(table.schema.metadata[b"sampling_rate"])
        self.contents: list[str] = table["content"].to_pylist()
        self.rows: dict[str, int] = {content: row for row, content in enumerate(self.contents)}
        self.notes: list[str | None] = table["note"].to_pylist()
        self.errors: list[str | None] = table["error"].to_pylist()
        # Lists on the way, because pyarrow's to_numpy imports pandas.
        self.lowest, self.highest = (np.array(table[name].to_pylist(), np.float32) for name in ("lowest", "highest"))
        self._fingerprints = table["fingerprint"]  # stays in the map, like the samples
        self._checksums: list[int] = table["checksum"].to_pylist()
        self._blocks: list[np.ndarray] = []  # one flat view of the map for each Arrow chunk
        starts, blocks = [], []
        for chunk in table["waveform"].chunks:
            offsets = np.frombuffer(chunk.buffers()[1], np.int64, len(chunk) + 1, chunk.offset * 8) // 4
            starts.append(np.stack([offsets[:-1], offsets[1:]], axis=1))
            blocks.append(np.full(len(chunk), len(self._blocks)))
            self._blocks.append(np.frombuffer(chunk.buffers()[2] or b"", np.float32))
        self._bounds = np.concatenate(starts) if starts else np.empty((0, 2), np.int64)  # (rows, 2), in samples
        self._block_of = np.concatenate(blocks) if blocks else np.empty(0, np.int64)
        self.lengths = self._bounds[:, 1] - self._bounds[:, 0]

    def __reduce__(self) -> tuple:
        return (Store, (self.path,))

    def waveform(self, row: int, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Samples start to stop of one row as a read-only view of the map: float32 (time,)."""
        low, high = self._bounds[row]
        stop = high - low if stop is None else min(stop, high - low)
        return self._blocks[self._block_of[row]][low + min(start, stop) : low + stop]

    def fingerprint(self, row: int) -> np.ndarray:
        """What finds copies of one row's sound: uint32 (landmarks, WORDS), a read-only view of the map."""
        raw = self._fingerprints[row].as_buffer()
        return np.frombuffer(raw, np.uint32).reshape(-1, WORDS) if raw.size else np.empty((0, WORDS), np.uint32)

    def row(self, content: str) -> dict:
        """One row as `decode_row` gives it."""
        row = self.rows[content]
        return {
            "content": content, "waveform": self.waveform(row), "note": self.notes[row], "error": self.errors[row],
            "lowest": self.lowest[row], "highest": self.highest[row], "fingerprint": self.fingerprint(row).tobytes(),
        }  # fmt: skip

    def is_sound(self, expected: set[str]) -> bool:
        """Whether all rows are there and, in a store of modest size, every sample is as written."""
        if set(self.rows) != expected:
            return False
        if self.lengths.sum() * 4 > _VERIFY_BYTES:
            return True
        return all(_checksum(self.waveform(row)) == self._checksums[row] for row in range(len(self.rows)))


def open_store(name: str, sources: dict[str, Encoded], sampling_rate: int, num_workers: int = 0) -> Store:
    """Open the store of these files, decoding what no earlier store of the same data set holds.

    Args:
        name: tells data sets apart in the cache folder.
        sources: encoded file (a path, or a function that gives the bytes) by content hash.
        sampling_rate: in Hz.
        num_workers: threads that decode; 0 means one per core. The decoders work outside Python's lock.

    Raises:
        OutputError: the cache folder cannot be written or the disk is full.
    """
    workers = num_workers or os.cpu_count() or 1
    return open_or_write(
        name, set(sources), sampling_rate, lambda earlier: _decoded_rows(sources, sampling_rate, workers, earlier)
    )


def open_or_write(
    name: str, contents: set[str] | None, sampling_rate: int, rows: Callable[[list[Store]], Iterator[dict]]
) -> Store:
    """Open the store of these contents, or write it.

    Args:
        name: tells data sets apart in the cache folder.
        contents: hashes of all files; None where they are known only when all rows have come.
        sampling_rate: in Hz.
        rows: gives the rows to write, each content once, when told of the earlier stores of the data set.

    Raises:
        OutputError: the cache folder cannot be written or the disk is full.
    """
    folder = cache_folder() / f"{name}-{sampling_rate}"
    if contents is not None and (store := _open_if_sound(_path_of(folder, contents), contents)) is not None:
        return store  # no lock needed: files appear complete; and a cache may be readable only
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock"):  # two processes that start together: one decodes, the other finds it done
            store = _open_if_sound(_path_of(folder, contents), contents) if contents is not None else None
            if store is None:
                earlier = [old for other in _newest_first(folder) if (old := _open_if_sound(other, None))]
                store = Store(_write(folder, rows(earlier), sampling_rate))
                for other in _newest_first(folder)[2:]:  # the one before stays, a run may still read it
                    other.unlink()
                    other.with_suffix(".copies.json").unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: the decoded sounds cannot be kept there: {error.strerror or error}; free some space or set "
            "AUDIOCLS_CACHE to another folder"
        ) from error
    return store


def _path_of(folder: Path, contents: Iterable[str]) -> Path:
    key = xxhash.xxh3_128("\n".join([_VERSION, *sorted(contents)]).encode()).hexdigest()
    return folder / f"{key}.arrow"


def _open_if_sound(path: Path, expected: set[str] | None) -> Store | None:
    try:
        store = Store(path)
        return store if store.is_sound(set(store.rows) if expected is None else expected) else None
    except (OSError, ValueError, KeyError, IndexError, TypeError):  # pyarrow's errors are ValueErrors
        return None


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.arrow"), key=lambda path: path.stat().st_mtime_ns, reverse=True)


def _write(folder: Path, rows: Iterator[dict], sampling_rate: int) -> Path:
    """Write a store beside its place and rename it when it is complete; its name comes from what is in it."""
    for leftover in folder.glob("*.partial"):  # of a run that was killed; the lock is ours
        leftover.unlink()
    beside = folder / f"{os.getpid()}.partial"
    contents: list[str] = []
    try:
        schema = _SCHEMA.with_metadata({"sampling_rate": str(sampling_rate), "version": _VERSION})
        with pa.OSFile(str(beside), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
            batch: list[dict] = []
            size = 0
            for row in rows:
                if batch and size + row["waveform"].nbytes > _BATCH_BYTES:  # a long clip stays alone: no copy of it
                    writer.write_batch(_record_batch(batch))
                    batch, size = [], 0
                batch.append(row)
                contents.append(row["content"])
                size += row["waveform"].nbytes
            if batch:
                writer.write_batch(_record_batch(batch))
        path = _path_of(folder, contents)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return path


def _decoded_rows(
    sources: dict[str, Encoded], sampling_rate: int, num_workers: int, earlier: list[Store]
) -> Iterator[dict]:
    """One row a content, in the order given, with a bounded number of clips in memory."""
    fresh = []
    for content, source in sources.items():
        old = next((store for store in earlier if content in store.rows), None)
        if old is None:
            fresh.append((content, source))
        else:
            yield old.row(content)
    with (
        tqdm(total=len(fresh), desc="Decoding", unit="clip", delay=1) as bar,
        ThreadPoolExecutor(num_workers) as pool,
    ):
        running: deque[Future[dict]] = deque()
        try:
            for content, source in fresh:
                running.append(pool.submit(decode_row, content, source, sampling_rate))
                if len(running) > 2 * num_workers:
                    yield running.popleft().result()
                    bar.update()
            while running:
                yield running.popleft().result()
                bar.update()
        finally:  # Ctrl-C or a full disk: start no more
            for future in running:
                future.cancel()


def decode_row(content: str, source: Encoded, sampling_rate: int) -> dict:
    """Decode one clip into a row of the store; a clip that cannot be read gives a row with its `error`."""
    waveform, note, reason = np.empty(0, np.float32), None, None
    try:
        decoded = decode_noting(source() if callable(source) else source, sampling_rate)
        waveform, note = decoded.waveform, decoded.note
    except AudioReadError as error:
        reason = error.reason
    return {
        "content": content,
        "waveform": waveform,
        "note": note,
        "error": reason,
        "lowest": waveform.min(initial=0) if not len(waveform) else waveform.min(),
        "highest": waveform.max(initial=0) if not len(waveform) else waveform.max(),
        "fingerprint": fingerprint(waveform, sampling_rate).tobytes(),
    }


def _record_batch(rows: Sequence[dict]) -> pa.RecordBatch:
    waveforms = [row["waveform"] for row in rows]
    ends = np.cumsum([0, *(waveform.nbytes for waveform in waveforms)], dtype=np.int64)
    samples = waveforms[0] if len(rows) == 1 else np.concatenate(waveforms)
    columns = {
        **{
            name: [row[name] for row in rows]
            for name in ("content", "note", "error", "lowest", "highest", "fingerprint")
        },
        "checksum": [_checksum(waveform) for waveform in waveforms],
    }
    arrays = {field.name: pa.array(columns[field.name], field.type) for field in _SCHEMA if field.name != "waveform"}
    arrays["waveform"] = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(rows), [None, pa.py_buffer(ends), pa.py_buffer(samples)]
    )
    return pa.record_batch([arrays[name] for name in _SCHEMA.names], names=_SCHEMA.names)


def _checksum(waveform: np.ndarray) -> int:
    return xxhash.xxh3_64_intdigest(waveform.data)
