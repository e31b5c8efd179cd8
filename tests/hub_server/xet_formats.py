"""The binary formats of Xet uploads: xorbs, which hold chunks of contents, and shards, which say how files are made.

A xorb is a row of chunks, each with a head of 8 bytes: version 0, packed length (3 bytes, little endian), scheme
(0 plain, 1 LZ4 frame, 2 LZ4 frame of bytes grouped by four), length (3 bytes). A footer may follow.
A shard names files by their hash, as segments: chunks `start` to `end` of a xorb.
Specification: https://huggingface.co/docs/xet/index
"""

import struct
from dataclasses import dataclass

import lz4.frame

_SHARD_MAGIC = b"HFRepoMetaData"
_SHARD_HEADER = _ENTRY = 48  # bytes
_HAS_VERIFICATION, _HAS_METADATA = 0x80000000, 0x40000000
_END = b"\xff" * 32


@dataclass(frozen=True)
class Chunk:
    """A piece of content, and where its packed form lies in the xorb (bytes)."""

    content: bytes
    start: int
    end: int


@dataclass(frozen=True)
class Segment:
    """Chunks `start` to `end` (exclusive) of a xorb, `length` bytes when unpacked."""

    xorb: str
    length: int
    start: int
    end: int


@dataclass(frozen=True)
class FileRecipe:
    """How a file is made of segments; the SHA-256 of its content when the client tells it."""

    hash: str
    segments: list[Segment]
    sha256: str | None


def hash_text(raw: bytes) -> str:
    """The written form of a hash of 32 bytes: four little-endian numbers of 64 bits."""
    return "".join(f"{number:016x}" for number in struct.unpack("<4Q", raw))


def read_xorb(data: bytes) -> list[Chunk]:
    """The chunks of a xorb. ValueError: not a xorb."""
    chunks, at = [], 0
    while at + 8 <= len(data) and data[at : at + 7] != b"XETBLOB":
        version, scheme = data[at], data[at + 4]
        packed_length = int.from_bytes(data[at + 1 : at + 4], "little")
        length = int.from_bytes(data[at + 5 : at + 8], "little")
        end = at + 8 + packed_length
        content = _unpack(scheme, data[at + 8 : end])
        if version != 0 or len(content) != length:
            raise ValueError(f"chunk {len(chunks)} is not whole")
        chunks.append(Chunk(content, at, end))
        at = end
    return chunks


def read_shard(data: bytes) -> list[FileRecipe]:
    """The files that a shard describes. ValueError: not a shard."""
    if not data.startswith(_SHARD_MAGIC):
        raise ValueError("not a shard")
    files, at = [], _SHARD_HEADER
    while (raw := data[at : at + 32]) != _END:
        flags, count = struct.unpack_from("<II", data, at + 32)
        at += _ENTRY
        segments = []
        for _ in range(count):
            _, length, start, end = struct.unpack_from("<IIII", data, at + 32)
            segments.append(Segment(hash_text(data[at : at + 32]), length, start, end))
            at += _ENTRY
        at += _ENTRY * count if flags & _HAS_VERIFICATION else 0
        sha256 = None
        if flags & _HAS_METADATA:
            sha256 = hash_text(data[at : at + 32])
            at += _ENTRY
        files.append(FileRecipe(hash_text(raw), segments, sha256))
    return files


def _unpack(scheme: int, packed: bytes) -> bytes:
    if scheme == 0:
        return packed
    if scheme not in (1, 2):
        raise ValueError(f"unknown packing {scheme}")
    content = lz4.frame.decompress(packed)
    return content if scheme == 1 else _ungroup(content)


def _ungroup(grouped: bytes) -> bytes:
    """Bytes 0, 4, 8 ... come first, then 1, 5, 9 ... and so on: put them back in their order."""
    content, at = bytearray(len(grouped)), 0
    for offset in range(4):
        count = len(range(offset, len(grouped), 4))
        content[offset::4] = grouped[at : at + count]
        at += count
    return bytes(content)
