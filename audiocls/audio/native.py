"""Reading a file as it is: its own sampling rate, all of its channels, block by block. Keeps nothing in memory."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from audiocls.audio.decoding import CUT, Source
from audiocls.audio.native_blocks import NativeBlocks
from audiocls.errors import AudioReadError


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
    blocks = NativeBlocks(source)
    rate, channels, num_frames = 0, 0, 0
    for block_rate, block in blocks:
        if not np.isfinite(block).all():
            raise AudioReadError(blocks.name, "it holds samples that are not numbers (NaN or infinite)")
        rate, channels = block_rate, block.shape[1]
        num_frames += len(block)
        use(rate, np.ascontiguousarray(block, np.float32))
    return NativeInfo(rate, channels, num_frames, blocks.format, CUT if blocks.cut else None)
