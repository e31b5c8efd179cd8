"""The result of scoring a model on labelled clips: its numbers, its answers, and how they are kept and printed.

It is given scores and knows nothing of models or audio.
"""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audiocls.data.listing import shown
from audiocls.errors import DataError
from audiocls.text_layout import pad, shorten, text_width
from audiocls.whole_files import write_text

METRICS_JSON = "metrics.json"
PREDICTIONS_CSV = "predictions.csv"
CONFUSION_MATRIX_PNG = "confusion_matrix.png"

SCORE_COLUMN = "score:"  # before the class name, so that no class collides with another column
SCORE_DECIMALS = 6
# What is printed, in this order; a score is left out when the kind of task has none.
HEADLINES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_precision": "macro precision",
    "macro_recall": "macro recall",
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
}

CLASS_SCORES = {"precision": "precision", "recall": "recall", "f1": "F1"}
CLASS_WIDTH = 24  # columns of a class's name, with which a row with three intervals fits into 100
FEW_GROUPS = 10  # of which a bootstrap cannot draw a variety


@dataclass
class Evaluation:
    """Scores of one part of the data.

    files: `(n,)` names. targets: int `(n,)` or 0/1 `(n, labels)`. scores: float `(n, labels)`, probabilities.
    metrics: as `metrics.score_predictions` gives them, with "split".
    """

    files: list[str]
    targets: np.ndarray
    scores: np.ndarray
    labels: list[str]
    metrics: dict[str, Any]

    def save(self, folder: str | Path) -> None:
        """Write metrics.json, predictions.csv, confusion_matrix.png and reliability.png.

        Raises:
            OutputError: they cannot be written.
        """
        from audiocls.evaluation.plots import confusion_matrix_figure, save_png  # matplotlib takes a second to import
        from audiocls.evaluation.reliability_plot import RELIABILITY_PNG, reliability_figure

        folder = Path(folder)
        write_text(folder / METRICS_JSON, json.dumps(self.metrics, indent=2, ensure_ascii=False) + "\n")
        write_text(folder / PREDICTIONS_CSV, self.predictions_csv())
        matrix = self.metrics["confusion_matrix"]
        title = f"{self.metrics['split']} split, {self.metrics['size']} clips"
        save_png(
            confusion_matrix_figure(np.array(matrix["counts"]), matrix["labels"], title), folder / CONFUSION_MATRIX_PNG
        )
        calibration = reliability_figure(self.metrics["calibration"], title, self.metrics["multi_label"])
        save_png(calibration, folder / RELIABILITY_PNG)

    def predictions_csv(self) -> str:
        """One row a clip: file, true_label, predicted_label, correct, and `score:NAME` of every class.

        Several labels are joined by "|"; a "|" or a backslash within a name then has a backslash before it.
        """
        from audiocls.evaluation.metrics import label_thresholds, predicted_classes

        multi_label = self.metrics["multi_label"]
        thresholds = label_thresholds(self.metrics.get("thresholds"), self.labels)
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        score_columns = [SCORE_COLUMN + label for label in self.labels]
        writer.writerow(["file", "true_label", "predicted_label", "correct", *score_columns])
        answers = predicted_classes(self.scores, multi_label, thresholds)
        for file, target, answer, row in zip(self.files, self.targets, answers, self.scores, strict=True):
            true, given = self._name(target), self._name(answer)
            correct = str(true == given).lower()
            writer.writerow([file, true, given, correct, *(f"{score:.{SCORE_DECIMALS}f}" for score in row)])
        return text.getvalue()

    def _name(self, classes: np.ndarray) -> str:
        if classes.ndim == 0:
            return self.labels[int(classes)]
        return "|".join(re.sub(r"([|\\])", r"\\\1", self.labels[k]) for k in np.flatnonzero(classes > 0.5))


def evaluate_scores(
    files: Sequence[str],
    targets: np.ndarray,
    scores: np.ndarray,
    labels: Sequence[str],
    groups: Sequence[str | None] | None = None,
    split_name: str = "test",
    multi_label: bool = False,
    thresholds: Mapping[str, float] | None = None,
    scores_before: np.ndarray | None = None,
    rejection: Mapping[str, Any] | None = None,
) -> Evaluation:
    """Score a model's answers.

    Args:
        targets: int `(n,)` class indices, or 0/1 `(n, labels)` when multi-label.
        scores: float `(n, labels)`, probabilities.
        groups: what clips stand and fall with, such as speakers; widens the intervals.
        thresholds, scores_before, rejection: as `metrics.score_predictions` takes them.

    Raises:
        DataError, ModelError: as `metrics.score_predictions`.
    """
    from audiocls.evaluation.metrics import score_predictions  # imports evaluate and datasets

    targets, scores = np.asarray(targets), np.asarray(scores)
    if len(files) != len(targets):
        raise DataError(f"{len(files)} files for {len(targets)} targets")
    found = score_predictions(
        targets,
        scores,
        labels,
        multi_label,
        groups,
        thresholds=thresholds,
        scores_before=scores_before,
        rejection=rejection,
    )
    metrics = {"split": split_name, **found}
    return Evaluation(list(files), targets, scores, list(labels), metrics)


def read_evaluation(folder: str | Path) -> Evaluation:
    """Read back what `Evaluation.save` wrote, scores rounded to six decimals.

    Raises:
        DataError: a file is missing or not what `save` writes.
    """
    folder = Path(folder)
    try:
        metrics = json.loads((folder / METRICS_JSON).read_text(encoding="utf-8"))
        with open(folder / PREDICTIONS_CSV, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        labels = list(metrics["confusion_matrix"]["labels"])
        index = {label: k for k, label in enumerate(labels)}
        scores = np.array([[float(row[SCORE_COLUMN + label]) for label in labels] for row in rows])
        if metrics["multi_label"]:
            names = [split_labels(row["true_label"]) for row in rows]
            targets = np.array([[float(label in present) for label in labels] for present in names], np.float32)
        else:
            targets = np.array([index[row["true_label"]] for row in rows], np.int64)
        return Evaluation([row["file"] for row in rows], targets, scores, labels, metrics)
    except FileNotFoundError as error:
        raise DataError(f"{error.filename}: there is no such file; evaluate the model first") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{shown(str(folder))}: {METRICS_JSON} and {PREDICTIONS_CSV} cannot be read: {error}"
        ) from error


def split_labels(cell: str) -> list[str]:
    """Undo the joining of several labels by "|"."""
    if not cell:
        return []
    return [
        re.sub(r"\\(.)", r"\1", name, flags=re.DOTALL) for name in re.findall(r"((?:\\.|[^|\\])+)", cell, re.DOTALL)
    ]


def scores_in_short(
    targets: np.ndarray,
    scores: np.ndarray,
    multi_label: bool = False,
    groups: Sequence[str | None] | None = None,
    names: Sequence[str] = ("accuracy", "macro_f1"),
) -> str:
    """Some scores with their intervals on one line, such as "accuracy 0.957 (0.925 to 0.985)".

    Args:
        targets: int `(n,)` class indices, or 0/1 `(n, labels)` when multi-label.
        scores: float `(n, labels)`, probabilities.
        names: of `HEADLINES`.
    """
    from audiocls.evaluation.counts import count
    from audiocls.evaluation.intervals import bootstrap_intervals, headline_scores, resampling_units
    from audiocls.evaluation.metrics import BOOTSTRAP_SEED, predicted_classes

    given, num_labels = predicted_classes(scores, multi_label), scores.shape[1]
    found = headline_scores(count(targets, given, num_labels), multi_label)
    units, generator = resampling_units(groups, len(targets)), np.random.default_rng(BOOTSTRAP_SEED)
    intervals = bootstrap_intervals(targets, given, num_labels, units, generator).overall
    told = [(HEADLINES[name], float(found[name]), *intervals[name]) for name in names]
    return ", ".join(f"{title} {value:.3f} ({low:.3f} to {high:.3f})" for title, value, low, high in told)


def scores_line(metrics: dict[str, Any]) -> str:
    """What every printed number stands on: the split, its size and how the intervals were made."""
    clips = _counted(metrics["size"], "clip")
    if metrics["interval_unit"] == "group":
        clips += f" in {_counted(metrics['interval_units'], 'group')}"
    return f"{metrics['split']} split, {clips}, {metrics['interval_level']:.0%} intervals"


def format_scores(metrics: dict[str, Any]) -> str:
    """The scores as a text table for the terminal: overall with intervals, then class by class."""
    lines = [f"Scores on the {scores_line(metrics)}"]
    for name, title in HEADLINES.items():
        if name in metrics:
            lines.append(_score_line(title, metrics[name], metrics["intervals"][name]))
    lines += _class_lines(metrics)
    lines += _calibration_lines(metrics)
    return "\n".join(lines)


def _score_line(title: str, value: float, interval: Sequence[float]) -> str:
    return f"  {title:<18} {value:.3f}  ({interval[0]:.3f} to {interval[1]:.3f})"


def _class_lines(metrics: dict[str, Any]) -> list[str]:
    """A row a class; at most 100 columns wide."""
    cells = [["class", *(title for title in CLASS_SCORES.values()), "clips"]]
    for label, row in metrics["per_class"].items():
        told = [interval_text(row[name], row.get("intervals", {}).get(name)) for name in CLASS_SCORES]
        told = told if row["support"] else ["-"] * len(told)
        cells.append([shorten(shown(label), CLASS_WIDTH), *told, str(row["support"])])
    widths = [max(text_width(line[k]) for line in cells) for k in range(len(cells[0]))]
    lines = [""]
    for *texts, support in cells:
        columns = [pad(text, width) for text, width in zip(texts, widths, strict=False)]
        lines.append("  " + "  ".join([*columns, support.rjust(widths[-1])]))
    if any(row["support"] == 0 for row in metrics["per_class"].values()):
        lines.append("  (a class without clips counts in no mean)")
    return lines


def interval_text(value: float, interval: Sequence[float] | None) -> str:
    """A score with its interval, as narrow as it can be read."""
    return f"{value:.3f}" + (f" ({interval[0]:.2f} to {interval[1]:.2f})" if interval else "")


def _calibration_lines(metrics: dict[str, Any]) -> list[str]:
    """How far the scores can be taken for probabilities, how many known sounds are accepted, and what is rough."""
    lines = []
    calibration, rejection = metrics.get("calibration"), metrics.get("rejection")
    if calibration:
        lines.append(_score_line("calibration error", calibration["ece"], calibration["interval"]))
        lines[-1] += f"  perfect scores would show {calibration['chance']:.3f} on so few clips"
        if "ece_before" in calibration:
            lines.append(_score_line("  uncalibrated", calibration["ece_before"], calibration["interval_before"]))
    if rejection:
        lines.append(_score_line("known accepted", rejection["accepted"], rejection["interval"]))
        negatives = rejection.get("negatives")
        if negatives:
            lines.append(_score_line("unknown accepted", negatives["accepted"], negatives["interval"]))
            lines[-1] += f"  of {_counted(negatives['size'], 'clip')} of no class"
    if metrics["interval_unit"] == "group" and metrics["interval_units"] < FEW_GROUPS:
        lines.append(f"  ({few_groups_note(metrics['interval_units'])})")
    return ["", *lines] if lines else []


def few_groups_note(number: int) -> str:
    """What to think of intervals that rest on few groups."""
    return f"only {_counted(number, 'group')}: the intervals are rough, and too narrow rather than too wide"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
