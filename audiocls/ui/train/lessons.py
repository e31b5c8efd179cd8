"""One recording with examples of a sound, cut into clips where something sounds, with the functions of `segment`.

Files in, files out. A sound that goes on without a pause, such as rain, stands out of no noise: it is cut evenly.
"""

import itertools
from pathlib import Path

import numpy as np
import soundfile

from audiocls.cutting.clip_writer import write_clips
from audiocls.cutting.cuts import Cut, cut_at_activity
from audiocls.cutting.segment_options import SegmentOptions
from audiocls.cutting.survey import Survey, survey
from audiocls.cutting.uniform_blocks import UniformBlocks
from audiocls.errors import AudioReadError
from audiocls.model_folder import explained

EXAMPLES = SegmentOptions(min_seconds=0.12, max_seconds=4.0, padding_seconds=0.15, merge_gap_seconds=0.35)
STEADY_PIECE_SECONDS = 2.0
SHORTEST_SECONDS = 0.3  # of a recording that can hold an example
SILENT_DB = -65.0  # nothing louder than this anywhere: the microphone heard nothing


def cut_lesson(recording: Path, folder: Path, stem: str) -> list[Path]:
    """Write the examples in a recording as `folder`/`stem`_000.wav, ..., in their order; none where it is silent.

    Raises:
        AudioReadError: the recording cannot be read.
        OutputError: a clip cannot be written.
    """
    found = survey(str(recording), EXAMPLES.snr_db)
    if found.seconds < SHORTEST_SECONDS or not len(found.level_db) or float(found.level_db.max()) < SILENT_DB:
        return []
    cuts = cut_at_activity(found, EXAMPLES) or _pieces(found)
    ranges = []
    for number, cut in enumerate(cuts):
        first = max(0, round(cut.start_seconds * found.sampling_rate))
        last = min(found.length, round(cut.end_seconds * found.sampling_rate))
        if last > first:
            ranges.append((first, last, folder / f"{stem}_{number:03d}.wav"))
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_clips(UniformBlocks(str(recording)), ranges, found.sampling_rate, found.channels, "wav", "PCM_16")
    return [path for _, _, path in ranges]


def clip_seconds(path: Path) -> float:
    """How long a clip of `cut_lesson` is.

    Raises:
        AudioReadError: it is not there or is damaged.
    """
    try:
        return float(soundfile.info(path).duration)
    except (soundfile.LibsndfileError, OSError) as error:
        raise AudioReadError(path.name, "not readable") from error


def _pieces(found: Survey) -> list[Cut]:
    count = max(1, round(found.seconds / STEADY_PIECE_SECONDS))
    edges = np.linspace(0.0, found.seconds, count + 1)
    return [Cut(float(start), float(end)) for start, end in itertools.pairwise(edges)]
