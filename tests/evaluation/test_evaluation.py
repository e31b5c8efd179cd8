import csv
import io
import json
import os
import re

import numpy as np
import pytest

from audiocls.errors import DataError, ModelError, OutputError
from audiocls.evaluation.evaluation import (
    evaluate_scores,
    format_scores,
    read_evaluation,
    scores_in_short,
    split_labels,
)
from audiocls.text_layout import text_width

LABELS = ["dog", "狗狗", '🐶 "wet", dog', "a|b\nc\r\\", "file", "=SUM(A1)"]
FILES = ["a/1.wav", 'a/"2".wav', "a/3\n.wav", "a/4,5.wav", "a/🐶.wav", "a/'6|7'.wav"]
TARGETS = np.array([0, 1, 2, 3, 4, 4])
SCORES = np.full((6, 6), 0.05)
SCORES[np.arange(6), [0, 1, 2, 3, 4, 0]] = 0.75


@pytest.fixture
def evaluation():
    return evaluate_scores(FILES, TARGETS, SCORES, LABELS, groups=["g", "g", None, None, None, None])


def test_a_folder_reads_back_as_it_was(evaluation, tmp_path):
    evaluation.save(tmp_path)
    found = read_evaluation(tmp_path)
    assert (found.files, found.labels, found.metrics) == (FILES, LABELS, evaluation.metrics)
    np.testing.assert_array_equal(found.targets, TARGETS)
    np.testing.assert_allclose(found.scores, SCORES)
    assert (tmp_path / "confusion_matrix.png").read_bytes().startswith(b"\x89PNG")


def test_predictions_say_what_was_right(evaluation):
    rows = list(csv.DictReader(io.StringIO(evaluation.predictions_csv(), newline="")))
    assert [row["file"] for row in rows] == FILES
    assert [row["correct"] for row in rows] == ["true"] * 5 + ["false"]
    assert (rows[5]["true_label"], rows[5]["predicted_label"]) == ("file", "dog")
    assert float(rows[5]["score:dog"]) == 0.75
    assert list(rows[0])[4:] == ["score:" + label for label in LABELS]


def test_several_labels_read_back_even_with_bars_in_their_names(tmp_path):
    targets = np.array([[1, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1]], np.float32)
    evaluate_scores(FILES[:3], targets, SCORES[:3], LABELS, multi_label=True).save(tmp_path)
    np.testing.assert_array_equal(read_evaluation(tmp_path).targets, targets)
    text = (tmp_path / "predictions.csv").read_bytes().decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert rows[0]["true_label"] == "dog|a\\|b\nc\r\\\\"
    assert (rows[1]["true_label"], rows[1]["correct"]) == ("", "false")


def test_joined_labels_come_apart():
    assert split_labels(r"a\|b|c\\|d") == ["a|b", "c\\", "d"]
    assert split_labels("") == []


def test_metrics_name_the_split_and_its_size(evaluation, tmp_path):
    evaluation.save(tmp_path)
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert (metrics["split"], metrics["size"], metrics["interval_units"]) == ("test", 6, 5)
    assert metrics["accuracy"] == pytest.approx(5 / 6)


def test_the_table_names_split_size_and_intervals(evaluation):
    text = format_scores(evaluation.metrics)
    assert text.splitlines()[0] == "Scores on the test split, 6 clips in 5 groups, 95% intervals"
    low, high = evaluation.metrics["intervals"]["accuracy"]
    assert f"accuracy           0.833  ({low:.3f} to {high:.3f})" in text
    assert "in no mean" in text  # the last class has no clip


def test_scores_in_short_are_those_of_the_table(evaluation):
    groups = ["g", "g", None, None, None, None]
    low, high = evaluation.metrics["intervals"]["accuracy"]
    text = scores_in_short(TARGETS, SCORES, groups=groups)
    assert text.startswith(f"accuracy 0.833 ({low:.3f} to {high:.3f}), macro F1 {evaluation.metrics['macro_f1']:.3f} (")


def test_the_columns_of_the_table_are_aligned(evaluation):
    lines = format_scores(evaluation.metrics).splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip().startswith("class"))
    table = lines[start : start + 1 + len(LABELS)]
    assert len({text_width(line) for line in table}) == 1
    assert len(table) == 7  # no name broke its line


def test_every_score_of_the_table_has_its_interval_and_fits_into_100_columns():
    labels = [f"a kind of sound with a name far too long for any table, number {k}" for k in range(3)]
    targets = np.repeat(np.arange(3), 500)
    given = np.where(np.arange(1500) % 10 == 0, 0, targets)
    groups = [str(k % 4) for k in range(1500)]
    metrics = evaluate_scores([str(k) for k in range(1500)], targets, np.eye(3)[given], labels, groups).metrics
    metrics["rejection"] = {
        "accepted": 0.951, "interval": [0.9, 0.97], "negatives": {"size": 12345, "accepted": 0.1, "interval": [0, 1]}
    }  # fmt: skip
    text = format_scores(metrics)
    assert max(map(text_width, text.splitlines())) <= 100
    row = next(line for line in text.splitlines() if line.strip().startswith("a kind"))
    assert len(re.findall(r"\d\.\d{3} \(\d\.\d\d to \d\.\d\d\)", row)) == 3
    assert row.endswith("  500")
    assert "known accepted     0.951  (0.900 to 0.970)" in text
    assert "of 12345 clips of no class" in text
    assert "only 4 groups" in text


def test_metrics_of_an_older_version_can_still_be_printed(evaluation):
    metrics = {name: value for name, value in evaluation.metrics.items() if name != "calibration"}
    metrics["per_class"] = {
        label: {name: value for name, value in row.items() if name != "intervals"}
        for label, row in metrics["per_class"].items()
    }
    assert "dog" in format_scores(metrics)


def test_the_answers_follow_the_thresholds(tmp_path):
    scores = np.array([[0.7, 0.3], [0.9, 0.1]])
    found = evaluate_scores(["x", "y"], np.array([1, 0]), scores, ["no", "yes"], thresholds={"no": 0.8, "yes": 0.2})
    found.save(tmp_path)
    rows = list(csv.DictReader(io.StringIO(read_evaluation(tmp_path).predictions_csv(), newline="")))
    assert [(row["predicted_label"], row["correct"]) for row in rows] == [("yes", "true"), ("no", "true")]


def test_scores_of_the_wrong_number_of_files_are_refused():
    with pytest.raises(DataError, match="2 files for 6 targets"):
        evaluate_scores(FILES[:2], TARGETS, SCORES, LABELS)
    with pytest.raises(ModelError, match="shape"):
        evaluate_scores(FILES, TARGETS, SCORES[:, :2], LABELS)


def test_a_folder_that_cannot_be_written_is_named(evaluation, tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError, match="out"):
        evaluation.save(tmp_path / "out")


def test_file_names_that_are_no_text_do_not_stop_the_report(tmp_path):
    name = os.fsdecode(b"caf\xe9.wav")
    evaluate_scores([name] * 6, TARGETS, SCORES, LABELS).save(tmp_path)
    assert read_evaluation(tmp_path).files[0] == "caf\\udce9.wav"


def test_missing_and_damaged_files_are_named(evaluation, tmp_path):
    with pytest.raises(DataError, match=r"metrics\.json"):
        read_evaluation(tmp_path)
    evaluation.save(tmp_path)
    (tmp_path / "predictions.csv").write_text("file\nx\n")
    with pytest.raises(DataError, match="cannot be read"):
        read_evaluation(tmp_path)
