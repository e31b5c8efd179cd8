import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Text

from audiocls.errors import OutputError
from audiocls.evaluation.plots import (
    confusion_matrix_figure,
    png_bytes,
    save_png,
    training_curves_figure,
)

ROWS = [
    {
        "epoch": epoch,
        "train_loss": 2 / epoch,
        "train_f1": 1 - 1 / epoch,
        "train_accuracy": 1 - 0.9 / epoch,
        "validation_loss": 2.5 / epoch,
        "validation_f1": 1 - 1.1 / (epoch + 1),
        "validation_accuracy": 1 - 1 / (epoch + 1),
    }
    for epoch in range(1, 11)
]


def drawn_matrix(figure: Figure) -> np.ndarray:
    return np.asarray(figure.axes[0].images[0].get_array())


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_colours_are_shares_of_the_row_and_numbers_are_counts():
    figure = confusion_matrix_figure(np.array([[3, 1], [0, 0]]), ["a", "b"], "test split")
    np.testing.assert_allclose(drawn_matrix(figure), [[0.75, 0.25], [0, 0]])
    assert texts(figure) == ["3", "1"]
    assert figure.axes[0].get_title(loc="left") == "test split"


def test_several_labels_a_clip_have_a_row_each():
    figure = confusion_matrix_figure(np.array([[[80, 5], [3, 9]], [[90, 0], [5, 5]]]), ["dog", "rain"])
    np.testing.assert_allclose(drawn_matrix(figure), [[0.75, 0.25, 5 / 85, 80 / 85], [0.5, 0.5, 0, 1]])
    assert texts(figure) == ["9", "3", "5", "80", "5", "5", "90"]


@pytest.mark.parametrize("num_labels", [2, 7, 30, 100])
@pytest.mark.parametrize("several", [False, True])
def test_every_name_lies_within_the_picture_and_over_no_other(num_labels, several):
    counts = np.full((num_labels, 2, 2), 12) if several else np.eye(num_labels, dtype=int) * 12
    figure = confusion_matrix_figure(counts, [f"a long class name, {k}" for k in range(num_labels)], "test split")
    figure.canvas.draw()
    axes = figure.axes[0]
    names = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert len(names) == num_labels
    assert all(upper.y0 >= lower.y1 - 1 for upper, lower in pairwise(names))
    width, height = figure.canvas.get_width_height()
    for box in [
        *names,
        *(label.get_window_extent() for label in axes.get_xticklabels()),
        axes.title.get_window_extent(),
    ]:
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= width
        assert box.y1 <= height
    assert min(text.get_fontsize() for text in axes.get_yticklabels()) >= 5


def test_a_number_fits_its_cell():
    figure = confusion_matrix_figure(np.full((20, 20), 123456), [str(k) for k in range(20)])
    figure.canvas.draw()
    axes = figure.axes[0]
    cell = axes.get_window_extent().width / 20
    assert max(text.get_window_extent().width for text in axes.texts) <= cell


def test_hundreds_of_classes_make_no_giant():
    width, height = confusion_matrix_figure(np.eye(500, dtype=int), [str(k) for k in range(500)]).get_size_inches()
    assert max(width, height) <= 18


def test_names_in_any_script_draw_without_warnings():
    labels = ["🐶 dog", "狗狗", "كلب", "$x_1$", "a\nb", "$\\frac$", ""]
    figure = confusion_matrix_figure(np.eye(7, dtype=int), labels, "狗 $")
    assert png_bytes(figure).startswith(b"\x89PNG")
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["□ dog", "class 2", "كلب", "$x_1$", "a b", "$\\frac$", "class 7"]


def shown(axes: Axes) -> list[Text]:
    """The names of the ticks within the picture's time."""
    low, high = axes.get_xlim()
    return [tick.label1 for tick in axes.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]


def lines_by_colour(figure: Figure, panel: int) -> dict[tuple, list]:
    found: dict[tuple, list] = {}
    for line in figure.axes[panel].lines:
        found.setdefault(to_rgba(line.get_color()), []).append(line)
    return found


def test_curves_show_training_and_validation_and_the_kept_epoch():
    figure = training_curves_figure(ROWS, best=7)
    loss, score = (lines_by_colour(figure, panel) for panel in (0, 1))
    (training,) = loss[to_rgba("#0072b2")]
    np.testing.assert_allclose(training.get_ydata(), [row["train_loss"] for row in ROWS])
    f1, accuracy = score[to_rgba("#d55e00")]
    np.testing.assert_allclose(f1.get_ydata(), [row["validation_f1"] for row in ROWS])
    np.testing.assert_allclose(accuracy.get_ydata(), [row["validation_accuracy"] for row in ROWS])
    for panel in (loss, score):
        (kept,) = panel[to_rgba("#7b8794")]
        assert list(kept.get_xdata()) == [7, 7]


def test_a_single_epoch_is_a_visible_point():
    figure = training_curves_figure(ROWS[:1], best=1)
    points = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert len(points) == 2
    low, high = figure.axes[0].get_ylim()
    assert all(low < line.get_ydata()[0] < high for line in points)


def test_curves_without_validation_or_with_gaps_draw():
    rows = [{key: value for key, value in row.items() if "validation" not in key} for row in ROWS]
    assert "#d55e00" not in {line.get_color() for line in training_curves_figure(rows).axes[0].lines}
    rows[3]["train_loss"] = float("nan")
    assert png_bytes(training_curves_figure(rows)).startswith(b"\x89PNG")


def test_threads_draw_the_same_picture():
    def draw(_: int) -> bytes:
        return png_bytes(training_curves_figure(ROWS, 3))

    with ThreadPoolExecutor(4) as threads:
        assert len({draw(0), *threads.map(draw, range(8))}) == 1


def test_no_global_state_of_matplotlib_is_touched():
    program = (
        "import sys\n"
        "from matplotlib import rcParams\n"
        "def settings(): return {name: rcParams[name] for name in rcParams if name != 'backend'}\n"
        "before = settings()\n"
        "from audiocls.evaluation.plots import training_curves_figure, png_bytes\n"
        "png_bytes(training_curves_figure([{'epoch': 1, 'train_loss': 1.0}], 1))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert settings() == before"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_picture_is_written_whole_or_not_at_all(tmp_path):
    save_png(training_curves_figure(ROWS), tmp_path / "curves.png")
    assert [path.name for path in tmp_path.iterdir()] == ["curves.png"]
    with pytest.raises(OutputError, match=r"curves\.png"):
        save_png(training_curves_figure(ROWS), tmp_path / "curves.png" / "x.png")
