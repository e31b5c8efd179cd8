"""The pictures of a search say what happened: an axis a setting, a line a trial, the best one marked."""

import pytest

from audiocls.tuning.plots import BEST, GIVEN_UP, importance_figure, parallel_coordinates_figure
from audiocls.tuning.report import TrialRow
from audiocls.tuning.space import Choices, Range

SPACE = {
    "learning_rate": Range(1e-4, 1e-1, log=True),
    "features": Choices(("mfcc", "log_mel+mfcc+chroma+spectral_contrast")),
    "image_size": Choices((None, "128x128")),
    "n_mels": Choices((128, 64, 32)),
}
ROWS = [
    TrialRow(1, "complete", dict(zip(SPACE, (1e-3, "mfcc", None, 32), strict=True)), [0.5, 0.7], 1.0),
    TrialRow(2, "complete", dict(zip(SPACE, (1e-2, "mfcc", "128x128", 64), strict=True)), [0.8, 0.8], 1.0),
    TrialRow(3, "pruned", dict(zip(SPACE, (1e-4, "mfcc", None, 128), strict=True)), [0.3], 1.0),
    TrialRow(4, "impossible", dict(zip(SPACE, (1e-1, "mfcc", None, 128), strict=True)), [], 1.0, "why"),
]


def lines(figure):
    """Colour and heights of the trials' lines, without the axes."""
    return [(line.get_color(), line.get_ydata()) for line in figure.axes[0].lines if len(line.get_xdata()) > 2]


def ticks(figure):
    return {text.get_text(): text.get_position()[1] for text in figure.axes[0].texts}


def test_each_scored_trial_is_a_line_and_the_best_is_marked():
    figure = parallel_coordinates_figure(ROWS, SPACE, "balanced accuracy")
    drawn = lines(figure)
    assert len(drawn) == 3
    assert [colour for colour, _ in drawn].count(BEST) == 1
    best = next(heights for colour, heights in drawn if colour == BEST)
    given_up = next(heights for colour, heights in drawn if colour == GIVEN_UP)
    assert best[-1] > max(heights[-1] for colour, heights in drawn if colour != BEST)
    assert best[-1] == pytest.approx(ticks(figure)["0.8"])
    assert given_up[0] == pytest.approx(ticks(figure)["0.0001"])


def test_a_logarithmic_axis_is_logarithmic_and_numbers_are_in_order():
    heights = ticks(parallel_coordinates_figure(ROWS, SPACE, "balanced accuracy"))
    decade = heights["0.01"] - heights["0.001"]
    assert decade == pytest.approx(heights["0.1"] - heights["0.01"])
    assert heights["32"] < heights["64"] < heights["128"]


def test_every_value_and_name_is_readable():
    figure = parallel_coordinates_figure(ROWS, SPACE, "balanced accuracy")
    figure.canvas.draw()
    assert {"log_mel+mfcc+chroma+spectral_contrast", "null", "128x128", "learning_\nrate"} <= set(ticks(figure))
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    width, height = figure.bbox.width, figure.bbox.height
    for number, box in enumerate(boxes):
        assert 0 <= box.x0 < box.x1 <= width
        assert 0 <= box.y0 < box.y1 <= height
        assert not any(box.overlaps(other) for other in boxes[:number])


def test_one_setting_and_one_trial_can_be_drawn():
    figure = parallel_coordinates_figure([TrialRow(1, "complete", {"a": 1}, [0.5], 1.0)], {"a": Choices((1,))}, "score")
    figure.canvas.draw()
    assert len(lines(figure)) == 1


def test_bars_are_the_shares():
    figure = importance_figure({"learning_rate": 0.75, "mixup": 0.25, "n_mels": 0.0}, "macro F1")
    figure.canvas.draw()
    axes = figure.axes[0]
    assert [bar.get_width() for bar in axes.patches] == [0.75, 0.25, 0.0]
    assert [text.get_text() for text in axes.texts] == ["75%", "25%", "0%"]
    assert axes.title.get_window_extent().x1 <= figure.bbox.width
