"""Whether a file here is the one on the Hub, told by the size and hash that the Hub lists."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from audiocls.errors import HubError

BLOCK_BYTES = 1 << 20


def size_of(content: Path | bytes) -> int:
    """Bytes of a file or content.

    Raises:
        HubError: the file cannot be read.
    """
    if isinstance(content, bytes):
        return len(content)
    with _readable(content):
        return content.stat().st_size


def same(content: Path | bytes, there: Any) -> bool:
    """Whether a file is the one the Hub lists: by size, then by the SHA-256 of large files or git's SHA-1 of others.

    Args:
        there: as huggingface_hub lists it with metadata: a `RepoFile` or `RepoSibling`.

    Raises:
        HubError: the file cannot be read.
    """
    size = size_of(content)
    if size != (there.lfs.size if there.lfs else there.size):
        return False
    if there.lfs:
        return bool(_digest(content, hashlib.sha256()) == there.lfs.sha256)
    return bool(_digest(content, hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)) == there.blob_id)


def _digest(content: Path | bytes, so_far: Any) -> str:
    if isinstance(content, bytes):
        so_far.update(content)
        return str(so_far.hexdigest())
    with _readable(content), content.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            so_far.update(block)
    return str(so_far.hexdigest())


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HubError(f"{path} cannot be read: {error.strerror or error}") from error
