"""The sounds that a visitor teaches: clips by class, in a folder of the visitor's, from recordings one after the other.

    <root>/<class>/r<recording>_<number>.wav

It knows no page. What a page says of a class or a clip is looked up here, never taken as a path.
"""

import csv
import io
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from audiocls.audio.decoding import probe
from audiocls.cutting.class_folders import class_folders
from audiocls.data.listing import folded_name
from audiocls.errors import DataError, UsageError
from audiocls.model_folder import explained
from audiocls.ui.limits import (
    LONGEST_CLASS_NAME,
    LONGEST_LESSON_SECONDS,
    LONGEST_TAUGHT_SECONDS,
    MOST_TAUGHT_CLASSES,
    MOST_TAUGHT_CLIPS,
)
from audiocls.ui.texts import train as texts
from audiocls.ui.train.lessons import clip_seconds, cut_lesson
from audiocls.whole_files import write_text

FEWEST_CLIPS, GOOD_CLIPS = 5, 15  # of a class: to begin with, and where more help less
GROUPED_FROM = 3  # recordings of every class: then whole recordings are kept aside to test on
_RECORDING = re.compile(r"r(\d+)_")


@dataclass(frozen=True)
class Clip:
    """key: "class/file", by which a page names it."""

    key: str
    label: str
    path: Path
    seconds: float
    recording: str


class TaughtSounds:
    """The clips in a folder, which need not be there yet."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def clips(self) -> list[Clip]:
        """All, by class and in the order of their making."""
        return [
            Clip(f"{path.parent.name}/{path.name}", path.parent.name, path, clip_seconds(path), _recording_of(path))
            for path in sorted(self.root.glob("*/r*_*.wav"))
        ]

    def by_class(self) -> dict[str, list[Clip]]:
        found: dict[str, list[Clip]] = {}
        for clip in self.clips():
            found.setdefault(clip.label, []).append(clip)
        return found

    def add(self, name: str, recording: Path) -> list[Clip]:
        """Cut a recording into clips of a class.

        Raises:
            UsageError: no usable name, or a limit is reached.
            DataError: nothing is heard in the recording. AudioReadError: it cannot be read.
        """
        label = self._label(name)
        held = self.clips()
        longest = probe(str(recording)).seconds
        if longest is not None and longest > LONGEST_LESSON_SECONDS:
            raise UsageError(texts.LESSON_TOO_LONG.format(seconds=longest, limit=LONGEST_LESSON_SECONDS))
        folder = self.root / label
        number = 1 + max((int(match[1]) for c in held if (match := _RECORDING.match(c.path.name))), default=0)
        made = cut_lesson(recording, folder, f"r{number:03d}")
        try:
            if not made:
                raise DataError(texts.NOTHING_HEARD)
            new = [Clip(f"{label}/{path.name}", label, path, clip_seconds(path), f"r{number:03d}") for path in made]
            if len(held) + len(new) > MOST_TAUGHT_CLIPS:
                raise UsageError(texts.TOO_MANY_CLIPS.format(limit=MOST_TAUGHT_CLIPS))
            if sum(clip.seconds for clip in [*held, *new]) > LONGEST_TAUGHT_SECONDS:
                raise UsageError(texts.TOO_MUCH_TAUGHT.format(minutes=LONGEST_TAUGHT_SECONDS / 60))
        except (DataError, UsageError):
            for path in made:
                path.unlink(missing_ok=True)
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
            raise
        return new

    def find(self, key: object) -> Clip | None:
        """The clip of that key; None for anything else."""
        return next((clip for clip in self.clips() if clip.key == key), None)

    def delete(self, key: object) -> None:
        """Delete a clip, or all of the class of that name; nothing where there is none."""
        for label, clips in self.by_class().items():
            for clip in clips:
                if key in (clip.key, label):
                    clip.path.unlink(missing_ok=True)
            if key == label or all(clip.key == key for clip in clips):
                shutil.rmtree(self.root / label, ignore_errors=True)

    def copy_to(self, folder: Path) -> Path:
        """The clips with a metadata.csv, as `train` reads them, in a new folder.

        A table and not class folders, so that a class may be called train or test. Clips of one recording are a group
        where every class has several recordings; else none could be kept aside to test on.
        """
        clips = self.clips()
        grouped = self.grouped()
        with explained(folder):
            folder.mkdir(parents=True)
            text = io.StringIO()
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(["file_name", "label", "group"])
            for number, clip in enumerate(clips):
                name = f"clip_{number:04d}.wav"
                shutil.copyfile(clip.path, folder / name)
                writer.writerow([name, clip.label, clip.recording if grouped else ""])
        write_text(folder / "metadata.csv", text.getvalue())
        return folder

    def grouped(self) -> bool:
        """Whether there are recordings enough to keep whole ones aside."""
        found = self.by_class().values()
        return bool(found) and all(len({clip.recording for clip in clips}) >= GROUPED_FROM for clips in found)

    def _label(self, name: str) -> str:
        name = re.sub(r"\s+", " ", str(name or "")).strip()
        if not name:
            raise UsageError(texts.NO_NAME)
        if len(name) > LONGEST_CLASS_NAME:
            raise UsageError(texts.LONG_NAME.format(limit=LONGEST_CLASS_NAME))
        there = [path.name for path in self.root.iterdir() if path.is_dir()] if self.root.is_dir() else []
        (label,) = class_folders([name.lstrip(".")], there)[0].values()
        if len(there) >= MOST_TAUGHT_CLASSES and folded_name(label) not in {folded_name(each) for each in there}:
            raise UsageError(texts.TOO_MANY_CLASSES.format(limit=MOST_TAUGHT_CLASSES))
        return label


def advice(found: dict[str, list[Clip]]) -> str:
    """What to do next, in a sentence."""
    if not found:
        return texts.TEACH_FIRST
    few = [label for label, clips in found.items() if len(clips) < FEWEST_CLIPS]
    if len(found) < 2:
        return texts.TEACH_ANOTHER
    if few:
        return texts.TEACH_MORE.format(names=", ".join(few), few=FEWEST_CLIPS)
    return texts.TEACH_ENOUGH if min(map(len, found.values())) < GOOD_CLIPS else texts.TEACH_PLENTY


def _recording_of(path: Path) -> str:
    return path.name.partition("_")[0]
