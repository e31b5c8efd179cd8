"""Files joined end to end: where the parts of a chained Ogg file begin, and whether an MP3's length can be believed.

libsndfile reads the first part alone and calls it the whole. Only headers are read here; nothing is decoded.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

_FIRST_PAGE = b"OggS\x00\x02"  # a page that begins a stream (RFC 3533)
_SEARCH_BYTES = 1 << 22
_HEAD_BYTES = 1 << 12
_TAG_BYTES = 128  # of ID3v1, behind the sound
_TAIL_BYTES = 1 << 17  # other tags behind it: APE, lyrics


class FilePart(io.RawIOBase):
    """Bytes `start` to `stop` (None: to the end) of a path or binary file, as a file of their own.

    Closing it closes what it opened, not a file it was given.
    """

    def __init__(self, opened: str | BinaryIO, start: int, stop: int | None) -> None:
        self._ours = isinstance(opened, str)
        self._file: BinaryIO = open(opened, "rb") if isinstance(opened, str) else opened  # noqa: SIM115
        self._start = start
        self._stop = self._file.seek(0, os.SEEK_END) if stop is None else stop
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._stop - self._start}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._file.seek(self._start + self._at)
        data = self._file.read(max(0, min(len(buffer), self._stop - self._start - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        if self._ours and not self.closed:
            self._file.close()
        super().close()


def ogg_links(opened: str | BinaryIO) -> list[int]:
    """Where the links of an Ogg file begin, in bytes; [0] for one that is not chained.

    Streams that run side by side begin page after page, so only a first page behind other pages begins a link.
    """
    with _file(opened) as file:
        starts, before, at = [], b"", 0
        while data := file.read(_SEARCH_BYTES):
            data = before + data
            found = data.find(_FIRST_PAGE)
            while found >= 0:
                starts.append(at - len(before) + found)
                found = data.find(_FIRST_PAGE, found + 1)
            at += len(data) - len(before)
            before = data[-len(_FIRST_PAGE) + 1 :]
        return [start for start in starts if not _follows_first_page(file, start, starts)]


def mp3_tells_its_length(opened: str | BinaryIO) -> bool:
    """Whether an MP3 file has a Xing or Info header whose number of bytes is that of the file, tags aside.

    Without one, length is a guess from the first frame's bit rate, and libsndfile stops there.
    """
    with _file(opened) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(10)
        start = 0
        if head.startswith(b"ID3") and len(head) == 10:
            start = 10 + sum((byte & 127) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
        file.seek(start)
        frame = file.read(_HEAD_BYTES)
        at = max(frame.find(b"Xing", 0, 200), frame.find(b"Info", 0, 200))
        if at < 0:
            return False
        flags = int.from_bytes(frame[at + 4 : at + 8], "big")
        if flags & 3 != 3:
            return False
        end = start + int.from_bytes(frame[at + 12 : at + 16], "big")
        file.seek(end)
        behind = file.read(_TAG_BYTES + 10)
        if behind.startswith(b"TAG"):
            end, behind = end + _TAG_BYTES, behind[_TAG_BYTES:]
        if behind.startswith(b"ID3") or (behind[:1] == b"\xff" and behind[1:2] >= b"\xe0"):
            return False  # another file follows
        return size - end <= max(_TAIL_BYTES, (end - start) // 100)


def _follows_first_page(file: BinaryIO, start: int, starts: list[int]) -> bool:
    """Whether the page before the one at `start` is a first page, too."""
    earlier = max((each for each in starts if each < start), default=None)
    if earlier is None:
        return False
    file.seek(earlier)
    header = file.read(27)
    table = file.read(header[26]) if len(header) == 27 else b""
    return earlier + 27 + len(table) + sum(table) == start


@contextmanager
def _file(opened: str | BinaryIO) -> Iterator[BinaryIO]:
    """A path or binary file, opened and at its start; a file is left where it was, for others may be reading it."""
    file = open(opened, "rb") if isinstance(opened, str) else opened  # noqa: SIM115 - closed below if ours
    before = file.tell()
    try:
        file.seek(0)
        yield file
    finally:
        if file is not opened:
            file.close()
        else:
            file.seek(before)
