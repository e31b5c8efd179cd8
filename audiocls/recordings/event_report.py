"""Scores of events for people: a text table for the terminal, and the rows of event_scores.csv."""

from collections.abc import Mapping, Sequence
from typing import Any

from audiocls.data.listing import shown
from audiocls.recordings.label_writing import csv_line
from audiocls.text_layout import pad, shorten, text_width

NAME_WIDTH = 24
MOST_RECORDINGS = 10
LEVELS = ("events", "events_with_ends", "segments")
COLUMNS = ("scores", "class", "precision", "recall", "f1", "f1_low", "f1_high", "true", "found", "hits")


def event_text(metrics: Mapping[str, Any]) -> str:
    """The scores in lines of at most about 110 columns."""
    collar, segment = metrics["events"]["collar_seconds"], metrics["segments"]["segment_seconds"]
    files = "1 recording" if metrics["recordings"] == 1 else f"{metrics['recordings']} recordings"
    lines = [
        f"Events in {files}, {_hours(metrics['hours'])} ({metrics['intervals']})",
        _line(f"F1, starts within {collar:g} s", metrics["events"]["overall"]),
        _line("  and ends, too", metrics["events_with_ends"]["overall"]),
        _line(f"F1 of {segment:g} s segments", metrics["segments"]["overall"])
        + f", error rate {_number(metrics['segments']['overall']['error_rate'])}",
    ]
    area = metrics.get("average_precision")
    if area:
        lines.append(
            f"  {'average precision':<26} {_number(area['macro'])}  of {segment:g} s segments, mean of classes"
        )
    counts = metrics["counts"]
    lines.append(
        f"  {'counts off by':<26} {_percent(counts['mean_relative_error'])} in the mean recording, "
        f"{counts['mean_absolute_error']:.1f} events"
    )
    lines.append(f"  {'false alarms an hour':<26} {_number(metrics['false_alarms_per_hour']['overall'], 1)}")
    return "\n".join([*lines, "", *_classes(metrics), "", *_recordings(counts["per_recording"])])


def score_rows(metrics: Mapping[str, Any]) -> str:
    """event_scores.csv: a row for all classes, their mean and each, of each kind of score."""
    lines = [csv_line(COLUMNS)]
    for level in LEVELS:
        held = metrics[level]
        rows = {"all": held["overall"], "mean of classes": held["macro"]}
        for name, row in [*rows.items(), *held["per_class"].items()]:
            told = {**row, "f1_low": None, "f1_high": None}
            if row["f1_interval"]:
                told["f1_low"], told["f1_high"] = row["f1_interval"]
            cells = [told.get(column) for column in COLUMNS[2:]]
            lines.append(csv_line([level, name, *(_cell(value) for value in cells)]))
    return "".join(lines)


def _line(title: str, row: Mapping[str, Any]) -> str:
    interval = row["f1_interval"]
    told = f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
    return (
        f"  {title:<26} {_number(row['f1'])}{told}  precision {_number(row['precision'])}, recall "
        f"{_number(row['recall'])}"
    )


def _classes(metrics: Mapping[str, Any]) -> list[str]:
    cells = [["class", "precision", "recall", "F1", "1 s F1", "avg. prec.", "true", "found", "false/h", "threshold"]]
    cells[0][4] = f"F1 {metrics['segments']['segment_seconds']:g} s"
    for label in metrics["labels"]:
        row, segment = metrics["events"]["per_class"][label], metrics["segments"]["per_class"][label]
        area = metrics["average_precision"]["per_class"].get(label) if metrics.get("average_precision") else None
        cells.append(
            [
                shorten(shown(label), NAME_WIDTH),
                *(_number(row[name]) for name in ("precision", "recall", "f1")),
                _number(segment["f1"]),
                _number(area),
                str(row["true"]),
                str(row["found"]),
                _number(metrics["false_alarms_per_hour"]["per_class"][label], 1),
                _number(metrics.get("thresholds", {}).get(label), 2),
            ]
        )
    return _table(cells)


def _recordings(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    cells = [["recording", "seconds", "true", "found", "error"]]
    cells += [
        [
            shorten(shown(row["recording"]), NAME_WIDTH * 2),
            f"{row['seconds']:.1f}",
            str(row["true"]),
            str(row["found"]),
            f"{row['error']:+d}",
        ]
        for row in rows[:MOST_RECORDINGS]
    ]
    more = len(rows) - MOST_RECORDINGS
    return _table(cells) + ([f"  and {more} more recordings"] if more > 0 else [])


def _table(cells: Sequence[Sequence[str]]) -> list[str]:
    """Names to the left, numbers to the right."""
    widths = [max(text_width(line[column]) for line in cells) for column in range(len(cells[0]))]
    return [
        "  "
        + "  ".join([pad(line[0], widths[0]), *(text.rjust(w) for text, w in zip(line[1:], widths[1:], strict=True))])
        for line in cells
    ]


def _number(value: float | None, decimals: int = 3) -> str:
    return "-" if value is None else f"{value:.{decimals}f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _hours(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1 else f"{hours * 60:.1f} min"


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return f"{value:.6f}" if isinstance(value, float) else value
