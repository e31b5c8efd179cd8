"""The test clips of a model and its answers to them, from predictions.csv, and where their sounds can be found.

Sounds are looked for in the model folder first. A folder of data is only looked into for who sits at this machine, and
nothing outside of it is read, whatever the table names.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audiocls.card.examples import ATTRIBUTION, EXAMPLES
from audiocls.evaluation.evaluation import PREDICTIONS_CSV, SCORE_COLUMN, split_labels
from audiocls.ui.model.files import ModelFiles

DATA = Path("data")
CELLS = ("found", "missed", "alarm", "absent")  # the columns of a matrix of several labels a clip


@dataclass(frozen=True)
class AnsweredClip:
    """A test clip. true, given: its labels and those of the answer, one or several or none; scores by label."""

    file: str
    true: frozenset[str]
    given: frozenset[str]
    scores: dict[str, float]

    def sureness(self) -> float:
        """The best score of an answer, 0 to 1."""
        return max((self.scores.get(label, 0.0) for label in self.given), default=0.0)


def answered_clips(files: ModelFiles) -> list[AnsweredClip]:
    """All test clips; empty where the table is missing or of another make."""
    text, multi_label = files.text(PREDICTIONS_CSV), files.classifier.multi_label
    if not text:
        return []

    def labels(cell: str) -> frozenset[str]:
        return frozenset(split_labels(cell) if multi_label else [cell])

    try:
        return [
            AnsweredClip(
                row["file"],
                labels(row["true_label"]),
                labels(row["predicted_label"]),
                {k.removeprefix(SCORE_COLUMN): float(v) for k, v in row.items() if k.startswith(SCORE_COLUMN)},
            )
            for row in csv.DictReader(io.StringIO(text))
        ]
    except (KeyError, TypeError, ValueError, AttributeError, csv.Error):
        return []


def in_cell(clips: Sequence[AnsweredClip], labels: Sequence[str], row: int, column: int, multi: bool) -> list:
    """The clips of one cell of the matrix, the surest answers first.

    Args:
        row: of the true class, or of the label of several.
        column: of the given class, or of `CELLS`.
    """
    label = labels[row]
    if multi:
        wanted = {"found": (True, True), "missed": (True, False), "alarm": (False, True), "absent": (False, False)}
        found = [each for each in clips if (label in each.true, label in each.given) == wanted[CELLS[column]]]
        return sorted(found, key=lambda each: (-abs(each.scores.get(label, 0.0) - 0.5), each.file))
    found = [each for each in clips if label in each.true and labels[column] in each.given]
    return sorted(found, key=lambda each: (-each.sureness(), each.file))


class ClipSounds:
    """Where the sounds of test clips lie.

    Args:
        data: folder of the data; None to look into the model folder alone.
    """

    def __init__(self, files: ModelFiles, data: Path | None = None) -> None:
        self._data = data
        self._examples = _examples(files)

    def find(self, file: str) -> Path | None:
        """The sound of a clip by its name in the table, or None."""
        if self._data is not None:
            try:
                path = (self._data / file).resolve()
                if path.is_relative_to(self._data.resolve()) and path.is_file():
                    return path
            except (OSError, ValueError):
                pass
        return self._examples.get(file)


def data_folder(files: ModelFiles, clips: Sequence[AnsweredClip]) -> Path | None:
    """Where the data of a training made here probably lies: a folder of that name that has its first test clip."""
    name = files.training.get("data")
    if not isinstance(name, str) or not clips or Path(name).name != name:
        return None
    for folder in (DATA / name, Path(name)):
        if ClipSounds(files, folder).find(clips[0].file):
            return folder
    return None


def _examples(files: ModelFiles) -> dict[str, Path]:
    """The excerpts that lie in the model folder, by the clips they were taken from."""
    text, folder = files.text(f"{EXAMPLES}/{ATTRIBUTION}"), files.folder
    if not text or folder is None:
        return {}
    try:
        rows = [(row.get("made_from"), row.get("file")) for row in csv.DictReader(io.StringIO(text))]
    except csv.Error:
        return {}
    named = [(clip, folder / EXAMPLES / Path(name).name) for clip, name in rows if clip and name]
    return {clip: path for clip, path in named if path.is_file()}
