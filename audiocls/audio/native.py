"""Reading a file as it is: its own sampling rate, all of its channels, block by block. Keeps nothing in memory."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import soundfile

from audiocls.audio.decoding import (
    _CUT,
    Source,
    _check_rate,
    _header_promises_more,
    _next_block,
    _ogg_cut,
    _opened,
)
from audiocls.errors import AudioReadError

_SLACK_FRAMES = 4800  # a lossy stream may stop a packet short of its header's count without anything missing


@dataclass(frozen=True)
class NativeInfo:
    """What was read. `format` is container and coding, such as "WAV PCM_16"; `note` says what was wrong, or None."""

    sampling_rate: int
    channels: int
    frames: int
    format: str
    note: str | None = None


def read_native(source: Source, use: Callable[[int, np.ndarray], None]) -> NativeInfo:
    """Decode a file at its own rate, calling `use(sampling_rate, block)` with each block.

    Args:
        source: a path, bytes or a seekable binary file.
        use: gets float32 (frames, channels) with at most about half a million frames; full scale is 1.0.

    Raises:
        AudioReadError: as `decode`; `use` may have had blocks before.
    """
    with _opened(source) as (name, opened):
        try:
            file = soundfile.SoundFile(opened)
        except (soundfile.LibsndfileError, TypeError, ValueError):  # TypeError: *.raw, whose format no header tells
            return _read_av(name, opened, use)
        with file:
            info = _read_soundfile(name, file, use)
            return replace(info, note=_CUT) if file.format == "OGG" and _ogg_cut(opened) else info


def _read_soundfile(name: str, file: soundfile.SoundFile, use: Callable[[int, np.ndarray], None]) -> NativeInfo:
    _check_rate(name, file.samplerate)
    promised, num_frames, failed = file.frames, 0, False
    while not failed:
        block, failed = _next_block(file)
        if len(block) == 0:
            break
        num_frames += len(block)
        _check(name, block)
        use(file.samplerate, block)
        if num_frames >= promised:
            break
    if num_frames == 0:
        raise AudioReadError(name, "the sound in it is damaged" if failed else "the file holds no samples")
    cut = failed or num_frames < promised - _SLACK_FRAMES or _header_promises_more(file)
    shown = f"{file.format} {file.subtype}"
    return NativeInfo(file.samplerate, file.channels, num_frames, shown, _CUT if cut else None)


def _read_av(name: str, opened: object, use: Callable[[int, np.ndarray], None]) -> NativeInfo:
    from audiocls.audio import av_decoding

    rate, channels, _, shown = av_decoding.probe(name, opened)  # type: ignore[arg-type]
    num_frames, cut = 0, False
    for block_rate, _, block in av_decoding.blocks(name, opened):  # type: ignore[arg-type]
        if block is None:
            cut = True
            break
        _check_rate(name, block_rate)
        _check(name, block)
        rate, channels = block_rate, block.shape[1]
        num_frames += len(block)
        use(rate, np.ascontiguousarray(block, np.float32))
    if num_frames == 0:
        raise AudioReadError(name, "the sound in it is damaged" if cut else "the file holds no samples")
    return NativeInfo(rate, channels, num_frames, shown, _CUT if cut else None)


def _check(name: str, block: np.ndarray) -> None:
    if not np.isfinite(block).all():
        raise AudioReadError(name, "it holds samples that are not numbers (NaN or infinite)")
