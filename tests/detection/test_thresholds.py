"""Thresholds of events: auto, a number, a file; a file of another model is refused."""

import json

import numpy as np
import pytest

from audiocls import AudioClassifier
from audiocls.detection.options import DetectOptions
from audiocls.detection.plan import plan_detection
from audiocls.detection.thresholds import (
    DEFAULT_THRESHOLD,
    fingerprint,
    resolve_thresholds,
    thresholds_origin,
    told_thresholds,
    write_thresholds,
)
from audiocls.errors import UsageError
from tests.small_models import write_small_model

LABELS = ["dog", "rain", "wind"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_small_model(tmp_path_factory.mktemp("model") / "m", LABELS)


@pytest.fixture
def model(folder):
    return AudioClassifier.from_pretrained(folder)


def test_auto_is_what_was_fitted_and_else_the_default(model):
    np.testing.assert_array_equal(resolve_thresholds(model, "auto"), np.full(3, DEFAULT_THRESHOLD, np.float32))
    model.model.config.detection = {"thresholds": {"rain": 0.8}}
    np.testing.assert_allclose(resolve_thresholds(model, "auto"), [DEFAULT_THRESHOLD, 0.8, DEFAULT_THRESHOLD])


def test_a_number_serves_every_label(model):
    np.testing.assert_allclose(resolve_thresholds(model, "0.25"), [0.25] * 3)


def test_a_written_file_is_read_again_by_the_model_from_its_folder(model, folder, tmp_path):
    path = tmp_path / "thresholds.json"
    write_thresholds(path, model, {"dog": 0.3, "rain": 0.7}, fitted_on="two recordings")
    again = AudioClassifier.from_pretrained(folder)
    np.testing.assert_allclose(resolve_thresholds(again, str(path)), [0.3, 0.7, DEFAULT_THRESHOLD])
    assert json.loads(path.read_text())["fitted_on"] == "two recordings"


def test_a_table_serves_too(model, tmp_path):
    path = tmp_path / "thresholds.csv"
    path.write_text("label,threshold\nwind,0.9\n")
    np.testing.assert_allclose(resolve_thresholds(model, str(path)), [DEFAULT_THRESHOLD, DEFAULT_THRESHOLD, 0.9])


def test_a_file_of_another_model_is_refused(model, tmp_path):
    path = tmp_path / "thresholds.json"
    write_thresholds(path, model, {"dog": 0.3})
    other = AudioClassifier.from_pretrained(write_small_model(tmp_path / "other", LABELS, logit_scale=[2.0] * 3))
    with pytest.raises(UsageError, match="made for another model"):
        resolve_thresholds(other, str(path))


def test_a_fingerprint_goes_by_weights_and_settings_and_not_by_thresholds(model):
    before = fingerprint(model)
    model.model.config.detection = {"thresholds": {"dog": 0.1}}
    assert fingerprint(model) == before
    next(model.model.parameters()).data.flatten()[0] += 1
    assert fingerprint(model) != before


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", '{"thresholds": {"cat": 0.5}}', "no class 'cat'"),
        ("a.json", '{"thresholds": {"dog": 1.5}}', "between 0 and 1"),
        ("a.json", '{"thresholds": {"dog": true}}', "must be a number"),
        ("a.json", '{"thresholds": [0.5]}', "a number for each label"),
        ("a.json", "{", "not JSON"),
        ("a.csv", "label,score\ndog,0.5\n", "columns label and threshold"),
        ("a.csv", "label,threshold\ndog,much\n", "must be a number"),
        ("a.csv", "label,threshold\ndog,0.1\ndog,0.2\n", "twice"),
        ("a.csv", "label,threshold\n", "no rows"),
        ("a.csv", "", "columns label and threshold"),
    ],
)
def test_files_that_make_no_sense_are_told(model, tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(UsageError, match=message) as raised:
        resolve_thresholds(model, str(path))
    assert "\n" not in str(raised.value)


def test_what_is_no_file_and_no_threshold_is_told(model, tmp_path):
    for threshold in ("nowhere.json", str(tmp_path), "-0.1", "nan", "1.01"):
        with pytest.raises(UsageError):
            resolve_thresholds(model, threshold)


def test_it_is_told_which_thresholds_are_used_and_why(model, tmp_path):
    def told(**options):
        given = DetectOptions(**options)
        return told_thresholds(plan_detection(model, given), thresholds_origin(model, given.threshold))

    assert told() == f"threshold {DEFAULT_THRESHOLD:.2f}, the default of 0.4, since training chose none"
    assert told(threshold="0.7") == "threshold 0.70, as given"
    model.model.config.detection = {
        "thresholds": dict(zip(LABELS, (0.2, 0.3, 0.9), strict=True)),
        "fitted_on": "5 clips",
    }
    assert told() == "thresholds dog 0.20, rain 0.30, wind 0.90, chosen in training on 5 clips"
    assert told(classes="dog,wind") == "thresholds dog 0.20, wind 0.90, chosen in training on 5 clips"
    path = tmp_path / "mine.csv"
    path.write_text("label,threshold\nrain,0.5\n")
    assert told(threshold=str(path)) == f"thresholds dog 0.20, rain 0.50, wind 0.90, from {path}"
