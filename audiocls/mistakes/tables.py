"""Mistakes and doubtful labels as tables for spreadsheets."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from audiocls.data.clips import Clips
from audiocls.mistakes.mistakes import Mistake
from audiocls.mistakes.suspects import Suspect

ERRORS_CSV = "errors.csv"
MISLABELLED_CSV = "mislabelled.csv"


def errors_csv(mistakes: Sequence[Mistake], clips: Clips) -> str:
    """A row a mistake, the most confident first; several labels are joined as in predictions.csv."""
    return _table(
        ("rank", "file", "group", "true_label", "predicted_label", "confidence", "false_alarms", "missed", "seconds"),
        (
            (
                rank,
                each.file,
                clips.groups[each.index] or "",
                joined(each.true),
                joined(each.given),
                f"{each.confidence:.6f}",
                joined(each.false_alarms),
                joined(each.missed),
                f"{clips.lengths[each.index] / clips.sampling_rate:.3f}",
            )
            for rank, each in enumerate(mistakes, 1)
        ),
    )


def mislabelled_csv(suspects: Sequence[Suspect]) -> str:
    """A row a clip whose label models doubt, the worst first."""
    return _table(
        ("rank", "file", "label", "suggested_label", "label_quality", "likely_wrong", "reason"),
        (
            (
                each.rank,
                each.file,
                joined(each.given),
                joined(each.suggested),
                f"{each.quality:.6f}",
                str(each.likely).lower(),
                each.reason,
            )
            for each in suspects
        ),
    )


def joined(labels: Sequence[str]) -> str:
    """Several labels with "|" between them; a "|" or backslash within a name has a backslash before it."""
    return labels[0] if len(labels) == 1 else "|".join(re.sub(r"([|\\])", r"\\\1", label) for label in labels)


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
