"""`audiocls segment`: from long recordings to folders of clips, cut where something sounds or where a table says so.

    OUT/<label>/<recording>_<start>.wav   or OUT/unsorted/... where nothing is labelled, OUT/background/...
    OUT/segments.csv     a row a clip;  OUT/recordings.csv  a row a recording
    OUT/ATTRIBUTION.csv  which recording each clip is from: training keeps clips of one recording together

What is there is never written over. An interrupted call is taken up by the same call; see `segment_journal`.
"""

import dataclasses
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from audiocls.audio.decoding import probe
from audiocls.cutting.class_folders import class_folders
from audiocls.cutting.clip_writer import sample_format, write_clips
from audiocls.cutting.cuts import Cut, cut_at_activity, cut_at_labels, cut_background
from audiocls.cutting.segment_journal import HIDDEN, Entry, Journal, digest, stamp
from audiocls.cutting.segment_options import SegmentOptions
from audiocls.cutting.segment_tables import write_tables
from audiocls.cutting.survey import survey
from audiocls.cutting.uniform_blocks import UniformBlocks
from audiocls.data.listing import shown, some
from audiocls.data.tree import UNSORTED
from audiocls.detection.event import Event
from audiocls.errors import AudioclsError, AudioReadError, DataError, UsageError
from audiocls.recordings.finding import find_recordings, shown_path
from audiocls.recordings.label_matching import match_labels

BACKGROUND = "background"


@dataclass(frozen=True)
class Segmented:
    """What is in the output folder now. `clips`: number of clips by folder; `failed`: reason by recording."""

    output_dir: Path
    recordings: int
    clips: dict[str, int]
    failed: dict[str, str]
    notes: list[str]


def segment(
    inputs: Iterable[str],
    output_dir: str | Path,
    options: SegmentOptions | None = None,
    overwrite: bool = False,
    verbose: bool = False,
) -> Segmented:
    """Cut recordings into clips ready for training. Memory grows by a few MB an hour of a recording.

    Args:
        inputs: as of `find_recordings`; what lies in `output_dir` does not count.
        overwrite: cut anew; the clips that an earlier call wrote are removed first.
        verbose: show progress, notes, and what to do next.

    Raises:
        UsageError: the folder holds the recordings or something else, or clips cut with other settings or labels.
        DataError: no recordings, labels that cannot be used, or, after all others are done, recordings that failed.
        OutputError: the disk is full or the like.
    """
    options = options or SegmentOptions()
    root = Path(output_dir)
    inside = root.resolve()
    recordings = [name for name in find_recordings(inputs) if not Path(name).resolve().is_relative_to(inside)]
    if not recordings:
        raise UsageError(f"{shown(str(root))} holds the recordings themselves; choose another --output_dir")
    events, notes = match_labels(recordings, options.labels) if options.labels else ({}, [])
    recordings = [name for name in recordings if name in events] if options.labels else recordings
    journal = Journal(root, overwrite)
    spellings = [path.name for path in root.iterdir() if path.is_dir() and path.name != HIDDEN]
    folders, renamed = class_folders((event.label for each in events.values() for event in each), spellings)
    notes += renamed
    say: Callable[[str], None] = (lambda text: tqdm.write(text, file=sys.stderr)) if verbose else lambda text: None
    for note in notes:
        say(f"note: {note}")
    failed: dict[str, str] = {}
    chosen = {name: value for name, value in dataclasses.asdict(options).items() if name != "labels"}
    chosen["labelled"] = options.labels is not None
    open_entries = [
        entry
        for name in recordings
        if (entry := _entry(name, chosen, events[name] if options.labels else None, journal, failed))
    ]
    total = sum(_expected_seconds(entry.given) for entry in open_entries)
    try:
        with tqdm(total=round(total, 1), desc="Cutting", unit="s", disable=not verbose, dynamic_ncols=True) as bar:
            for entry in open_entries:
                before = bar.n
                own = events[entry.given] if options.labels else None
                try:
                    _cut(entry, own, folders, options, journal, lambda seconds: _advance(bar, seconds / 2))
                except AudioReadError as error:
                    failed[entry.given] = error.reason
                    say(f"not used: {shown(entry.given)}: {error.reason}")
                for note in entry.notes if entry.done else []:
                    say(f"note: {shown(entry.given)}: {note}")
                _advance(bar, before + entry.seconds - bar.n)
    finally:
        clips = write_tables(root, list(journal.entries.values()), failed)
    done = [entry for entry in journal.entries.values() if entry.done]
    if verbose:
        print(_next_steps(root, clips, len(done)))
    if failed:
        raise DataError(
            f"{len(failed)} of {len(recordings)} recordings could not be used: "
            f"{some([f'{name} ({reason})' for name, reason in failed.items()])}"
        )
    return Segmented(root, len(done), clips, failed, notes)


def _entry(
    recording: str, chosen: dict[str, Any], events: Sequence[Event] | None, journal: Journal, failed: dict[str, str]
) -> Entry | None:
    """What is to be done with a recording; None where it is done, or cannot be (then it is in `failed`).

    Raises:
        UsageError: it was done otherwise.
    """
    path = str(Path(recording).resolve())
    try:
        source = stamp(recording)
    except OSError as error:
        failed[recording] = (error.strerror or "it cannot be opened").lower()
        return None
    labels = "" if events is None else digest(list(events))
    known = journal.entries.get(path)
    if known is None:
        return Entry(path, recording, journal.free_name(path), source, chosen, labels)
    before = known.settings
    differences = [
        f"{name} was {before.get(name)}, is {value}" for name, value in chosen.items() if before.get(name) != value
    ]
    if not differences and known.labels != labels:
        differences = ["its labels have changed"]
    if not differences and known.source != source:
        differences = ["the file has changed"]
    if differences:
        raise UsageError(
            f"{shown(str(journal.root))} holds clips of {shown(recording)} that were cut otherwise ({differences[0]}); "
            "choose another --output_dir, or pass --overwrite to cut all anew"
        )
    return None


def _cut(
    entry: Entry,
    events: Sequence[Event] | None,
    folders: dict[str, str],
    options: SegmentOptions,
    journal: Journal,
    heard: Callable[[float], None],
) -> None:
    """Cut one recording and put its clips in their places."""
    found = survey(entry.given, options.snr_db, options.sampling_rate, options.denoise, heard)
    entry.seconds, entry.notes = found.seconds, list(found.notes)
    if events is None:
        cuts = cut_at_activity(found, options)
        placed = [(cut, UNSORTED) for cut in cuts]
    else:
        cuts, notes = cut_at_labels(found, events, options)
        entry.notes += notes
        placed = [(cut, folders[str(cut.label)]) for cut in cuts]
    if options.background:
        placed += [(cut, BACKGROUND) for cut in cut_background(found, cuts, options)]
    placed.sort(key=lambda pair: pair[0].start_seconds)
    workplace = journal.workplace(entry)
    ranges = []
    for number, (cut, folder) in enumerate(placed):
        first, last = _samples(cut, found.sampling_rate, found.length)
        file = f"{entry.name}_{cut.start_seconds:010.3f}"
        place = f"{folder}/{file}.{options.format}"
        copy = 2
        while place in entry.files.values():
            place, copy = f"{folder}/{file}-{copy}.{options.format}", copy + 1
        name = f"{number}.{options.format}"
        entry.files[name] = place
        ranges.append((first, last, workplace / name))
        level_db, snr_db = found.levels(cut.start_seconds, cut.end_seconds)
        entry.rows.append(
            {
                "file": place,
                "recording": shown_path(entry.given),
                "start_seconds": f"{first / found.sampling_rate:.6f}",
                "end_seconds": f"{last / found.sampling_rate:.6f}",
                "label": BACKGROUND if folder == BACKGROUND else cut.label or "",
                "level_db": f"{level_db:.1f}",
                "snr_db": f"{snr_db:.1f}",
                "group": entry.name,
            }
        )
    if ranges:
        blocks = UniformBlocks(entry.given, options.sampling_rate, options.denoise)
        subtype = sample_format(options.format, found.format)
        told = _told(blocks, found.sampling_rate, heard)
        write_clips(told, ranges, found.sampling_rate, found.channels, options.format, subtype)
    journal.complete(entry)


def _samples(cut: Cut, sampling_rate: int, length: int) -> tuple[int, int]:
    """The first sample of a cut and the one behind its last; one at least."""
    first = min(max(0, round(cut.start_seconds * sampling_rate)), length - 1)
    return first, max(first + 1, min(length, round(cut.end_seconds * sampling_rate)))


def _told(blocks: Iterable[np.ndarray], sampling_rate: int, heard: Callable[[float], None]) -> Iterator[np.ndarray]:
    for block in blocks:
        heard(len(block) / sampling_rate)
        yield block


def _advance(bar: tqdm, seconds: float) -> None:
    bar.update(max(0.0, round(seconds, 3)))


def _expected_seconds(recording: str) -> float:
    try:
        return probe(recording).seconds or 0.0
    except AudioclsError:
        return 0.0


def _next_steps(root: Path, clips: dict[str, int], recordings: int) -> str:
    told = ", ".join(f"{count} in {shown(folder)}" for folder, count in sorted(clips.items())) or "none"
    lines = [f"clips: {told} (of {recordings} recordings; {root / 'segments.csv'} lists them)"]
    if UNSORTED in clips:
        lines.append(
            f"next: sort the clips of {root / UNSORTED} into a folder for each class beside it and delete the rest; "
            f"then audiocls train {root}"
        )
    elif clips:
        lines.append(f"next: audiocls train {root}")
    if clips and recordings < 2:
        lines.append(
            "All clips are of one recording, so none can be set aside to test on: cut more recordings, or train with "
            "--test_size 0"
        )
    return "\n".join(lines)
