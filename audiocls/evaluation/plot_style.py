"""The one look of all pictures: colours, sizes and the bare axes they are drawn on."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from audiocls.evaluation.drawable_text import drawable

# One look for all pictures. The two colours are told apart by every kind of colour vision (Okabe and Ito, 2008).
STYLE: dict[str, Any] = {
    "ink": "#1f2933",
    "faint": "#7b8794",
    "grid": "#e4e7eb",
    "train": "#0072b2",
    "validation": "#d55e00",
    "waveform": "#0072b2",
    "text_size": 9,
    "title_size": 10.5,
    "line_width": 1.6,
    "dpi": 190,
}
WIDTH_INCHES = 4.2
PADDING_INCHES = 0.08


def empty_figure(width: float, height: float, automatic_layout: bool = True) -> Figure:
    """A white figure on the Agg canvas, in inches. Automatic layout draws everything twice."""
    layout = ConstrainedLayoutEngine(w_pad=PADDING_INCHES, h_pad=PADDING_INCHES) if automatic_layout else None
    figure = Figure(figsize=(width, height), dpi=STYLE["dpi"], layout=layout, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def one_panel(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure with one framed panel, laid out automatically."""
    figure = empty_figure(width, height)
    axes = figure.subplots()
    for spine in axes.spines.values():
        spine.set_color(STYLE["grid"])
    axes.tick_params(labelcolor=STYLE["ink"])
    return figure, axes


def plain(axes: Axes, grid: bool = True) -> None:
    """Left and bottom lines only, small text, a faint grid behind."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(STYLE["faint"])
    axes.tick_params(labelsize=STYLE["text_size"], labelcolor=STYLE["ink"], color=STYLE["faint"], length=3)
    if grid:
        axes.grid(color=STYLE["grid"], linewidth=0.8)
        axes.set_axisbelow(True)


def title_left(axes: Axes, title: str) -> None:
    """A title above the left corner, drawn as it is written (no mathematics between dollar signs)."""
    text = drawable(title, 70)
    axes.set_title(text, loc="left", color=STYLE["ink"], fontsize=STYLE["title_size"], parse_math=False)
