"""The pictures of an audit, as SVG that takes the colours of the page around it."""

import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from audiocls.evaluation.drawable_text import drawable
from audiocls.evaluation.plot_style import STYLE, WIDTH_INCHES, empty_figure, plain, title_left
from audiocls.inspection.summary import NO_CLASS

MOST_CLASSES = 60  # in one picture: those with the most clips
ROW_INCHES = 0.24
NAME_WIDTH = 22
# Colours of the house style, and the variables of the page that take their places.
_VARIABLES = {"ink": "--ink", "faint": "--faint", "grid": "--line", "train": "--mark", "validation": "--strong"}
MOST_TICKS = 7
# What is drawn by class: measure, title, name of the axis, factor, whether the axis is logarithmic.
RANGES: tuple[tuple[str, str, str, float, bool], ...] = (
    ("duration", "Duration", "seconds", 1.0, True),
    ("loudness", "Loudness", "LUFS", 1.0, False),
    ("bandwidth", "Bandwidth", "kHz up to which there is sound", 0.001, False),
)


def pictures(report: dict[str, Any]) -> list[tuple[str, str]]:
    """(what it shows, SVG) of each picture that the report has numbers for."""
    classes = {label: one for label, one in report["classes"].items() if one["usable"]}
    kept = sorted(classes, key=lambda label: -classes[label]["clips"])[:MOST_CLASSES]
    classes = {label: classes[label] for label in classes if label in kept}
    drawn = []
    if report["shortcuts"]:
        drawn.append(("How well each property alone tells the class", shortcut_figure(report["shortcuts"])))
    if classes:
        drawn.append(("Clips and minutes of each class", class_figure(classes)))
    for measure, title, unit, factor, log in RANGES:
        spread = report["levels"].get(measure)
        if classes and spread and spread["highest"] > spread["lowest"]:
            drawn.append((f"{title} by class", range_figure(classes, measure, title, unit, factor, log)))
    return [(what, svg(figure)) for what, figure in drawn]


def class_figure(classes: dict[str, Any]) -> Figure:
    """Two rows of bars: clips and minutes a class."""
    names = list(classes)
    figure = empty_figure(WIDTH_INCHES, _height(len(names)))
    panels = figure.subplots(1, 2, sharey=True)
    columns = (
        ("clips", [classes[name]["clips"] for name in names]),
        ("minutes", [classes[name]["seconds"] / 60 for name in names]),
    )
    for axes, (unit, values) in zip(panels, columns, strict=True):
        axes.barh(range(len(names)), values, color=STYLE["train"], height=0.66)
        _name_rows(axes, names)
        axes.set_xlabel(unit, color=STYLE["faint"], fontsize=STYLE["text_size"])
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10], integer=unit == "clips"))
        axes.margins(x=0.08)
        axes.set_xlim(left=0)
    title_left(panels[0], "Classes")
    return figure


def range_figure(classes: dict[str, Any], measure: str, title: str, unit: str, factor: float, log: bool) -> Figure:
    """For each class the median, the middle half of the clips (thick) and nine of ten (thin)."""
    names = list(classes)
    figure = empty_figure(WIDTH_INCHES, _height(len(names)))
    axes = figure.subplots()
    for place, name in enumerate(names):
        spread = {key: value * factor for key, value in classes[name][measure].items()}
        axes.plot([spread["5%"], spread["95%"]], [place, place], color=STYLE["train"], linewidth=1.2)
        axes.plot([spread["25%"], spread["75%"]], [place, place], color=STYLE["train"], linewidth=5, alpha=0.55)
        axes.plot(spread["median"], place, "o", color=STYLE["train"], markersize=4.5)
    _name_rows(axes, names)
    axes.set_xlabel(unit, color=STYLE["faint"], fontsize=STYLE["text_size"])
    if log:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
        low, high = axes.get_xlim()
        if high / low < 1000:  # too few powers of ten to read
            axes.set_xticks(_round_ticks(low, high))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
        if measure == "bandwidth":
            axes.set_xlim(left=0)
    title_left(axes, title)
    return figure


def shortcut_figure(shortcuts: Sequence[dict[str, Any]]) -> Figure:
    """A bar from chance to the balanced accuracy of each property, with its interval; the line is chance."""
    ordered = sorted(shortcuts, key=lambda one: one["skill"])
    figure = empty_figure(WIDTH_INCHES, _height(len(ordered)))
    axes = figure.subplots()
    chance = ordered[0]["chance"]
    for place, one in enumerate(reversed(ordered)):
        strong = one["interval"][0] > chance and one["skill"] > 0
        colour = STYLE["validation"] if strong else STYLE["faint"]
        axes.barh(place, one["accuracy"] - chance, left=chance, color=colour, height=0.62, alpha=0.85)
        axes.plot(one["interval"], [place, place], color=STYLE["ink"], linewidth=1.2)
        axes.text(
            max(one["accuracy"], *one["interval"]) + 0.015, place, f"{one['accuracy']:.2f}", va="center",
            fontsize=STYLE["text_size"], color=STYLE["ink"],
        )  # fmt: skip
    axes.axvline(chance, color=STYLE["ink"], linewidth=1, linestyle=(0, (4, 3)))
    _name_rows(axes, [one["property"] for one in reversed(ordered)])
    axes.set_xlim(0, 1.08)
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.set_xlabel(
        f"balanced accuracy; dashed: chance, {chance:.2f}", color=STYLE["faint"], fontsize=STYLE["text_size"]
    )
    title_left(axes, "What tells the class without listening")
    return figure


def svg(figure: Figure) -> str:
    """The figure as an <svg> element for a page: no fixed size, ink and lines in the colours of the page."""
    file = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "audiocls"}):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = file.getvalue().decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, count=1, flags=re.DOTALL)
    box = re.search(r'viewBox="[\d. ]+"', text)
    text = re.sub(r"<svg [^>]*?>", f'<svg {box.group() if box else ""} role="img">', text, count=1)
    for name, variable in _VARIABLES.items():
        text = text.replace(STYLE[name], f"var({variable})")
    return text


def _name_rows(axes: Any, names: Sequence[str]) -> None:
    shown = [drawable(name, NAME_WIDTH) if name != NO_CLASS else NO_CLASS for name in names]
    axes.set_yticks(range(len(names)), shown, parse_math=False)
    axes.set_ylim(len(names) - 0.4, -0.6)
    plain(axes)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _height(rows: int) -> float:
    return 0.95 + ROW_INCHES * max(rows, 2)


def _round_ticks(low: float, high: float) -> list[float]:
    steps = [factor * 10.0**power for power in range(-4, 6) for factor in (1, 2, 5)]
    inside = [step for step in steps if low <= step <= high] or [low]
    return inside if len(inside) <= MOST_TICKS else [step for step in inside if f"{step:e}"[0] == "1"]
