"""The leaderboard: what was compared, best first, with intervals, differences to the best and costs."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from audiocls.comparison.cross_validation import SCORES, CrossValidated
from audiocls.comparison.resampling import Bootstrap, Interval, difference_interval
from audiocls.data.listing import shown
from audiocls.evaluation.significance import SIGNIFICANT, holm
from audiocls.text_layout import pad, shorten, text_width
from audiocls.whole_files import write_text

HEADLINE = "balanced_accuracy"  # every class counts the same, however many clips it has
LEADERBOARD_CSV = "leaderboard.csv"
LEADERBOARD_PNG = "leaderboard.png"
NAME_WIDTH = 48
MEGABYTE = 1e6


@dataclass
class Row:
    """One model of the leaderboard; what has no scores has a `note` that says why.

    scores, intervals: accuracy, balanced_accuracy and macro_f1, means over the folds, with 95% intervals.
    difference: of the headline score to the best row's, None for the best itself; with its 95% interval.
    p_value: of that difference, by a paired permutation test; p_holm: corrected for the number of rows compared.
    seconds: of the longest training among the folds. num_bytes: of the weights. latency_ms: for one clip alone.
    """

    model: str
    scores: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, Interval] = field(default_factory=dict)
    difference: float | None = None
    difference_interval: Interval | None = None
    p_value: float | None = None
    p_holm: float | None = None
    seconds: float | None = None
    num_bytes: int | None = None
    latency_ms: float | None = None
    note: str = ""

    @property
    def clearly_worse(self) -> bool:
        """Whether the best row is better beyond chance."""
        return self.p_holm is not None and self.p_holm < SIGNIFICANT

    def record(self) -> dict[str, Any]:
        """Plain values by column name, None where there is none."""
        record: dict[str, Any] = {"model": self.model}
        for name in (HEADLINE, *(name for name in SCORES if name != HEADLINE)):
            record[name] = self.scores.get(name)
            record[f"{name}_low"], record[f"{name}_high"] = self.intervals.get(name, (None, None))
        record["difference_to_best"] = self.difference
        low_high = self.difference_interval or (None, None)
        record["difference_low"], record["difference_high"] = low_high
        record |= {"p_value": self.p_value, "p_holm": self.p_holm}
        record |= {"training_seconds": self.seconds, "latency_ms": self.latency_ms}
        record["size_mb"] = None if self.num_bytes is None else self.num_bytes / MEGABYTE
        return {name: round(v, 4) if isinstance(v, float) else v for name, v in record.items()} | {"note": self.note}


def ranked(
    found: dict[str, CrossValidated | str], bootstrap: Bootstrap, notes: dict[str, str] | None = None
) -> list[Row]:
    """Rows, best first; then those without scores, in the given order.

    Args:
        found: by name, all over the clips and folds of `bootstrap`; or why there is nothing.
        notes: to add to a row, by name.
    """
    notes = notes or {}
    scored = {name: each for name, each in found.items() if not isinstance(each, str)}
    points = {name: bootstrap.point(each.scores) for name, each in scored.items()}
    order = sorted(
        scored, key=lambda name: (-points[name][HEADLINE], -points[name]["accuracy"], scored[name].num_bytes)
    )
    rows: list[Row] = []
    best_draws: np.ndarray | None = None
    for name in order:
        draws = bootstrap.draws(scored[name].scores)
        row = Row(
            name,
            points[name],
            {score: bootstrap.interval(draws[score]) for score in SCORES},
            seconds=max(scored[name].seconds, default=None),
            num_bytes=scored[name].num_bytes,
            latency_ms=scored[name].latency_ms,
            note=notes.get(name, ""),
        )
        if best_draws is None:
            best_draws = draws[HEADLINE]
        else:
            row.difference = row.scores[HEADLINE] - rows[0].scores[HEADLINE]
            row.difference_interval = difference_interval(draws[HEADLINE] - best_draws)
            row.p_value = bootstrap.p_value(scored[order[0]].scores, scored[name].scores, HEADLINE)
        rows.append(row)
    for row, p_holm in zip(rows[1:], holm([row.p_value for row in rows[1:] if row.p_value is not None]), strict=True):
        row.p_holm = p_holm
    return rows + [Row(name, note=each) for name, each in found.items() if isinstance(each, str)]


def leaderboard_text(rows: Sequence[Row]) -> str:
    """The rows as a table for the terminal, and in a sentence what cannot be told from the best."""
    header = [
        "",
        "balanced accuracy",
        "difference to the best",
        "p",
        "training",
        "size",
        "latency",
    ]
    cells = [header]
    for row in rows:
        name = shorten(shown(row.model), NAME_WIDTH)
        if not row.scores:
            cells.append([name, shown(row.note)])
            continue
        low, high = row.intervals[HEADLINE]
        difference = "" if row.note == "" else row.note
        if row.difference is not None and row.difference_interval is not None:
            difference = (
                f"{row.difference:+.3f} ({row.difference_interval[0]:+.3f} to {row.difference_interval[1]:+.3f})"
            )
        cells.append(
            [
                name,
                f"{row.scores[HEADLINE]:.3f} ({low:.3f} to {high:.3f})",
                difference,
                p_text(row.p_holm),
                seconds_text(row.seconds),
                size_text(row.num_bytes),
                latency_text(row.latency_ms),
            ]
        )
    widths = [max(text_width(line[k]) for line in cells if len(line) == len(header)) for k in range(len(header))]
    widths[0] = max(text_width(line[0]) for line in cells)
    lines = []
    for line in cells:
        left = [pad(cell, width) for cell, width in zip(line[:3], widths[:3], strict=False)]
        right = [" " * (width - text_width(cell)) + cell for cell, width in zip(line[3:], widths[3:], strict=False)]
        lines.append("  ".join([*left, *right]).rstrip())
    return "\n".join(lines + _told_apart(rows))


def _told_apart(rows: Sequence[Row]) -> list[str]:
    """Which rows cannot be told from the best, in a sentence; nothing where there is nothing to compare."""
    others = [row for row in rows if row.p_holm is not None]
    if not others:
        return []
    best = shorten(shown(rows[0].model), NAME_WIDTH)
    alike = [shorten(shown(row.model), NAME_WIDTH) for row in others if not row.clearly_worse]
    told = f"cannot be told from {best} on these clips: {', '.join(alike)}" if alike else f"{best} is clearly the best"
    return ["", f"{told}  (p: paired test on the same clips, corrected for {len(others)}; below 0.05 is worse)"]


def p_text(p_value: float | None) -> str:
    """A p-value with the digits that matter."""
    if p_value is None:
        return ""
    return "<0.001" if p_value < 0.001 else f"{p_value:.3f}"


def seconds_text(seconds: float | None) -> str:
    """A duration as people say it."""
    if seconds is None:
        return ""
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def size_text(num_bytes: int | None) -> str:
    """Bytes in MB."""
    if num_bytes is None:
        return ""
    return f"{num_bytes / MEGABYTE:.1f} MB" if num_bytes < 9.95 * MEGABYTE else f"{num_bytes / MEGABYTE:.0f} MB"


def latency_text(latency_ms: float | None) -> str:
    """Milliseconds, with a decimal when there are few."""
    if latency_ms is None:
        return ""
    return f"{latency_ms:.1f} ms" if latency_ms < 9.95 else f"{latency_ms:.0f} ms"


def leaderboard_csv(rows: Sequence[Row]) -> str:
    """A row a model; columns as `Row.record` names them."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(Row("").record()), lineterminator="\n")
    writer.writeheader()
    writer.writerows(row.record() for row in rows)
    return text.getvalue()


def write_leaderboard(rows: Sequence[Row], folder: str | Path, title: str) -> None:
    """Write leaderboard.csv and leaderboard.png.

    Raises:
        OutputError: they cannot be written.
    """
    from audiocls.comparison.picture import leaderboard_figure
    from audiocls.evaluation.plots import save_png

    write_text(Path(folder) / LEADERBOARD_CSV, leaderboard_csv(rows))
    save_png(leaderboard_figure(rows, title), Path(folder) / LEADERBOARD_PNG)
