"""The two pictures of a search: every trial as a line through its settings, and how much each setting matters.

Drawn with matplotlib alone, in the look of all other pictures.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from audiocls.evaluation.drawable_text import drawable
from audiocls.evaluation.plot_style import STYLE, WIDTH_INCHES, empty_figure, plain, title_left
from audiocls.tuning.report import TrialRow
from audiocls.tuning.space import Choices, Range, Space, shown_value

# From pale to dark, so that the best lines stand out and are told apart without colour vision.
SCORES = LinearSegmentedColormap.from_list("scores", ["#c6dbef", "#6aaed6", "#1f6fb0", "#08306b"])
BEST = STYLE["validation"]
GIVEN_UP = "#c4cad1"
AXIS_INCHES = 0.95  # between two axes, at least
LETTER_INCHES = 0.058  # of a value's name, about
VALUE_WIDTH = 40  # letters of a value beside its axis
MARGIN = 0.04  # of an axis's height, left free above and below
MOST_TICKS = 9
SPREAD = 0.05  # of an axis's height, over which trials with the same choice are fanned out


class _Scale:
    """Where the values of one setting lie on its axis, from 0 to 1, and which of them are named."""

    def __init__(self, dimension: Choices | Range) -> None:
        if isinstance(dimension, Choices):
            values = list(dimension.values)
            if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
                values.sort()
            self._places = dict(zip(values, _evenly(len(values)), strict=True))
            step = -(-len(values) // MOST_TICKS)
            self.ticks = [(self._places[value], drawable(shown_value(value), VALUE_WIDTH)) for value in values[::step]]
        else:
            self._places = {}
            self._log = dimension.log
            self._ends = self._number(dimension.low), self._number(dimension.high)
            self.ticks = [(self(value), shown_value(float(value))) for value in _round_values(dimension)]

    @property
    def longest(self) -> int:
        """Letters of the longest name on the axis."""
        return max(len(name) for _, name in self.ticks)

    def _number(self, value: float) -> float:
        return math.log10(value) if self._log else float(value)

    def __call__(self, value: Any, apart: float = 0.5) -> float:
        """The height of a value; `apart`, from 0 to 1, tells lines through the same choice from one another."""
        if self._places:
            return self._places[value] + SPREAD * (apart - 0.5)
        low, high = self._ends
        return MARGIN + (1 - 2 * MARGIN) * (self._number(value) - low) / (high - low)


def _evenly(count: int) -> list[float]:
    return [0.5] if count == 1 else np.linspace(MARGIN, 1 - MARGIN, count).tolist()


def _round_values(dimension: Range) -> list[float]:
    """The ends of a range and a few round values between them."""
    low, high = dimension.low, dimension.high
    if dimension.log:
        exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        between = [factor * 10.0**exponent for exponent in exponents for factor in (1, 2, 5)]
        if len(exponents) > 4:
            between = [10.0**exponent for exponent in exponents]
        near = [math.log10(value / low) / math.log10(high / low) for value in between]
    else:
        step = 10 ** math.floor(math.log10((high - low) / 2))
        step = next(step * factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= 6)
        between = [step * number for number in range(math.ceil(low / step), math.floor(high / step) + 1)]
        near = [(value - low) / (high - low) for value in between]
    return [low, *[value for value, place in zip(between, near, strict=True) if 0.06 < place < 0.94], high]


def parallel_coordinates_figure(rows: Sequence[TrialRow], space: Space, score: str) -> Figure:
    """One vertical axis a setting and one for the score; each trial is a line, darker for a higher score.

    Trials that were given up are thin and grey, up to the mean of their folds; the best is drawn in orange.

    Args:
        rows: finished trials; impossible ones are left out.
        space: what was searched, one axis each.
        score: what the score is called.
    """
    drawn = [row for row in rows if row.fold_scores]
    full = [row for row in drawn if row.state == "complete"]
    best = max(full, key=lambda row: (row.mean, -row.number), default=None)
    names = list(space)
    scales = [_Scale(space[name]) for name in names]
    means = [row.mean for row in drawn] or [0.0, 1.0]
    shades = [row.mean for row in full] or means
    lowest, highest = min(means), max(means)
    if highest - lowest < 1e-6:
        lowest, highest = lowest - 0.01, highest + 0.01
    score_axis = _Scale(Range(lowest, highest))
    all_scales = [*scales, score_axis]
    widths = [max(AXIS_INCHES, 0.35 + LETTER_INCHES * scale.longest) for scale in all_scales]
    places = np.concatenate([[0.0], np.cumsum(widths)])
    figure = empty_figure(max(WIDTH_INCHES, places[-2] + 1.1), 3.6)
    axes = figure.subplots()
    shade = Normalize(min(shades), max(max(shades), min(shades) + 1e-6))
    ordered = sorted(drawn, key=lambda row: (row.state == "complete", row.mean))
    for row, apart in zip(ordered, _evenly(len(ordered)), strict=True):
        heights = [scale(row.settings[name], apart) for scale, name in zip(scales, names, strict=True)]
        heights.append(score_axis(row.mean))
        style: dict[str, Any] = {"color": GIVEN_UP, "linewidth": 0.8, "zorder": 1}
        if row.state == "complete":
            style = {"color": SCORES(float(shade(row.mean))), "linewidth": 1.2, "zorder": 2}
        if row is best:
            style = {"color": BEST, "linewidth": 2.2, "zorder": 3}
        axes.plot(*_bent(places, heights), solid_capstyle="round", **style)
    for place, name, scale in zip(places, [*names, score], all_scales, strict=False):
        _draw_axis(axes, float(place), name, scale)
    axes.set_xlim(-0.4, places[-2] + 0.55)
    axes.set_ylim(-0.02, 1.17)
    axes.set_axis_off()
    given_up = sum(row.state == "pruned" for row in rows)
    title = f"{len(full)} full trials" + (f", {given_up} given up early (grey)" if given_up else "")
    title_left(axes, title + (f"; best {best.mean:.3f} (orange)" if best else ""))
    return figure


def _bent(places: np.ndarray, heights: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """A smooth line through one height an axis, level at each, so that lines can be followed across an axis."""
    steps = np.linspace(0, 1, 24, endpoint=False)
    ease = 3 * steps**2 - 2 * steps**3
    pieces = [low + (high - low) * ease for low, high in pairwise(heights)]
    last = len(heights) - 1
    across = [low + (high - low) * steps for low, high in pairwise(places[: last + 1])]
    return np.concatenate([*across, [places[last]]]), np.concatenate([*pieces, [heights[last]]])


def _draw_axis(axes: Axes, place: float, name: str, scale: _Scale) -> None:
    axes.plot([place, place], [0, 1], color=STYLE["faint"], linewidth=1.0, zorder=4)
    size = STYLE["text_size"]
    behind = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.6}
    for height, text in scale.ticks:
        axes.plot([place, place + 0.04], [height, height], color=STYLE["faint"], linewidth=1.0, zorder=4)
        told: dict[str, Any] = {"fontsize": size - 2, "color": STYLE["ink"], "bbox": behind, "zorder": 5}
        axes.text(place + 0.06, height, text, ha="left", va="center", parse_math=False, **told)
    told = {"fontsize": size - 1, "color": STYLE["ink"], "parse_math": False}
    axes.text(place, 1.03, _two_lines(name), ha="center", va="bottom", linespacing=1.0, **told)


def _two_lines(name: str) -> str:
    """A name broken at the underscore or space nearest its middle, if it is long."""
    if len(name) <= 10:
        return name
    breaks = [place for place, character in enumerate(name) if character in "_ "]
    if not breaks:
        return name
    middle = min(breaks, key=lambda place: abs(place - len(name) / 2))
    return name[: middle + 1].rstrip() + "\n" + name[middle + 1 :]


def importance_figure(shares: Mapping[str, float], score: str) -> Figure:
    """A bar a setting: the share of the score's variation that it explains.

    Args:
        shares: setting to share of 1, highest first, as `report.importances` gives them.
        score: what the score is called.
    """
    names = list(shares)
    figure = empty_figure(WIDTH_INCHES, 0.9 + 0.32 * len(names))
    axes = figure.subplots()
    places = np.arange(len(names))
    axes.barh(places, [shares[name] for name in names], color=STYLE["train"], height=0.62)
    for place, name in enumerate(names):
        axes.text(shares[name] + 0.015, place, f"{shares[name]:.0%}", va="center", fontsize=STYLE["text_size"])
    axes.set_yticks(places, [drawable(name, 26) for name in names], parse_math=False)
    axes.invert_yaxis()
    axes.set_xlim(0, max(1.0, *shares.values()) * 1.12)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0], ["0", "25%", "50%", "75%", "100%"])
    plain(axes)
    axes.grid(visible=False, axis="y")
    title_left(axes, "what the score depends on")
    axes.set_xlabel(f"share of the variation of {score}", color=STYLE["faint"], fontsize=STYLE["text_size"])
    return figure
