"""Decoding: any audio file to mono float32 at one sampling rate.

libsndfile (through soundfile) reads WAV, FLAC, MP3, OGG, Opus, AIFF and the like; FFmpeg's libraries (through PyAV)
read what it cannot: M4A/AAC, WebM, WMA and the sound of videos. Channels are averaged, soxr resamples. Long files go
through in blocks, so memory stays close to the size of the result. Nothing here trims, normalises or clips: samples
over full scale are kept as they are.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from audiocls.audio.joined_files import mp3_tells_its_length, ogg_links
from audiocls.errors import AudioReadError

Source = str | os.PathLike | bytes | BinaryIO

DECODER_VERSION = 2  # part of the cache key: raise it whenever the same file would decode to other samples
BLOCK_FRAMES = 1 << 19  # frames decoded at once; shorter files take one call
_PIECE_FRAMES = 1 << 10
_UNTOLD_FRAMES = 1 << 62  # libsndfile's count where no header tells is beyond it
SLACK_FRAMES = 4800  # a lossy stream may stop a packet short of its header's count without anything missing
_RAW_SAMPLES = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF")  # containers in which PCM is not coded
LOWEST_RATE, HIGHEST_RATE = 1000, 768_000  # a header outside is broken: 1 Hz would blow a small file up to hours
CUT = "ends early; what is there was used"


@dataclass(frozen=True)
class AudioInfo:
    """What a file's header says. `seconds` is None where a stream does not tell."""

    sampling_rate: int
    channels: int
    seconds: float | None
    format: str


@dataclass(frozen=True)
class Decoded:
    """`waveform` is float32 (time,); `note` says in a few words what was wrong with the file, None if nothing."""

    waveform: np.ndarray
    note: str | None


def decode(source: Source, sampling_rate: int) -> np.ndarray:
    """Decode audio from a path, from bytes or from a seekable binary file (read from its start).

    Returns:
        float32 (time,), mono, at `sampling_rate` Hz; full scale is 1.0 and may be exceeded.

    Raises:
        AudioReadError: missing, empty, no audio, or with NaN or infinite samples; `reason` says which.
    """
    return decode_noting(source, sampling_rate).waveform


def decode_noting(source: Source, sampling_rate: int) -> Decoded:
    """As `decode`, and say when the file is cut short and only its beginning could be read."""
    with opened_source(source) as (name, opened):
        try:
            with soundfile.SoundFile(opened) as file:
                if _is_joined(file, opened):
                    return _read_joined(opened, sampling_rate)
                decoded = _read_soundfile(name, file, sampling_rate)
                return Decoded(decoded.waveform, CUT) if file.format == "OGG" and ogg_cut(opened) else decoded
        except (soundfile.LibsndfileError, TypeError, ValueError):  # TypeError: *.raw, whose format no header tells
            pass
        return _read_av(name, opened, sampling_rate)


def probe(source: Source) -> AudioInfo:
    """Read the header only: rate in Hz, channels, length in seconds and format.

    Raises:
        AudioReadError: as in `decode`.
    """
    with opened_source(source) as (name, opened):
        try:
            with soundfile.SoundFile(opened) as file:
                check_rate(name, file.samplerate)
                if file.frames < _UNTOLD_FRAMES:
                    return AudioInfo(file.samplerate, file.channels, file.frames / file.samplerate, file.format)
        except (soundfile.LibsndfileError, TypeError, ValueError):
            pass
        from audiocls.audio import av_decoding

        return AudioInfo(*av_decoding.probe(name, opened))


def display_name(source: Source) -> str:
    """How messages call a source: a file's name, or what kind of object it is."""
    if isinstance(source, bytes | bytearray | memoryview):
        return "audio bytes"
    name = getattr(source, "name", None) if hasattr(source, "read") else os.fspath(source)  # type: ignore[arg-type]
    return str(name) if isinstance(name, str | Path) else "audio file object"


@contextmanager
def opened_source(source: Source) -> Iterator[tuple[str, str | BinaryIO]]:
    """Give (name for messages, path or binary file at its start), with the simple failures already told."""
    name = display_name(source)
    if isinstance(source, bytes | bytearray | memoryview):
        size, opened = len(source), io.BytesIO(source)
    elif hasattr(source, "read"):
        opened = source if source.seekable() else io.BytesIO(source.read())  # type: ignore[union-attr, assignment]
        size = opened.seek(0, os.SEEK_END)
        opened.seek(0)
    else:
        path = os.fspath(source)
        try:
            size = os.stat(path).st_size
            if not os.path.isfile(path):
                raise AudioReadError(name, "this is not a file")
            if not os.access(path, os.R_OK):
                raise AudioReadError(name, "the file cannot be opened: permission denied")
        except OSError as error:
            reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
            raise AudioReadError(name, reason) from error
        except ValueError as error:  # a NUL in the name
            raise AudioReadError(name, "no such file") from error
        opened = path  # type: ignore[assignment]
    if size == 0:
        raise AudioReadError(name, "the file is empty (0 bytes)")
    try:
        yield name, opened
    finally:
        if opened is source and not isinstance(opened, str):
            opened.seek(0)


def _is_joined(file: soundfile.SoundFile, opened: str | BinaryIO) -> bool:
    """Whether libsndfile would read the first part alone, as of a file that several were joined to."""
    return not tells_its_length(file, opened) or (file.format == "OGG" and len(ogg_links(opened)) > 1)


def tells_its_length(file: soundfile.SoundFile, opened: str | BinaryIO) -> bool:
    """Whether libsndfile knows how much there is to read.

    It does not of MP3 without a header, where it takes the first part for all, nor of FLAC that was written into a
    pipe, in which it cannot even go on after a block.
    """
    return mp3_tells_its_length(opened) if file.format == "MP3" else file.frames < _UNTOLD_FRAMES


def _read_joined(opened: str | BinaryIO, sampling_rate: int) -> Decoded:
    from audiocls.audio.streaming import AudioStream  # which is built on this module

    stream = AudioStream(opened, sampling_rate)
    waveform = np.concatenate(list(stream))
    return Decoded(waveform, CUT if CUT in stream.notes else None)


def _read_soundfile(name: str, file: soundfile.SoundFile, sampling_rate: int) -> Decoded:
    promised, rate = file.frames, file.samplerate
    check_rate(name, rate)
    if promised <= BLOCK_FRAMES:
        block, failed = next_block(file)
        waveform = _checked_mono(name, block)
        if len(waveform) and rate != sampling_rate:
            waveform = soxr.resample(waveform, rate, sampling_rate, "HQ")
        num_frames = len(block)
    else:
        result = Resampled(rate, sampling_rate, promised)
        num_frames, failed = 0, False
        while not failed:
            block, failed = next_block(file)
            if len(block) == 0:
                break
            num_frames += len(block)
            result.add(_checked_mono(name, block))
        waveform = result.finish()
    if num_frames == 0:
        raise AudioReadError(name, "the file holds no samples" if not failed else "the sound in it is damaged")
    cut = failed or num_frames < promised - SLACK_FRAMES or header_promises_more(file)
    return Decoded(waveform, CUT if cut else None)


def next_block(file: soundfile.SoundFile, num_frames: int | None = None) -> tuple[np.ndarray, bool]:
    """Read up to `num_frames` frames (BLOCK_FRAMES): (frames, channels) float32, and whether the decoder gave up."""
    start, num_frames = file.tell(), num_frames or BLOCK_FRAMES
    try:
        if file.subtype == "PCM_16" and file.format in _RAW_SAMPLES:  # the same numbers at six times the speed
            return file.read(num_frames, dtype="int16", always_2d=True) * np.float32(2**-15), False
        return file.read(num_frames, dtype="float32", always_2d=True), False
    except soundfile.LibsndfileError:
        pass
    pieces = [np.empty((0, file.channels), np.float32)]  # soundfile drops what came before an error: read up to it
    with suppress(soundfile.LibsndfileError):
        file.seek(start)
        for _ in range(-(-num_frames // _PIECE_FRAMES)):
            pieces.append(file.read(_PIECE_FRAMES, dtype="float32", always_2d=True))
    return np.concatenate(pieces), True


def ogg_cut(opened: str | BinaryIO) -> bool:
    """Whether the last page of an Ogg file is not marked as the last (RFC 3533, header type flag 4)."""
    file = open(opened, "rb") if isinstance(opened, str) else opened  # noqa: SIM115 - closed below if ours
    try:
        file.seek(max(0, file.seek(0, os.SEEK_END) - (1 << 16)))
        tail = file.read()
    finally:
        if file is not opened:
            file.close()
    page = tail.rfind(b"OggS")
    return 0 <= page < len(tail) - 5 and not tail[page + 5] & 4


def header_promises_more(file: soundfile.SoundFile) -> bool:
    """Whether the header gives the sound data a size that the file does not reach.

    libsndfile shortens the length to what is there and only its log tells. Programs that write into a pipe leave
    the size at 0 or at the largest number; that is no sign of a cut.
    """
    if file.format not in ("WAV", "WAVEX", "AIFF", "RF64", "W64", "AU"):
        return False
    for line in file.extra_info.splitlines():
        text, separator, actual = line.partition("(should be")
        if separator and text.strip().lower().startswith(("data", "ssnd")):
            said = text.partition(":")[2].strip()
            size = int(said, 0) if said[:1].isdigit() else 0
            digits = actual.strip(" )")
            return 0 < size < 0x7FFF0000 and digits.isdigit() and size > int(digits) + 1
    return False


def check_rate(name: str, rate: int) -> None:
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise AudioReadError(name, f"its header claims a sampling rate of {rate} Hz")


def mono(block: np.ndarray) -> np.ndarray:
    """Average (frames, channels) float32 over channels."""
    num_channels = block.shape[1]
    return block[:, 0] if num_channels == 1 else block @ np.full(num_channels, 1 / num_channels, np.float32)


def _checked_mono(name: str, block: np.ndarray) -> np.ndarray:
    """`mono`, refusing NaN and infinity, which resampling would smear."""
    averaged = mono(block)
    if not np.isfinite(averaged).all():
        raise AudioReadError(name, "it holds samples that are not numbers (NaN or infinite)")
    return averaged


class Resampled:
    """Mono blocks in, one resampled float32 array out, in one allocation as far as the length is known before."""

    def __init__(self, rate: int, sampling_rate: int, expected_frames: int) -> None:
        self._stream = soxr.ResampleStream(rate, sampling_rate, 1, "float32", "HQ") if rate != sampling_rate else None
        self._samples = np.empty(int(expected_frames * sampling_rate / rate) + 16, np.float32)
        self._length = 0

    def add(self, mono: np.ndarray) -> None:
        self._append(self._stream.resample_chunk(mono) if self._stream else mono)

    def finish(self) -> np.ndarray:
        if self._stream:
            self._append(self._stream.resample_chunk(np.empty(0, np.float32), last=True))
        self._samples.resize(self._length, refcheck=False)
        return self._samples

    def _append(self, block: np.ndarray) -> None:
        end = self._length + len(block)
        if end > len(self._samples):
            self._samples.resize(max(end, len(self._samples) * 5 // 4), refcheck=False)
        self._samples[self._length : end] = block
        self._length = end


def _read_av(name: str, opened: str | BinaryIO, sampling_rate: int) -> Decoded:
    from audiocls.audio import av_decoding

    result: Resampled | None = None
    cut = False
    for rate, expected_frames, block in av_decoding.blocks(name, opened):
        if block is None:
            cut = True
            break
        if result is None:
            check_rate(name, rate)
            result = Resampled(rate, sampling_rate, expected_frames)
        result.add(_checked_mono(name, block))
    if result is None:
        raise AudioReadError(name, "the sound in it is damaged" if cut else "the file holds no samples")
    return Decoded(result.finish(), CUT if cut else None)
