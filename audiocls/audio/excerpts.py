"""A part of a long file, as it is in it: found by seeking where the format allows it, else by reading up to it."""

import numpy as np
import soundfile

from audiocls.audio.decoding import Source, check_rate, opened_source, tells_its_length
from audiocls.audio.joined_files import ogg_links
from audiocls.audio.native_blocks import NativeBlocks
from audiocls.errors import AudioReadError

_BLOCK_SECONDS = 10.0


def read_excerpt(source: Source, start_seconds: float, end_seconds: float) -> tuple[int, np.ndarray]:
    """What a file holds between two moments, in its own rate and with all of its channels.

    Returns:
        The rate in Hz, and float32 (frames, channels); shorter where the file ends before.

    Raises:
        AudioReadError: the file cannot be read, or is over before the start.
    """
    with opened_source(source) as (name, opened):
        try:
            with soundfile.SoundFile(opened) as file:
                joined = file.format == "OGG" and len(ogg_links(opened)) > 1
                if file.seekable() and not joined and tells_its_length(file, opened):
                    check_rate(name, file.samplerate)
                    first = round(start_seconds * file.samplerate)
                    if first >= file.frames:
                        raise AudioReadError(name, f"it is over before {start_seconds:.2f} s")
                    file.seek(first)
                    frames = max(1, round(end_seconds * file.samplerate) - first)
                    return file.samplerate, file.read(frames, dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, TypeError, ValueError):  # TypeError: *.raw, whose format no header tells
            pass
    return _read_up_to(source, start_seconds, end_seconds)


def _read_up_to(source: Source, start_seconds: float, end_seconds: float) -> tuple[int, np.ndarray]:
    """Read from the beginning; a change of rate or channels ends the excerpt."""
    blocks = NativeBlocks(source, _BLOCK_SECONDS)
    kept: list[np.ndarray] = []
    passed, rate = 0.0, 0
    for now, block in blocks:
        first = max(0, round((start_seconds - passed) * now))
        stop = round((end_seconds - passed) * now)
        passed += len(block) / now
        if first >= len(block):
            continue
        if kept and (now != rate or block.shape[1] != kept[0].shape[1]):
            break
        rate = now
        kept.append(block[first : max(stop, first + 1)].copy())
        if passed >= end_seconds:
            break
    if not kept:
        raise AudioReadError(blocks.name, f"it is over before {start_seconds:.2f} s")
    return rate, np.concatenate(kept)
