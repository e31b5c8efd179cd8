"""Comparing kinds: same folds for all, failures are rows, what is finished is kept, wrong usage is one line."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from audiocls.comparison import cross_validation
from audiocls.comparison.compare import compare
from audiocls.comparison.cross_validation import CrossValidated
from audiocls.comparison.leaderboard import Row, leaderboard_text, ranked
from audiocls.comparison.picture import leaderboard_figure
from audiocls.comparison.resampling import Bootstrap
from audiocls.config import TrainConfig
from audiocls.errors import DataError, OutputError, UsageError

CONFIG = TrainConfig(num_workers=1, validation_size=0.2)


def test_all_kinds_meet_the_same_folds_and_never_the_test_part(tone_folder, tones, seen, tmp_path):
    rows = compare(tone_folder, ["cnn", "cnn1d"], CONFIG, 3, tmp_path / "out")
    assert sorted(row.model for row in rows) == ["cnn", "cnn1d"]
    assert [call.config.kind for call in seen] == ["cnn"] * 3 + ["cnn1d"] * 3
    for fold in range(3):
        assert seen[fold].audio.test.files == seen[fold + 3].audio.test.files
        assert not {*seen[fold].audio.train.files, *seen[fold].audio.test.files} & set(tones.test.files)
    assert seen[3].config.features == "mfcc"  # what is left to be chosen is chosen by kind
    with open(tmp_path / "out" / "leaderboard.csv", newline="") as file:
        kept = list(csv.DictReader(file))
    assert [row["model"] for row in kept] == [row.model for row in rows]
    assert kept[0]["difference_to_best"] == ""
    assert float(kept[1]["difference_low"]) <= float(kept[1]["difference_to_best"]) <= float(kept[1]["difference_high"])
    for row in kept:
        assert float(row["balanced_accuracy_low"]) <= float(row["balanced_accuracy"])
        assert float(row["balanced_accuracy"]) == pytest.approx(1 / 3, abs=0.2)  # a guess by the shares
        assert float(row["size_mb"]) > 1
        assert float(row["latency_ms"]) > 0
    assert kept[0]["p_value"] == kept[0]["p_holm"] == ""
    assert kept[1]["p_value"] == kept[1]["p_holm"] == "1.0"  # both gave the same answers
    with Image.open(tmp_path / "out" / "leaderboard.png") as picture:
        assert picture.width > 600


def test_a_second_call_goes_on_and_other_settings_start_anew(tone_folder, seen, tmp_path, capsys):
    first = compare(tone_folder, ["cnn"], CONFIG, 3, tmp_path, verbose=True)
    again = compare(tone_folder, ["cnn", "crnn"], CONFIG, 3, tmp_path, verbose=True)
    assert len(seen) == 6
    assert "kept from an earlier call" in capsys.readouterr().out
    assert next(row for row in again if row.model == "cnn").scores == first[0].scores
    compare(tone_folder, ["cnn"], CONFIG.replaced(num_epochs=3), 3, tmp_path)
    compare(tone_folder, ["cnn"], CONFIG, 2, tmp_path)
    assert len(seen) == 6 + 3 + 2
    for path in (tmp_path / "cross_validation").iterdir():  # damaged: trained again
        path.write_text("{")
    compare(tone_folder, ["cnn"], CONFIG, 2, tmp_path)
    assert len(seen) == 13


def test_a_kind_that_fails_is_a_row(tone_folder, seen, monkeypatch, capsys):
    fit = cross_validation.fit_kind

    def sometimes(config, audio, run):
        if config.kind == "crnn":
            raise RuntimeError("out of memory\nlong trace")
        return fit(config, audio, run)

    monkeypatch.setattr(cross_validation, "fit_kind", sometimes)
    rows = compare(tone_folder, ["crnn", "probe:no/such", "cnn"], CONFIG, 3, verbose=True)
    assert [row.model for row in rows] == ["cnn", "crnn", "probe:no/such"]
    assert rows[1].note == "failed: out of memory"
    assert not rows[1].scores
    assert "no/such" in rows[2].note
    assert "failed: out of memory" in capsys.readouterr().out
    with pytest.raises(DataError, match="no kind of model could be trained; crnn: failed: out of memory"):
        compare(tone_folder, ["crnn"], CONFIG, 3)


def test_ctrl_c_keeps_and_shows_what_is_done(tone_folder, seen, monkeypatch, tmp_path, capsys):
    fit = cross_validation.fit_kind

    def interrupted(config, audio, run):
        if config.kind == "crnn":
            raise KeyboardInterrupt
        return fit(config, audio, run)

    monkeypatch.setattr(cross_validation, "fit_kind", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compare(tone_folder, ["cnn", "crnn"], CONFIG, 3, tmp_path, verbose=True)
    assert (tmp_path / "leaderboard.csv").read_text().count("cnn") == 1
    assert capsys.readouterr().out.rstrip().splitlines()[-1].startswith("cnn ")


@pytest.mark.parametrize(
    ("models", "told"),
    [
        (["cnn", "cnn"], "names cnn twice"),
        (["cnm"], "did you mean cnn"),
        (["auto"], "auto, which chooses"),
        ([], "models is empty"),
        (["cnn", "probe"], "say which pretrained model"),
    ],
)
def test_wrong_models_are_told_before_anything_is_read(models, told, tmp_path):
    with pytest.raises(UsageError, match=told):
        compare(tmp_path / "nothing", models, CONFIG)


def test_a_folder_that_holds_something_else_is_left_alone(tone_folder, seen, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds no comparison"):
        compare(tone_folder, ["cnn"], CONFIG, 3, tmp_path)
    assert not seen
    with pytest.raises(OutputError, match="is a file"):
        compare(tone_folder, ["cnn"], CONFIG, 3, tmp_path / "thesis.txt")


def test_kept_answers_are_plain_json(tone_folder, seen, tmp_path):
    compare(tone_folder, ["cnn"], CONFIG, 3, tmp_path)
    [path] = (tmp_path / "cross_validation").iterdir()
    kept = json.loads(path.read_text())
    assert kept["settings"]["model"] == "cnn"
    assert len(kept["scores"]) == sum(len(call.audio.test) for call in seen)


def board():
    targets, folds = np.arange(90) % 3, np.arange(90) % 5
    bootstrap = Bootstrap(targets, folds, [None] * 90, 3)

    def answers(share):
        right = np.arange(90) * 37 % 90 < 90 * share
        scores = np.eye(3, dtype=np.float32)[np.where(right, targets, (targets + 1) % 3)]
        return CrossValidated(scores, seconds=[3.0, 100 * share], num_bytes=int(2e7 * share), latency_ms=9.96)

    found = {"cnn": answers(0.5), "forest": "failed: 王 $x^2$", "probe:a": answers(0.9), "crnn": answers(0.88)}
    return ranked(found, bootstrap, {"probe:a": "chosen"})


def test_rows_are_ranked_and_told_apart():
    rows = board()
    assert [row.model for row in rows] == ["probe:a", "crnn", "cnn", "forest"]
    assert [row.clearly_worse for row in rows] == [False, False, True, False]
    assert rows[0].difference is None
    assert rows[2].difference == pytest.approx(
        rows[2].scores["balanced_accuracy"] - rows[0].scores["balanced_accuracy"]
    )
    assert rows[1].p_holm == rows[1].p_value > 0.3  # the larger of two needs no correction
    assert rows[2].p_holm == 2 * rows[2].p_value < 0.01
    lines = leaderboard_text(rows).splitlines()
    assert "cannot be told from probe:a on these clips: crnn  (p: paired test" in lines[-1]
    assert "balanced accuracy" in lines[0]
    assert "chosen" in lines[1]
    assert lines[3].split()[0] == "cnn"
    assert lines[3].endswith("50 s  10 MB    10 ms")
    assert lines[4] == "forest   failed: 王 $x^2$"
    assert len({line.index("(") for line in lines[1:4]}) == 1


def test_the_picture_shows_every_row_and_greys_what_is_worse():
    rows = board()
    figure = leaderboard_figure(rows, "a $title$")
    [axes] = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [row.model for row in rows]
    dots = {int(line.get_ydata()[0]): line for line in axes.lines if line.get_marker() == "o"}
    assert dots[0].get_color() == dots[1].get_color() != dots[2].get_color()
    assert dots[2].get_xdata()[0] == rows[2].scores["balanced_accuracy"]
    assert any(text.get_text() == "50 s" for text in axes.texts)
    assert any(text.get_text() == f"{rows[1].p_holm:.3f}" for text in axes.texts)
    figure.savefig("/dev/null", format="png")
    leaderboard_figure([Row("cnn", note="not tried")], "nothing to rank").savefig("/dev/null", format="png")
