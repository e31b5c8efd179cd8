"""Pictures of a run: confusion matrix and training curves.

Figures are made with matplotlib's object interface on the Agg canvas: no global state, no window, any thread. They
are 4.2 inches wide or little more, so that their text can still be read on a phone.
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator

from audiocls.evaluation.drawable_text import MISSING, drawable
from audiocls.evaluation.plot_style import STYLE, WIDTH_INCHES, empty_figure, one_panel, plain, title_left
from audiocls.evaluation.share_colours import STOPS
from audiocls.whole_files import whole_file

SHARES = LinearSegmentedColormap.from_list("shares", list(STOPS))
SMALLEST_CELL_ANNOTATED = 0.145  # inches
MOST_LABEL_NAMES = 120  # beyond, every second (third, ...) class is named
SMALLEST_TEXT_SIZE = 5.0
NAME_WIDTH = 22
UNORDERED = "candidate"  # an axis on which neighbours have nothing to do with each other


def confusion_matrix_figure(counts: np.ndarray, labels: Sequence[str], title: str = "") -> Figure:
    """True classes against given ones; the colour is the share of the row, the number a count of clips.

    Args:
        counts: int `(labels, labels)`, rows true; or `(labels, 2, 2)` for several labels a clip, as
            `metrics.ConfusionMatrix` gives them, drawn as one row a label.
    """
    counts = np.asarray(counts)
    names = [_class_name(label, number) for number, label in enumerate(labels, 1)]
    if counts.ndim == 3:
        columns = ["found", "missed", "false alarm", "rightly absent"]
        cells = np.stack([counts[:, 1, 1], counts[:, 1, 0], counts[:, 0, 1], counts[:, 0, 0]], axis=1)
        # Shares among the clips that have the label, and among those that do not.
        totals = np.repeat(np.stack([cells[:, :2].sum(1), cells[:, 2:].sum(1)], axis=1), 2, axis=1)
        axis_titles = ("", "")
    else:
        columns, cells = names, counts
        totals = np.repeat(counts.sum(1, keepdims=True), counts.shape[1], axis=1)
        axis_titles = ("given class", "true class")
    shares = np.divide(cells, totals, out=np.zeros(cells.shape), where=totals > 0)
    return _draw_matrix(cells, shares, names, columns, axis_titles, title)


def _class_name(label: str, number: int) -> str:
    """The name as far as the font can draw it, else its number among the classes."""
    name = drawable(label, NAME_WIDTH)
    return name if name.replace(MISSING, "").strip() else f"class {number}"


def _draw_matrix(
    cells: np.ndarray,
    shares: np.ndarray,
    row_names: Sequence[str],
    column_names: Sequence[str],
    axis_titles: tuple[str, str],
    title: str,
) -> Figure:
    num_rows, num_columns = cells.shape
    cell_width = _cell_inches(num_columns)
    cell_height = cell_width if num_rows == num_columns else min(cell_width, _cell_inches(num_rows))
    text_size = float(np.clip(cell_height * 72 * 0.62, SMALLEST_TEXT_SIZE, STYLE["text_size"]))
    letter = text_size * 0.6 / 72  # inches, about
    beside = letter * max(map(len, row_names)) + 0.7
    below = letter * max(map(len, column_names)) * (1 if num_columns > 12 else 0.75) + 0.8
    figure, axes = one_panel(max(WIDTH_INCHES, cell_width * num_columns + beside), cell_height * num_rows + below)
    axes.imshow(shares, cmap=SHARES, vmin=0, vmax=1, aspect=cell_height / cell_width)
    _name_ticks(axes.yaxis, row_names, text_size)
    _name_ticks(axes.xaxis, column_names, text_size)
    for tick_label in axes.get_xticklabels():
        tick_label.set(rotation=90 if num_columns > 12 else 45, ha="center" if num_columns > 12 else "right")
        tick_label.set_rotation_mode("default" if num_columns > 12 else "anchor")
    for edges, axis in ((num_columns, axes.xaxis), (num_rows, axes.yaxis)):
        axis.set_minor_locator(FixedLocator([edge - 0.5 for edge in range(edges + 1)]))
    axes.grid(which="minor", color=STYLE["grid"], linewidth=0.8 if max(cells.shape) <= 40 else 0.4)
    axes.tick_params(which="both", length=0)
    if min(cell_width, cell_height) >= SMALLEST_CELL_ANNOTATED:
        for (row, column), number in np.ndenumerate(cells):
            if number:
                colour = "white" if shares[row, column] > 0.55 else STYLE["ink"]
                size = min(text_size, cell_width * 72 * 0.9 / (0.62 * len(str(number))))
                axes.text(column, row, str(number), ha="center", va="center", color=colour, fontsize=size)
    axes.set_xlabel(axis_titles[0], color=STYLE["faint"], fontsize=STYLE["text_size"])
    axes.set_ylabel(axis_titles[1], color=STYLE["faint"], fontsize=STYLE["text_size"])
    title_left(axes, title)
    return figure


def _cell_inches(cells: int) -> float:
    """Side of a cell: the picture has a phone's width as long as that can be read, and never grows without limit."""
    return float(np.clip(3.2 / cells, min(0.15, 15 / cells), 0.62))


def _name_ticks(axis: Any, names: Sequence[str], text_size: float) -> None:
    step = -(-len(names) // MOST_LABEL_NAMES)
    axis.set_ticks(np.arange(len(names))[::step], list(names)[::step], fontsize=text_size, parse_math=False)


def training_curves_figure(rows: Sequence[Mapping[str, Any]], best: int | None = None, axis: str = "epoch") -> Figure:
    """Loss and scores over the epochs (trees, rounds, candidates), training and validation, the kept one marked.

    Args:
        rows: one dict a value of `axis`, as results.csv has them (see `history`).
        best: the value of `axis` that was kept.
        axis: the column with whole numbers to draw over.
    """
    figure = empty_figure(WIDTH_INCHES, 4.6)
    panels = figure.subplots(2, 1, sharex=True)
    _curves(panels[0], rows, [("loss", "-", "o")], axis, best)
    _curves(panels[1], rows, [("f1", "-", "o"), ("accuracy", ":", "x")], axis, best)
    panels[0].set_ylim(0, panels[0].get_ylim()[1] * 1.05)
    panels[1].set_ylim(0, 1.03)
    single = len(rows) == 1 or axis == UNORDERED
    line = {"color": STYLE["ink"], "linewidth": STYLE["line_width"], "label": "macro F1"}
    handles = [Line2D([], [], marker="o" if single else None, linestyle="" if single else "-", **line)]
    line["label"] = "accuracy"
    handles.append(Line2D([], [], marker="x" if single else None, linestyle="" if single else ":", **line))
    legend_style = {"fontsize": STYLE["text_size"], "edgecolor": "none", "framealpha": 0.9, "labelcolor": STYLE["ink"]}
    panels[0].legend(loc="best", **legend_style)
    panels[1].legend(handles=handles, loc="lower right", **legend_style)
    for axes, title in zip(panels, ("loss", "score"), strict=True):
        plain(axes)
        title_left(axes, title)
    panels[1].set_xlabel(axis, color=STYLE["faint"], fontsize=STYLE["text_size"])
    panels[1].xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))
    steps = [float(row[axis]) for row in rows]
    panels[1].set_xlim(min(steps) - 0.5, max(steps) + 0.5)
    return figure


def _curves(
    axes: Axes, rows: Sequence[Mapping[str, Any]], kinds: list[tuple[str, str, str]], axis: str, best: int | None
) -> None:
    """One line a part and kind; `kinds` are (score, line style, marker where a line would mean nothing)."""
    steps = [row[axis] for row in rows]
    for score, line, marker in kinds:
        for part, name in (("train", "training"), ("validation", "validation")):
            values = [np.nan if row.get(f"{part}_{score}") is None else row[f"{part}_{score}"] for row in rows]
            if not np.isnan(values).all():
                dots = len(rows) == 1 or axis == UNORDERED
                style = {"color": STYLE[part], "linestyle": "" if dots else line, "linewidth": STYLE["line_width"]}
                axes.plot(steps, values, marker=marker if dots else None, markersize=5, label=name, **style)
    if best is not None:
        axes.axvline(best, color=STYLE["faint"], linestyle="--", linewidth=1, label=f"kept: {axis} {best}")


def save_png(figure: Figure, path: str | Path) -> None:
    """Write the figure as a PNG file.

    Raises:
        OutputError: it cannot be written.
    """
    with whole_file(path) as beside:
        beside.write_bytes(png_bytes(figure))


def png_bytes(figure: Figure) -> bytes:
    """The figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", pil_kwargs={"compress_level": 4})
    return buffer.getvalue()
