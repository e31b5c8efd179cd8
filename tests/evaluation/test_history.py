import json

import pytest

from audiocls.evaluation.history import ProgressFile, keras_history, read_progress, read_results, write_history

ROWS = [
    {"epoch": 1, "learning_rate": 0.002, "train_loss": 1.5, "train_f1": 0.25, "validation_loss": 1.75, "seconds": 2.5},
    {"epoch": 2, "learning_rate": 0.001, "train_loss": 1.0, "train_f1": 0.5, "validation_loss": 1.25, "seconds": 2.0},
]


def test_results_csv_has_a_row_an_epoch(tmp_path):
    write_history(ROWS, tmp_path)
    lines = (tmp_path / "results.csv").read_text().splitlines()
    assert lines[0] == "epoch,learning_rate,train_loss,train_f1,validation_loss,seconds"
    assert lines[1] == "1,0.002,1.5,0.25,1.75,2.5"
    assert read_results(tmp_path) == ROWS


def test_history_is_named_as_keras_names_it(tmp_path):
    write_history(ROWS, tmp_path)
    history = json.loads((tmp_path / "training_hist.json").read_text())
    assert history["loss"] == [1.5, 1.0]
    assert history["val_loss"] == [1.75, 1.25]
    assert history["f1"] == [0.25, 0.5]
    assert set(history) == {"loss", "val_loss", "f1", "learning_rate", "seconds"}


def test_every_list_has_one_entry_an_epoch():
    history = keras_history([{"epoch": 1, "train_loss": float("nan")}, {"epoch": 2, "train_loss": 1.0, "extra": 3}])
    assert history == {"loss": [None, 1.0], "extra": [None, 3]}


def test_text_and_missing_cells_survive(tmp_path):
    rows = [{"candidate": "mfcc, small", "f1": 0.5}, {"candidate": 'the "best"\none', "f1": None}]
    write_history(rows, tmp_path)
    assert read_results(tmp_path) == rows


def test_a_run_without_an_epoch_writes_empty_files(tmp_path):
    write_history([], tmp_path)
    assert read_results(tmp_path) == []
    assert json.loads((tmp_path / "training_hist.json").read_text()) == {}


@pytest.mark.parametrize("value", [1e-12, 0.1 + 0.2, 123456789.0])
def test_numbers_lose_no_digit(tmp_path, value):
    write_history([{"epoch": 1, "train_loss": value}], tmp_path)
    assert read_results(tmp_path)[0]["train_loss"] == value


def test_rows_can_be_read_while_a_run_goes_on(tmp_path):
    progress = ProgressFile(tmp_path)
    assert read_progress(tmp_path) == []
    for number, row in enumerate(ROWS, 1):
        progress.add(row)
        assert read_progress(tmp_path) == ROWS[:number]
    progress.add({"epoch": 3, "train_loss": float("nan")})
    assert read_progress(tmp_path)[2] == {"epoch": 3, "train_loss": None}
    progress.remove()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "progress.jsonl").write_text("damaged")
    assert read_progress(tmp_path) == []
