"""The picture of a calibration: how sure a model was, and how often it was right.

Bins stand side by side, from the least sure answers to the surest, and not at their confidence as in the usual diagram:
a good model is nearly always nearly sure, and all bins would lie on one another in the corner.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from audiocls.evaluation.plot_style import STYLE, WIDTH_INCHES, empty_figure, plain, title_left

RELIABILITY_PNG = "reliability.png"
HEIGHT_INCHES = 3.3
MOST_TICKS = 6


def reliability_figure(
    calibration: Mapping[str, Any],
    title: str = "",
    multi_label: bool = False,
    before: Mapping[str, Any] | None = None,
) -> Figure:
    """Confidence and accuracy of each bin, with the 95% interval of the accuracy.

    Args:
        calibration: as `calibration.calibration_scores` gives it.
        multi_label: whether the bins count answers on single labels instead of clips.
        before: the same before the model was calibrated, to show its confidences, too.
    """
    bins = calibration["bins"]
    counts = np.array([each["count"] for each in bins])
    edges = np.concatenate([[0], np.cumsum(counts)])
    middles = (edges[:-1] + edges[1:]) / 2
    low, accuracy, high = (np.array([each[name] for each in bins]) for name in ("low", "accuracy", "high"))
    figure = empty_figure(WIDTH_INCHES, HEIGHT_INCHES)
    axes = figure.subplots()
    if before is not None:
        was = np.concatenate([[0], np.cumsum([each["count"] for each in before["bins"]])])
        axes.stairs(
            [each["confidence"] for each in before["bins"]],
            was * edges[-1] / was[-1],
            baseline=None,
            color=STYLE["faint"],
            linestyle=(0, (3, 2)),
            linewidth=1,
        )
    axes.vlines(middles, low, high, color=STYLE["validation"], linewidth=STYLE["line_width"], alpha=0.45)
    axes.plot(middles, accuracy, "o", color=STYLE["validation"], markersize=4.5)
    axes.stairs(
        [each["confidence"] for each in bins], edges, baseline=None, color=STYLE["train"], linewidth=STYLE["line_width"]
    )
    plain(axes)
    axes.grid(visible=False, axis="x")
    axes.set_xlim(0, edges[-1])
    lowest = min(low.min(), min(each["confidence"] for each in bins))
    axes.set_ylim(max(0.0, np.floor(10 * lowest - 0.01) / 10) if lowest > 0.1 else -0.02, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=MOST_TICKS))
    what = "answers on labels" if multi_label else "clips"
    each = f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"
    axes.set_xlabel(
        f"{what}, the least sure first ({len(bins)} bins of {each})", color=STYLE["faint"], fontsize=STYLE["text_size"]
    )
    handles = [
        Line2D([], [], color=STYLE["train"], linewidth=STYLE["line_width"], label="how sure it is"),
        Line2D([], [], color=STYLE["validation"], marker="o", markersize=4.5, alpha=0.9, label="how often right, 95%"),
    ]
    if before is not None:
        handles.append(
            Line2D([], [], color=STYLE["faint"], linestyle=(0, (3, 2)), linewidth=1, label="how sure before")
        )
    axes.legend(
        handles=handles, loc="lower right", fontsize=STYLE["text_size"], edgecolor="none", framealpha=0.9,
        labelcolor=STYLE["ink"],
    )  # fmt: skip
    title_left(axes, title or f"calibration error {calibration['ece']:.3f}, {calibration['chance']:.3f} by chance")
    return figure
