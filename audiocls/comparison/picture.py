"""The leaderboard as a picture: a dot and its interval for each model, what it costs beside it."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from audiocls.comparison.leaderboard import HEADLINE, Row, latency_text, p_text, seconds_text, size_text
from audiocls.evaluation.drawable_text import drawable
from audiocls.evaluation.plot_style import STYLE, empty_figure, plain

# The parts of the picture in inches, from the left: names, dots, columns of costs.
LETTER, MARGIN = 0.071, 0.12
DOTS, COSTS = 2.5, (0.55, 0.6, 0.65, 0.7, 0.65)
ROW, HEAD, FOOT = 0.3, 0.6, 0.78
NAME_WIDTH = 44
NOTE_WIDTH = 76
BLANK = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}  # behind words that cross the grid


def leaderboard_figure(rows: Sequence[Row], title: str) -> Figure:
    """Best on top; models that the best one beats beyond chance are grey, those without scores say why.

    Args:
        rows: as `ranked` gives them.
    """
    names = [drawable(row.model, NAME_WIDTH) for row in rows]
    left = MARGIN + max(LETTER * max(map(len, names), default=0), 0.5) + 0.1
    width = left + DOTS + sum(COSTS) + MARGIN
    panel = ROW * max(len(rows), 2)
    height = HEAD + panel + FOOT
    figure = empty_figure(width, height, automatic_layout=False)
    axes = figure.add_axes((left / width, FOOT / height, DOTS / width, panel / height))
    axes.set_xlim(*_limits(rows))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    ink, faint, size = STYLE["ink"], STYLE["faint"], STYLE["text_size"]
    beside = axes.get_yaxis_transform()  # x in widths of the panel, y in rows
    ends = [1 + sum(COSTS[: column + 1]) / DOTS for column in range(len(COSTS))]
    heads = ("score", "p", "training", "size", "one clip")
    for end, head in zip(ends, heads, strict=True):
        axes.text(end, -0.95, head, transform=beside, va="center", ha="right", fontsize=size - 1, color=faint)
    for place, row in enumerate(rows):
        if not row.scores:
            note = drawable(row.note, NOTE_WIDTH)
            axes.text(
                0.02, place, note, transform=beside, va="center", fontsize=size - 1.5, color=faint, style="italic"
            )
            continue
        colour = faint if row.clearly_worse else STYLE["train"]
        score, interval = row.scores[HEADLINE], row.intervals[HEADLINE]
        axes.plot(interval, [place, place], color=colour, linewidth=2.4, solid_capstyle="round", zorder=2)
        axes.plot([score], [place], "o", color=colour, markersize=7, markeredgecolor="white", zorder=3)
        costs = [f"{score:.3f}", p_text(row.p_holm), seconds_text(row.seconds)]
        costs += [size_text(row.num_bytes), latency_text(row.latency_ms)]
        for end, text in zip(ends, costs, strict=True):
            style = {"fontweight": "bold", "color": colour} if end == ends[0] else {"color": ink}
            axes.text(end, place, text, transform=beside, va="center", ha="right", fontsize=size - 0.5, **style)
    axes.set_yticks(range(len(rows)), names, parse_math=False)
    plain(axes)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    for tick, row in zip(axes.get_yticklabels(), rows, strict=True):
        tick.set_color(ink if row.scores else faint)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    heading: dict[str, Any] = {"fontsize": STYLE["title_size"], "color": ink, "va": "top", "parse_math": False}
    figure.text(MARGIN / width, 1 - 0.1 / height, drawable(title, 70), **heading)
    axes.set_xlabel("balanced accuracy: mean over folds, 95% interval", color=faint, fontsize=size - 1)
    if any(row.clearly_worse for row in rows):
        handles = [
            Line2D([], [], color=STYLE[name], marker="o", linewidth=2.4, label=label, markeredgecolor="white")
            for name, label in (("train", "best, or too close to tell"), ("faint", "worse than the best (p < 0.05)"))
        ]
        figure.legend(
            handles=handles, loc="lower center", ncols=2, fontsize=size - 1, frameon=False, labelcolor=ink,
            bbox_to_anchor=((left + DOTS / 2) / width, 0.0),
        )  # fmt: skip
    return figure


def _limits(rows: Sequence[Row]) -> tuple[float, float]:
    """The scores to show: all intervals with a little room, never beyond what a score can be by more than a dot."""
    intervals = [row.intervals[HEADLINE] for row in rows if row.scores]
    low, high = min((low for low, _ in intervals), default=0.0), max((high for _, high in intervals), default=1.0)
    room = 0.06 * max(high - low, 0.1)
    return max(low - room, -0.02), min(high + room, 1.02)
