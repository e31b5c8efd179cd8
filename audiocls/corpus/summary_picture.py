"""The picture of a corpus: how many events of each class, and at which hours of the day they are heard."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from audiocls.corpus.progress import clock
from audiocls.corpus.summary import HOURS, Corpus
from audiocls.evaluation.drawable_text import drawable
from audiocls.evaluation.plot_style import STYLE, empty_figure, plain, title_left
from audiocls.evaluation.plots import save_png

MOST_CLASSES = 40  # those with the most events
ROW_INCHES = 0.26
AROUND_INCHES = 1.05  # titles and axes
COUNTS_WIDTH, HOURS_WIDTH = 4.4, 5.2
LEAST_SECONDS = 60.0  # of sound in an hour of the day; a rate from less says nothing
RATES = LinearSegmentedColormap.from_list("rates", ["#f3f7fa", "#9cc6e0", "#3d8ec4", "#0a3a6b"])
UNHEARD = "#d9d4cc"


def write_summary_picture(corpus: Corpus, path: str | Path) -> None:
    """Draw the picture as a PNG file.

    Raises:
        OutputError: it cannot be written.
    """
    save_png(summary_figure(corpus), path)


def summary_figure(corpus: Corpus) -> Figure:
    """Events by class; beside them, if times are known, events an hour of recording by the hour of the day."""
    labels = sorted(corpus.labels, key=lambda label: -corpus.events[label])[:MOST_CLASSES]
    height = AROUND_INCHES + ROW_INCHES * max(len(labels), 4)
    if not corpus.timed:
        figure = empty_figure(COUNTS_WIDTH, height)
        _counts(figure.subplots(), corpus, labels)
        return figure
    figure = empty_figure(COUNTS_WIDTH + HOURS_WIDTH, height)
    left, right = figure.subplots(1, 2, width_ratios=(COUNTS_WIDTH, HOURS_WIDTH))
    _counts(left, corpus, labels)
    _hours(figure, right, corpus, labels)
    return figure


def _counts(axes: Axes, corpus: Corpus, labels: list[str]) -> None:
    counts = [corpus.events[label] for label in labels]
    axes.barh(range(len(labels)), counts, color=STYLE["train"], height=0.66)
    _rows(axes, labels)
    axes.set_xlim(0, max([*counts, 1]) * 1.3)
    for row, label in enumerate(labels):
        if counts[row]:
            text = f" {counts[row]:,} · {clock(corpus.event_seconds[label])}"
            axes.text(counts[row], row, text, va="center", color=STYLE["faint"], fontsize=STYLE["text_size"] - 1)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_xlabel("events (beside the bars also their minutes)", color=STYLE["faint"], fontsize=STYLE["text_size"])
    plain(axes)
    axes.grid(visible=False, axis="y")
    read = corpus.recordings - len(corpus.failed)
    title_left(axes, f"{read:,} recordings, {clock(corpus.seconds)} of sound")


def _hours(figure: Figure, axes: Axes, corpus: Corpus, labels: list[str]) -> None:
    recorded = np.array(corpus.hour_seconds)
    counts = np.array([corpus.hours.get(label, [0] * HOURS) for label in labels], float)
    heard = recorded >= min(LEAST_SECONDS, recorded.max())
    rates = np.where(heard, counts / np.where(recorded > 0, recorded, 1) * 3600, np.nan)
    axes.set_facecolor(UNHEARD)
    top = np.nanmax(rates) if np.isfinite(rates).any() else 0
    # A square root, so that rare classes are seen beside common ones.
    image = axes.imshow(
        np.sqrt(rates), aspect="auto", cmap=RATES, vmin=0, vmax=np.sqrt(top) or 1, interpolation="nearest"
    )
    _rows(axes, labels)
    axes.set_xticks(np.arange(0, HOURS + 1, 3) - 0.5, [f"{hour}" for hour in range(0, HOURS + 1, 3)])
    axes.set_xlim(-0.5, HOURS - 0.5)
    axes.set_xlabel(
        "hour of the day (grey: less than a minute recorded)", color=STYLE["faint"], fontsize=STYLE["text_size"]
    )
    plain(axes, grid=False)
    bar = figure.colorbar(image, ax=axes, fraction=0.04, pad=0.02)
    ticks = np.linspace(0, np.sqrt(top) or 1, 4)
    bar.set_ticks(list(ticks), labels=[f"{tick**2:.3g}" for tick in ticks])
    bar.ax.tick_params(labelsize=STYLE["text_size"] - 1, labelcolor=STYLE["faint"], length=2)
    bar.outline.set_visible(False)  # type: ignore[operator]
    of_all = f" ({corpus.timed:,} recordings with a time)" if corpus.timed < corpus.recordings else ""
    title_left(axes, f"Events an hour of recording{of_all}")


def _rows(axes: Axes, labels: list[str]) -> None:
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_yticks(range(len(labels)), [drawable(label, 20) for label in labels], parse_math=False)
