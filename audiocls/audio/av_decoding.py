"""What libsndfile cannot read, read by FFmpeg's libraries: M4A/AAC, WebM, WMA, AMR and the sound of videos.

Only `.decoding` uses this, and imports it when needed: PyAV takes longer to import than most files to decode.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import av
import numpy as np

from audiocls.errors import AudioReadError

NOT_AUDIO = "not an audio file (or of a kind that cannot be read)"
_BLOCK_FRAMES = 1 << 16

# First bytes of what FFmpeg may try. Left to guess, it takes plain text for a playlist and noise for MP3.
_SIGNATURES = (
    b"RIFF", b"RF64", b"OggS", b"fLaC", b"FORM", b"caff", b"ID3", b"\x1aE\xdf\xa3", b"#!AMR", b"FLV", b"MAC ", b"wvpk",
    b"TTA1", b"\x0bw", b"\x00\x00\x01\xba", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b".snd", b"ADIF",
    b"\xff\xf1", b"\xff\xf9", b"\xff\xf0", b"\xff\xf8",
)  # fmt: skip
_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


def probe(name: str, opened: str | BinaryIO, container_format: str | None = None) -> tuple[int, int, float | None, str]:
    """Rate in Hz, channels, seconds (None if untold) and format.

    Args:
        container_format: FFmpeg's name of it, where it is known; else the first bytes decide.

    Raises:
        AudioReadError: no audio in it.
    """
    with _container(name, opened, container_format) as container:
        stream = container.streams.audio[0]
        seconds = None
        if stream.duration and stream.time_base:
            seconds = float(stream.duration * stream.time_base)
        elif container.duration:
            seconds = container.duration / av.time_base
        return stream.rate or 0, stream.channels, seconds, f"{container.format.name}/{stream.codec_context.name}"


def blocks(
    name: str, opened: str | BinaryIO, block_seconds: float | None = None, container_format: str | None = None
) -> Iterator[tuple[int, int, np.ndarray | None]]:
    """Yield (rate in Hz, expected frames in all, block (frames, channels) float32); None for a block that broke.

    Rate and channels may change from block to block. A block has about 65000 frames, or those of `block_seconds`.

    Raises:
        AudioReadError: no audio in it.
    """
    with _container(name, opened, container_format) as container:
        stream = container.streams.audio[0]
        to_float, heard = av.AudioResampler(format="fltp"), None
        pending: list[np.ndarray] = []
        rate, expected_frames, num_pending = stream.rate or 0, 0, 0
        if stream.duration and stream.time_base:
            expected_frames = min(int(stream.duration * stream.time_base * rate), 1 << 32)
        at_once = _BLOCK_FRAMES
        try:
            for frame in container.decode(stream):
                kind = frame.format.name, frame.layout.name, frame.sample_rate
                if kind != heard:  # a resampler takes one kind of frame only
                    if pending:
                        yield rate, expected_frames, np.concatenate(pending)
                    pending, num_pending = [], 0
                    to_float, heard = av.AudioResampler(format="fltp"), kind
                    at_once = _BLOCK_FRAMES if block_seconds is None else round(block_seconds * frame.sample_rate)
                for part in to_float.resample(frame):
                    rate = part.sample_rate
                    pending.append(part.to_ndarray().T)
                    num_pending += part.samples
                if num_pending >= at_once:
                    yield rate, expected_frames, np.concatenate(pending)
                    pending, num_pending = [], 0
            broken = False
        except (av.error.FFmpegError, ValueError):
            broken = True
        if pending:
            yield rate, expected_frames, np.concatenate(pending)
        if broken:
            yield rate, expected_frames, None


@contextmanager
def _container(
    name: str, opened: str | BinaryIO, container_format: str | None
) -> Iterator[av.container.InputContainer]:
    """Open for reading, always through a Python file: FFmpeg must not take a name for a URL."""
    file = open(opened, "rb") if isinstance(opened, str | bytes) else opened  # noqa: SIM115 - closed below if ours
    try:
        file.seek(0)
        head = file.read(16)
        known = container_format is not None or head.startswith(_SIGNATURES)
        if not known and head[4:8] not in _MP4_BOXES and not _is_transport_stream(file):
            raise AudioReadError(name, NOT_AUDIO)
        file.seek(0)
        try:
            container = av.open(file, mode="r", format=container_format)
        except (av.error.FFmpegError, ValueError, OSError) as error:
            raise AudioReadError(name, _reason(head)) from error
        with container:
            if not container.streams.audio:
                raise AudioReadError(name, "there is no sound in it (no audio stream)")
            if container.streams.audio[0].codec_context is None:
                raise AudioReadError(name, "its sound is in a codec that cannot be decoded")
            yield container
    finally:
        if file is not opened:
            file.close()


def _reason(head: bytes) -> str:
    """What to tell about a file with a known beginning that still cannot be opened."""
    kinds = {b"RIFF": "WAV", b"OggS": "OGG", b"fLaC": "FLAC", b"FORM": "AIFF", b"\x1aE\xdf\xa3": "WebM"}
    kind = next((kind for start, kind in kinds.items() if head.startswith(start)), None)
    if head[4:8] in _MP4_BOXES:
        kind = "M4A"
    return f"a damaged {kind} file (cut off or overwritten)" if kind else NOT_AUDIO


def _is_transport_stream(file: BinaryIO) -> bool:
    file.seek(0)
    packets = file.read(188 * 3)
    return len(packets) == 188 * 3 and packets[::188] == b"\x47\x47\x47"
