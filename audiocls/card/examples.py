"""Example clips of a model folder: a few sounds that its page and its app offer to try, with their origin."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import soundfile

from audiocls.card.text import one_line
from audiocls.data.attribution import attribution_rows
from audiocls.data.clips import Clips
from audiocls.data.metadata import FILE_COLUMNS, column
from audiocls.errors import DataError
from audiocls.whole_files import whole_file, write_text

EXAMPLES = "examples"
ATTRIBUTION = "ATTRIBUTION.csv"
MOST_CLIPS = 10
MOST_SECONDS = 5.0
_STEP_SECONDS = 0.1
_LONGEST_BYTES = 60
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")  # on Windows


def write_examples(
    clips: Clips,
    labels: Sequence[str],
    folder: Path,
    scores: np.ndarray | None = None,
    root: Path | None = None,
) -> list[tuple[str, str]]:
    """Write up to ten clips into `examples/` of a model folder, one a label, as FLAC whose title is the label.

    A clip of which the model's answer is right comes before others, and of those the one it is surest of. Of clips with
    several labels each, every set of labels is there once. Of a long clip the loudest five seconds are taken.

    Args:
        clips: of one part of the data, at the model's rate.
        folder: the model folder.
        scores: of the model, (clips, labels), where it has answered.
        root: the folder of the data; rows of its ATTRIBUTION.csv on these clips are written beside them.

    Returns:
        (label, path in the model folder) of each clip written; none at a sampling rate that FLAC does not know.

    Raises:
        OutputError: they cannot be written.
    """
    chosen = _chosen(clips.targets, scores, labels)
    written: dict[str, int] = {}
    for (title, index), name in zip(chosen, file_names(title for title, _ in chosen), strict=True):
        try:
            _write(_loudest(clips, index), clips.sampling_rate, title, folder / EXAMPLES / name)
        except soundfile.LibsndfileError:
            return []
        written[name] = index
    table = _attribution({name: clips.files[index] for name, index in written.items()}, root)
    if table:
        write_text(folder / EXAMPLES / ATTRIBUTION, table)
    return [(title, f"{EXAMPLES}/{name}") for (title, _), name in zip(chosen, written, strict=True)]


def example_clips(folder: str | Path) -> list[tuple[str, str]]:
    """(label, path in the folder) of the example clips of a model folder, as `published_card` takes them."""
    found = []
    for path in sorted((Path(folder) / EXAMPLES).glob("*.flac")):
        try:
            with soundfile.SoundFile(path) as file:
                title = one_line(file.title)
        except (soundfile.LibsndfileError, OSError):
            continue  # not a sound; the page cannot play it
        found.append((title or path.stem, f"{EXAMPLES}/{path.name}"))
    return found


def _chosen(targets: np.ndarray, scores: np.ndarray | None, labels: Sequence[str]) -> list[tuple[str, int]]:
    """(label, clip) of the clips to show, in the order of the labels."""
    if targets.ndim == 2:
        sets: dict[str, int] = {}
        for index, row in enumerate(targets):
            title = ", ".join(label for label, given in zip(labels, row, strict=True) if given > 0.5)
            if title:
                sets.setdefault(title, index)
        return list(sets.items())[:MOST_CLIPS]
    best = []
    for number, label in enumerate(labels):
        own = np.flatnonzero(targets == number)
        if not len(own):
            continue
        if scores is None:
            best.append((True, 0.0, label, int(own[0])))
            continue
        wrong = scores[own].argmax(axis=1) != number
        first = np.lexsort((-scores[own, number], wrong))[0]
        best.append((bool(wrong[first]), -float(scores[own[first], number]), label, int(own[first])))
    shown = {entry[3] for entry in sorted(best)[:MOST_CLIPS]}
    return [(label, index) for _, _, label, index in best if index in shown]


def file_names(labels: Iterable[str]) -> list[str]:
    """A file name for each label, safe on every system and told apart without regard to case."""
    names: list[str] = []
    taken = set()
    for label in labels:
        stem = re.sub(r"[^\w.+-]+", "-", unicodedata.normalize("NFC", label)).strip("-.")
        while len(stem.encode("utf-8", "replace")) > _LONGEST_BYTES:
            stem = stem[:-1].rstrip("-.")
        stem = f"{stem}_" if _RESERVED.match(stem) else stem or "clip"
        name, number = stem, 2
        while name.casefold() in taken:
            name, number = f"{stem}-{number}", number + 1
        taken.add(name.casefold())
        names.append(f"{name}.flac")
    return names


def _loudest(clips: Clips, index: int) -> np.ndarray:
    """The clip, or the part of it of `MOST_SECONDS` with the greatest energy."""
    rate, length = clips.sampling_rate, int(clips.lengths[index])
    most = int(MOST_SECONDS * rate)
    if length <= most:
        return clips.waveform(index)
    step = max(1, int(_STEP_SECONDS * rate))
    energies = [0.0]
    for start in range(0, length, step):  # block by block: a clip may last hours
        energies.append(energies[-1] + float(np.square(clips.waveform(index, start, min(start + step, length))).sum()))
    steps = most // step
    total = np.array(energies)
    start = int(np.argmax(total[steps:] - total[:-steps])) * step
    start = min(start, length - most)
    return clips.waveform(index, start, start + most)


def _write(waveform: np.ndarray, sampling_rate: int, title: str, path: Path) -> None:
    with (
        whole_file(path) as beside,
        soundfile.SoundFile(beside, "w", sampling_rate, 1, subtype="PCM_16", format="FLAC") as file,
    ):
        file.title = one_line(title).encode("utf-8", "replace").decode()
        file.write(waveform)


def _attribution(files: dict[str, str], root: Path | None) -> str | None:
    """The rows of the data's ATTRIBUTION.csv on these clips, as a table of example files; None where there are none."""
    try:
        header, rows = attribution_rows(root, list(files.values()))
    except DataError:
        return None
    if not any(rows):
        return None
    others = [name for name in header.values() if name != column(header, FILE_COLUMNS)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "made_from", "changes", *others])
    changes = f"mono, resampled, at most {MOST_SECONDS:g} s of it"
    for (name, original), row in zip(files.items(), rows, strict=True):
        if row:
            writer.writerow([name, original, changes, *(row[other] for other in others)])
    return text.getvalue()
