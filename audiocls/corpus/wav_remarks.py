"""What recorders write about themselves into a WAV file: a comment, a broadcast extension, GUANO metadata.

Chunks are walked by their sizes; sound is skipped, not read. Sources: EBU Tech 3285 (bext) and 3306 (RF64), and the
GUANO metadata specification 1.0.
"""

import os
import re
import struct
from dataclasses import dataclass

_MOST_BYTES = 65_536  # of one chunk of text
_MOST_CHUNKS = 64
_WANTED = (b"LIST", b"bext", b"guan")
_BEXT_DATE = slice(320, 330)  # OriginationDate, after Description, Originator and OriginatorReference
_BEXT_TIME = slice(330, 338)


@dataclass(frozen=True)
class WavRemarks:
    """comment: of the INFO list. origination: date and time of the bext chunk. guano_timestamp: as written."""

    comment: str = ""
    origination: str = ""
    guano_timestamp: str = ""


def wav_remarks(path: str | os.PathLike) -> WavRemarks:
    """The remarks in a WAV, RF64 or BW64 file; empty ones for any other file, and for one that cannot be read."""
    try:
        with open(path, "rb") as file:
            start = file.read(12)
            if start[:4] not in (b"RIFF", b"RF64", b"BW64") or start[8:12] != b"WAVE":
                return WavRemarks()
            chunks: dict[bytes, bytes] = {}
            sound_bytes = None
            for _ in range(_MOST_CHUNKS):
                header = file.read(8)
                if len(header) < 8:
                    break
                name, size = struct.unpack("<4sI", header)
                if name == b"data" and size == 0xFFFFFFFF and sound_bytes:
                    size = sound_bytes
                position = file.tell()
                if name == b"ds64":
                    sizes = file.read(16)
                    sound_bytes = struct.unpack("<Q", sizes[8:])[0] if len(sizes) == 16 else None
                elif name in _WANTED:
                    chunks.setdefault(name, file.read(min(size, _MOST_BYTES)))
                file.seek(position + size + size % 2)
    except (OSError, ValueError):
        return WavRemarks()
    bext = chunks.get(b"bext", b"")
    guano = re.search(r"^Timestamp:(.*)$", _text(chunks.get(b"guan", b"")), re.MULTILINE)
    origination = f"{_text(bext[_BEXT_DATE])} {_text(bext[_BEXT_TIME])}".strip()
    return WavRemarks(_comment(chunks.get(b"LIST", b"")), origination, guano.group(1).strip() if guano else "")


def _comment(info: bytes) -> str:
    """The field ICMT of an INFO list."""
    place = 4
    while info[:4] == b"INFO" and place + 8 <= len(info):
        name, size = struct.unpack("<4sI", info[place : place + 8])
        if name == b"ICMT":
            return _text(info[place + 8 : place + 8 + size])
        place += 8 + size + size % 2
    return ""


def _text(field: bytes) -> str:
    return field.split(b"\0")[0].decode("utf-8", "replace").strip()
