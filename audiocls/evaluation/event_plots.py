"""Pictures of how well events were found: precision against recall, and counts found against true ones."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from audiocls.evaluation.drawable_text import drawable
from audiocls.evaluation.plot_style import STYLE, WIDTH_INCHES, empty_figure, plain, title_left

PRECISION_RECALL_PNG = "precision_recall.png"
COUNTS_PNG = "counts.png"
HEIGHT_INCHES = 4.2
LEGEND_COLUMNS = 3
# Told apart by every kind of colour vision (Okabe and Ito, 2008); then again, dashed.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7b8794")
MOST_NAMED = 21
NAME_WIDTH = 16


def precision_recall_figure(
    curves: Mapping[str, Mapping[str, Sequence[float]]],
    average_precision: Mapping[str, float | None],
    reached: Mapping[str, Any],
    segment_seconds: float,
) -> Figure:
    """Precision against recall of each class over segments; a dot where the thresholds that were used lie.

    Args:
        curves, average_precision: as `event_curves.segment_curves` gives them.
        reached: the segment-based scores of each class.
    """
    figure = empty_figure(WIDTH_INCHES, HEIGHT_INCHES)
    axes = figure.subplots()
    order = list(average_precision)
    for number, label in enumerate(sorted(curves, key=lambda label: -(average_precision[label] or 0))):
        colour, dash = _look(order.index(label))
        curve, scores = curves[label], reached[label]
        name = f"{drawable(label, NAME_WIDTH)} {average_precision[label]:.2f}" if number < MOST_NAMED else None
        axes.plot(
            [*curve["recall"], 0.0],
            [*curve["precision"], curve["precision"][-1]],
            color=colour,
            linestyle=dash,
            linewidth=STYLE["line_width"],
            label=name,
            alpha=0.85,
        )
        axes.plot(scores["recall"], scores["precision"] or 0.0, "o", color=colour, markersize=5, clip_on=False)
    plain(axes)
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    _name(axes, f"recall of {segment_seconds:g} s segments", "precision")
    if curves:
        _legend(figure, "average precision")
    title_left(axes, "dots: at the thresholds used")
    return figure


def counts_figure(rows: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> Figure:
    """Events found against those that are there: a dot for each recording and class, on the line if they agree.

    Args:
        rows: "per_recording" of the counts that `event_scores.score_events` gives.
    """
    figure = empty_figure(WIDTH_INCHES, HEIGHT_INCHES)
    axes = figure.subplots()
    most = 1
    shown = [label for label in labels if any(_pair(row, label) != (0, 0) for row in rows)]
    for number, label in enumerate(shown):
        pairs = np.array([_pair(row, label) for row in rows], float)
        # Dots of classes with equal counts would hide each other.
        shift = (number - (len(shown) - 1) / 2) * 0.5 / max(len(shown), 1)
        colour, dash = _look(labels.index(label))
        axes.plot(
            pairs[:, 0] + shift,
            pairs[:, 1],
            "o" if dash == "-" else "s",
            color=colour,
            markersize=5,
            alpha=0.75,
            label=drawable(label, NAME_WIDTH) if number < MOST_NAMED else None,
        )
        most = max(most, int(pairs.max()))
    axes.plot([0, most], [0, most], color=STYLE["faint"], linewidth=1, linestyle=(0, (3, 2)), zorder=1)
    plain(axes)
    axes.set_xlim(-0.6, most + 0.6)
    axes.set_ylim(-0.6, most + 0.6)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True, nbins=7))
    _name(axes, "events in the recording", "events found")
    if shown:
        _legend(figure)
    title_left(axes, "counts of each recording and class")
    return figure


def _pair(row: Mapping[str, Any], label: str) -> tuple[int, int]:
    counts = row["per_class"][label]
    return counts["true"], counts["found"]


def _look(number: int) -> tuple[str, Any]:
    return COLOURS[number % len(COLOURS)], "-" if number < len(COLOURS) else (0, (3, 2))


def _name(axes: Axes, below: str, left: str) -> None:
    axes.set_xlabel(below, color=STYLE["faint"], fontsize=STYLE["text_size"])
    axes.set_ylabel(left, color=STYLE["faint"], fontsize=STYLE["text_size"])


def _legend(figure: Figure, title: str | None = None) -> None:
    """The names of the classes below everything."""
    legend = figure.legend(
        loc="outside lower left",
        ncols=LEGEND_COLUMNS,
        title=title,
        fontsize=STYLE["text_size"] - 1,
        title_fontsize=STYLE["text_size"] - 1,
        edgecolor="none",
        labelcolor=STYLE["ink"],
        alignment="left",
        handlelength=1.2,
        columnspacing=1.0,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
