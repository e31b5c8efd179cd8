"""`evaluate --events`: what a model finds is scored against tables, and what does not fit is said."""

import csv
import json

import numpy as np
import pytest
import soundfile

from audiocls.detection.event import Event
from audiocls.detection.options import DetectOptions
from audiocls.errors import DataError, OutputError, UsageError
from audiocls.inference.classifier import AudioClassifier
from audiocls.recordings.event_evaluation import evaluate_events
from audiocls.recordings.label_tables import TableEvent, read_events
from audiocls.recordings.label_writing import FORMAT_SUFFIXES, write_events
from tests.small_models import SOUNDS, write_small_model

OPTIONS = DetectOptions(window_seconds=1.0, hop_seconds=0.5, threshold="0.2")
NAMES = ("one", "two")


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    return AudioClassifier.from_pretrained(write_small_model(tmp_path_factory.mktemp("model") / "small"))


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    """Two recordings of real sounds with pauses between them."""
    folder = tmp_path_factory.mktemp("field")
    for first, name in enumerate(NAMES):
        parts = [np.zeros(8000, np.float32)]
        for label in ("animal", "drum", "speech", "wood"):
            clip, rate = soundfile.read(sorted((SOUNDS / label).iterdir())[first], dtype="float32", always_2d=True)
            assert rate == 16000
            parts += [clip.mean(1)[:24000], np.zeros(16000, np.float32)]
        noise = np.random.default_rng(first).normal(0, 0.003, sum(map(len, parts))).astype(np.float32)
        soundfile.write(folder / f"{name}.wav", np.concatenate(parts) + noise, 16000)
    return folder


@pytest.fixture(scope="module")
def heard(classifier, field):
    """What the model finds, by recording."""
    found = {name: classifier.detect(field / f"{name}.wav", OPTIONS).events for name in NAMES}
    assert all(found.values())
    return found


def truth_folder(folder, heard, form="csv", shift=0.0):
    for name, events in heard.items():
        moved = [TableEvent(None, Event(e.start_seconds + shift, e.end_seconds + shift, e.label)) for e in events]
        write_events(moved, folder / f"{name}{FORMAT_SUFFIXES[form]}", form)
    return folder


@pytest.mark.parametrize("form", list(FORMAT_SUFFIXES))
def test_a_model_that_finds_what_is_true_is_perfect(classifier, field, heard, tmp_path, form):
    metrics = evaluate_events(classifier, field, truth_folder(tmp_path, heard, form), options=OPTIONS)
    for level in ("events", "events_with_ends", "segments"):
        assert metrics[level]["overall"]["f1"] == 1.0
        assert metrics[level]["macro"]["f1"] == 1.0
    assert metrics["segments"]["overall"]["error_rate"] == 0
    assert metrics["counts"]["mean_absolute_error"] == 0
    assert metrics["false_alarms_per_hour"]["overall"] == 0
    assert metrics["recordings"] == 2
    assert "cannot be told from 2 recordings" in metrics["intervals"]
    assert metrics["thresholds"]["drum"] == pytest.approx(0.2)


def test_starts_that_are_off_by_more_than_the_collar_are_wrong(classifier, field, heard, tmp_path):
    event = max(heard["one"], key=lambda each: each.seconds)
    late = Event(event.start_seconds + 0.25, event.end_seconds, event.label)
    write_events([TableEvent(None, late)], tmp_path / "one.csv", "csv")
    told = [evaluate_events(classifier, field, tmp_path, options=OPTIONS, collar_seconds=c) for c in (0.2, 0.3)]
    assert [each["events"]["overall"]["hits"] for each in told] == [0, 1]


def test_what_is_written(classifier, field, heard, tmp_path):
    truth = tmp_path / "truth.csv"
    rows = [TableEvent(f"{name}.wav", event) for name, events in heard.items() for event in events]
    write_events(rows[:-1], truth, "csv")
    out = tmp_path / "out"
    metrics = evaluate_events(classifier, field, truth, out, OPTIONS)
    names = {"metrics.json", "events.csv", "event_scores.csv", "precision_recall.png", "counts.png"}
    assert {path.name for path in out.iterdir()} == names
    assert json.loads((out / "metrics.json").read_text()) == metrics
    found = read_events(out / "events.csv")
    assert [row.recording.rsplit("/", 1)[1] for row in found] == [row.recording for row in rows]
    for row, other in zip(found, rows, strict=True):
        assert row.event.start_seconds == pytest.approx(other.event.start_seconds, abs=1e-5)
        assert row.event.peak_score == pytest.approx(other.event.peak_score, abs=1e-3)
    table = list(csv.DictReader((out / "event_scores.csv").read_text().splitlines()))
    assert table[0]["class"] == "all"
    assert float(table[0]["precision"]) == pytest.approx((len(rows) - 1) / len(rows))
    assert len(table) == 3 * (2 + 7)
    with pytest.raises(OutputError, match="exists"):
        evaluate_events(classifier, field, truth, out, OPTIONS)


def test_chosen_thresholds_serve_the_next_call(classifier, field, heard, tmp_path):
    truth, file = truth_folder(tmp_path / "truth", heard), tmp_path / "thresholds.json"
    high = DetectOptions(window_seconds=1.0, hop_seconds=0.5, threshold="0.95")
    before = evaluate_events(classifier, field, truth, options=high, choose_thresholds=file)
    chosen, curve = before["chosen_thresholds"], before["threshold_curve"]
    assert curve["overall"]["f1"][curve["threshold"].index(0.2)] == 1.0
    assert chosen["f1"] > chosen["f1_before"] == before["events"]["overall"]["f1"] == 0.0
    assert all(0.02 <= value <= 0.5 for value in chosen["thresholds"].values())
    after = DetectOptions(window_seconds=1.0, hop_seconds=0.5, threshold=str(file))
    now = evaluate_events(classifier, field, truth, options=after)
    assert now["thresholds"] == pytest.approx(chosen["thresholds"])
    assert now["events"]["overall"]["f1"] == chosen["f1"]


def test_the_thresholds_of_another_model_are_refused(classifier, field, heard, tmp_path):
    truth, file = truth_folder(tmp_path / "truth", heard), tmp_path / "thresholds.json"
    evaluate_events(classifier, field, truth, options=OPTIONS, choose_thresholds=file)
    other = write_small_model(tmp_path / "other", window_seconds=2.0)
    with pytest.raises(UsageError, match="another model"):
        evaluate_events(other, field, truth, options=DetectOptions(threshold=str(file)))


def test_only_classes_that_are_asked_for_count(classifier, field, heard, tmp_path):
    label = heard["one"][0].label
    options = DetectOptions(window_seconds=1.0, hop_seconds=0.5, threshold="0.2", classes=label)
    metrics = evaluate_events(classifier, field, truth_folder(tmp_path, heard), options=options)
    assert metrics["labels"] == [label]
    assert metrics["events"]["overall"]["true"] == sum(e.label == label for found in heard.values() for e in found)


def test_what_is_left_out_is_said(classifier, field, heard, tmp_path, capsys):
    truth = truth_folder(tmp_path, {"one": heard["one"]})
    metrics = evaluate_events(classifier, field, truth, options=OPTIONS, verbose=True)
    assert metrics["recordings"] == 1
    said = capsys.readouterr().out
    assert "warning: left out, since no table tells of them" in said
    assert "two.wav" in said
    assert "cannot be told from 1 recording" in said
    assert all(len(line) <= 110 for line in said.splitlines() if not line.startswith("warning"))
    every = evaluate_events(classifier, field, truth, options=OPTIONS, unnamed_are_empty=True)
    assert every["recordings"] == 2
    assert every["false_alarms_per_hour"]["overall"] > 0


def test_what_cannot_be(classifier, field, heard, tmp_path):
    for text, message in (
        ("0\t1\towl\n", "no class 'owl'"),
        ("0\t9999\tdrum\n", r"ends at 9999 s, but .*one\.wav is over at"),
    ):
        (tmp_path / "one.txt").write_text(text)
        with pytest.raises(DataError, match=message):
            evaluate_events(classifier, field, tmp_path, options=OPTIONS)
    (tmp_path / "one.txt").write_text("0\t1\tdrum\n")
    for name, value in (("collar_seconds", 0.0), ("segment_seconds", float("nan"))):
        with pytest.raises(UsageError, match=name):
            evaluate_events(classifier, field, tmp_path, **{name: value})
    with pytest.raises(DataError, match="there is no such file"):
        evaluate_events(classifier, tmp_path / "none.wav", tmp_path)
    (tmp_path / "bad.wav").write_bytes(b"RIFFnothing")
    (tmp_path / "bad.txt").write_text("")
    with pytest.raises(DataError, match=r"bad\.wav.*take the recording or its table out"):
        evaluate_events(classifier, tmp_path / "bad.wav", tmp_path / "bad.txt", options=OPTIONS)
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(DataError, match="the truth holds no event"):
        evaluate_events(
            classifier, field / "one.wav", tmp_path / "empty.txt", options=OPTIONS, choose_thresholds=tmp_path / "t"
        )
