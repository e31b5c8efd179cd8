"""Writing the cuts of a recording as files in one pass over its blocks; memory does not grow with its length."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from audiocls.errors import OutputError
from audiocls.model_folder import explained

FORMATS = ("wav", "flac")
_FLAC_CHANNELS, _FLAC_RATE = 8, 655_350
_KEPT = {"PCM_16": "PCM_16", "PCM_24": "PCM_24", "PCM_32": "PCM_32", "FLOAT": "FLOAT", "DOUBLE": "FLOAT"}
_KEPT_FLAC = {"PCM_24": "PCM_24", "PCM_32": "PCM_24", "FLOAT": "PCM_24", "DOUBLE": "PCM_24"}


@dataclass
class _Clip:
    start: int
    end: int
    path: Path
    file: soundfile.SoundFile | None = field(default=None)


def sample_format(format: str, source_format: str) -> str:
    """How samples are written: as the source has them where the format can hold that, 16 bits for lossy sources."""
    subtype = source_format.rpartition(" ")[2]
    return (_KEPT if format == "wav" else _KEPT_FLAC).get(subtype, "PCM_16")


def write_clips(
    blocks: Iterable[np.ndarray],
    cuts: Sequence[tuple[int, int, Path]],
    sampling_rate: int,
    channels: int,
    format: str,
    subtype: str,
) -> None:
    """Write parts of a stream of samples as audio files; the parts may overlap, their folder must be there.

    Args:
        blocks: float32 (frames, channels), of any lengths.
        cuts: first sample, the one behind the last, and the file, sorted by the first sample.
        format: "wav" or "flac". subtype: as of `sample_format`.

    Raises:
        OutputError: a file cannot be written, or FLAC cannot hold so many channels or such a rate.
    """
    if format == "flac" and (channels > _FLAC_CHANNELS or sampling_rate > _FLAC_RATE):
        raise OutputError(f"FLAC cannot hold {channels} channels at {sampling_rate} Hz; pass --format wav")
    waiting = [_Clip(*cut) for cut in reversed(cuts)]
    opened: list[_Clip] = []
    position = 0
    try:
        for block in blocks:
            stop = position + len(block)
            while waiting and waiting[-1].start < stop:
                opened.append(waiting.pop())
            for clip in opened:
                with explained(clip.path):
                    try:
                        if clip.file is None:
                            clip.file = soundfile.SoundFile(
                                clip.path, "w", sampling_rate, channels, subtype, format=format.upper()
                            )
                        clip.file.write(block[max(0, clip.start - position) : clip.end - position])
                        if clip.end <= stop:
                            clip.file.close()
                    except soundfile.LibsndfileError as error:
                        raise OutputError(f"{clip.path}: cannot be written: {error}") from error
            opened = [clip for clip in opened if clip.end > stop]
            position = stop
            if not waiting and not opened:
                return
    finally:
        for clip in opened:
            if clip.file is not None:
                clip.file.close()
