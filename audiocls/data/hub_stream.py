"""Data sets of the Hub read in place: labels first, then the sounds one after another, without a copy of the files.

Of parquet files only the columns of labels, names and groups are fetched at first, and then the sounds in the order in
which they lie there, a few megabytes at a time. Of folders of sounds every file is fetched alone. Anything else that
`datasets` can stream is read from its start once for the labels and once for the sounds.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from audiocls.data.hub_rows import Rows, audio_column, check_columns, wanted_columns
from audiocls.hub.ids import HubId

_BATCH_ROWS = 16
_BUFFER_BYTES = 1 << 22  # asked for at once while sounds are read


class Sounds:
    """Encoded sounds that are cheap to read in their order only: one pass over them, begun anew when asked to go back.

    Args:
        read_from: gives the sounds from a row on, and may begin somewhat earlier: pairs of row and bytes.
    """

    def __init__(self, read_from: Callable[[int], Iterator[tuple[int, bytes]]]) -> None:
        self._read_from = read_from
        self._lock = threading.Lock()
        self._running: Iterator[tuple[int, bytes]] | None = None
        self._next = 0

    def read(self, row: int) -> bytes:
        """The encoded bytes of one row; empty where there are none."""
        with self._lock:
            if self._running is None or row < self._next:
                self._running = self._read_from(row)
            for number, data in self._running:
                self._next = number + 1
                if number == row:
                    return data
            self._running = None
            return b""


@dataclass(frozen=True, order=True)
class InOrder:
    """The sound of one row, as a function; sorted, these are in the order in which reading them is cheap."""

    place: tuple[int, int]  # number of the file, row in it
    sounds: Sounds = field(compare=False)

    def __call__(self) -> bytes:
        return self.sounds.read(self.place[1])


def streamed_splits(hub_id: HubId) -> list[Rows]:
    """Everything but the sounds of a data set's rows, by split.

    Args:
        hub_id: with the commit as revision.

    Raises:
        DataError: there is no column of sounds, or none of labels.
        Exception: whatever `datasets`, pyarrow or the network raise.
    """
    import datasets
    from datasets.packaged_modules.parquet.parquet import Parquet

    builder = datasets.load_dataset_builder(hub_id.repo_id, revision=hub_id.revision)
    splits, first = [], 0
    if isinstance(builder, Parquet):
        for split, files in builder.config.data_files.items():
            splits.append(_of_parquet(hub_id, str(split), list(files), builder.info.features, first))
            first += len(files)
    else:
        if hasattr(builder.config, "decode_num_threads"):
            builder.config.decode_num_threads = 0  # nothing is decoded here
        for number, (split, stream) in enumerate(builder.as_streaming_dataset().items()):
            splits.append(_of_stream(hub_id, str(split), stream, number, partial(_begun, builder, split)))
    return splits


def _of_parquet(hub_id: HubId, split: str, files: list[str], features: Any, first: int) -> Rows:
    import datasets
    import pyarrow.parquet as pq

    source = str(hub_id)
    columns: dict[str, list[Any]] = {}
    sounds: list[InOrder] = []
    for number, url in enumerate(files, first):
        with _open(url) as file, pq.ParquetFile(file, pre_buffer=True) as parquet:
            features = features or datasets.Features.from_arrow_schema(parquet.schema_arrow)
            check_columns(source, features)
            wanted = wanted_columns(features)
            table = parquet.read(columns=wanted)
            for name in wanted:
                columns.setdefault(name, []).extend(table[name].to_pylist())
            reading = Sounds(_parquet_reader(hub_id, url, audio_column(source, features)))
            sounds += [InOrder((number, row), reading) for row in range(table.num_rows)]
    return Rows(split, features, columns, len(sounds), sounds.__getitem__)


def _parquet_reader(hub_id: HubId, url: str, column: str) -> Callable[[int], Iterator[tuple[int, bytes]]]:
    import pyarrow.parquet as pq

    def read_from(row: int) -> Iterator[tuple[int, bytes]]:
        with _open(url) as file, pq.ParquetFile(file, buffer_size=_BUFFER_BYTES) as parquet:
            counts = [parquet.metadata.row_group(group).num_rows for group in range(parquet.num_row_groups)]
            group = start = 0
            while group < len(counts) and start + counts[group] <= row:
                start += counts[group]
                group += 1
            groups = list(range(group, len(counts)))
            for batch in parquet.iter_batches(_BATCH_ROWS, row_groups=groups, columns=[column]):
                for cell in batch.column(0):
                    yield start, _bytes_of(hub_id, cell.as_py())
                    start += 1

    return read_from


def _begun(builder: Any, split: Any) -> Any:
    return builder.as_streaming_dataset()[split]._ex_iterable


def _of_stream(hub_id: HubId, split: str, stream: Any, number: int, begun: Callable[[], Any]) -> Rows:
    """From anything else that `datasets` streams: one pass now, and a second one for sounds that are not files.

    Args:
        begun: gives the rows from the start; archives can be gone through once only.
    """
    source = str(hub_id)
    if stream.features is None:
        stream = stream._resolve_features()
    check_columns(source, stream.features)
    audio = audio_column(source, stream.features)
    wanted = wanted_columns(stream.features)
    # The rows as the builder gives them: its columns of the kind `Audio` want a decoder even where nothing is decoded.
    examples = stream._ex_iterable
    columns: dict[str, list[Any]] = {name: [] for name in wanted}
    paths: list[str | None] = []
    for _, example in examples:
        for name in wanted:
            columns[name].append(example.get(name))
        paths.append(_path_of(example.get(audio)))
    sounds = Sounds(
        lambda _: ((row, _bytes_of(hub_id, example.get(audio))) for row, (_, example) in enumerate(begun()))
    )

    def sound(row: int) -> Callable[[], bytes]:
        path = paths[row]
        return InOrder((number, row), sounds) if path is None else partial(_content, hub_id, path)

    return Rows(split, stream.features, columns, len(paths), sound)


def _path_of(cell: Any) -> str | None:
    """Where the sound lies, if it is a file of its own."""
    if isinstance(cell, dict):
        return cell.get("path") if cell.get("bytes") is None else None
    return cell if isinstance(cell, str) else None


def _bytes_of(hub_id: HubId, cell: Any) -> bytes:
    if isinstance(cell, dict) and cell.get("bytes") is not None:
        return bytes(cell["bytes"])
    path = _path_of(cell)
    return _content(hub_id, path) if path else b""


def _content(hub_id: HubId, path: str) -> bytes:
    """A file of the data set, also one within an archive of it; empty for any other.

    Whoever wrote a row must not choose a file of this machine, of its network, or of another repository that the login
    of this user may read.
    """
    from datasets.utils.file_utils import xopen

    if not path.rpartition("::")[2].startswith(f"hf://datasets/{hub_id.repo_id}@") or ".." in path.split("/"):
        return b""
    with _open(path) if path.startswith("hf://") else xopen(path, "rb") as file:
        return bytes(file.read())


def _open(url: str) -> Any:
    """A remote file of which exactly the asked bytes are fetched."""
    from huggingface_hub import HfFileSystem, constants

    return HfFileSystem(endpoint=constants.ENDPOINT).open(url, "rb", cache_type="none")
