"""What a training tells of how far it can be trusted, from the data to the model folder and its card."""

import csv
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

import audiocls
from audiocls.cli import main
from audiocls.config import TrainConfig
from audiocls.errors import DataError, ModelError
from audiocls.experiment import train
from audiocls.finishing.calibrate import calibrate_model
from audiocls.inference.classifier import AudioClassifier

KNOWN, UNKNOWN = ("drum", "speech", "water"), "metal"


@pytest.fixture(scope="module")
def sounds(everyday_sounds, tmp_path_factory):
    """Three classes with given parts, and a fourth as sounds of no class."""
    root = tmp_path_factory.mktemp("sounds") / "data"
    for part in ("train", "test"):
        for label in KNOWN:
            shutil.copytree(everyday_sounds / part / label, root / part / label)
        shutil.copytree(everyday_sounds / part / UNKNOWN, root / part / "_unknown_")
    shutil.copy(everyday_sounds / "ATTRIBUTION.csv", root)
    return root


@pytest.fixture(scope="module")
def run(sounds):
    return train(sounds, sounds.parent / "run", TrainConfig(model="forest", num_workers=1))


@pytest.fixture(scope="module")
def record(run):
    return json.loads((run.output_dir / "training_config.json").read_text())


def test_sounds_of_no_class_are_no_class_and_are_mostly_rejected(run, record, sounds):
    assert record["labels"] == list(KNOWN)
    assert record["rejection"]["negatives"] == len(list((sounds / "train" / "_unknown_").iterdir()))
    told = run.metrics["rejection"]
    assert told["negatives"]["size"] == len(list((sounds / "test" / "_unknown_").iterdir()))
    assert told["accepted"] >= 0.8
    assert told["negatives"]["accepted"] <= 0.5
    for share in (told, told["negatives"]):
        assert share["interval"][0] <= share["accepted"] <= share["interval"][1]
    assert "none of these" in (run.output_dir / "README.md").read_text().lower()


def test_the_answers_are_those_that_the_scores_count(run, sounds):
    classifier = AudioClassifier.from_pretrained(run.output_dir)
    answers = classifier.answers(sorted((sounds / "test" / "_unknown_").iterdir()))
    passed = np.mean([answer.reason is None for answer in answers])
    assert passed == pytest.approx(run.metrics["rejection"]["negatives"]["accepted"])


def test_scores_are_calibrated_in_the_saved_model(run, record):
    calibration = run.metrics["calibration"]
    assert calibration["ece"] < calibration["ece_before"]  # a forest is far from sure enough
    assert record["calibration"]["temperature"] < 0.8
    config = json.loads((run.output_dir / "config.json").read_text())
    assert config["logit_scale"] == pytest.approx([1 / record["calibration"]["temperature"]] * 3)
    assert (run.output_dir / "reliability.png").stat().st_size > 10_000


def test_the_leak_report_compares_both_splits(run, record):
    report = record["leak_report"]
    assert report["groups"] == "ATTRIBUTION.csv"
    assert report["gap"]["accuracy"] == pytest.approx(report["grouped"]["accuracy"] - report["random"]["accuracy"])
    assert f"{report['grouped']['accuracy']:.3f}" in (run.output_dir / "README.md").read_text()


def test_pipeline_gives_the_plain_classes_with_nothing_of_ours_installed(run, sounds, tmp_path):
    file = next((sounds / "test" / "_unknown_").iterdir())
    samples, rate = AudioClassifier.from_pretrained(run.output_dir), 16000
    expected = samples(file)
    code = (
        "import sys, json; sys.modules['audiocls'] = None; import soundfile; from transformers import pipeline\n"
        f"classify = pipeline('audio-classification', model={str(run.output_dir)!r}, trust_remote_code=True)\n"
        f"array, rate = soundfile.read({str(file)!r}, dtype='float32'); assert rate == {rate}\n"
        "print(json.dumps(classify(array)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    given = {each["label"]: each["score"] for each in json.loads(done.stdout.splitlines()[-1])}
    assert given == pytest.approx({each["label"]: each["score"] for each in expected}, abs=1e-4)


def test_what_is_switched_off_is_not_done(sounds, tmp_path):
    config = TrainConfig(model="forest", calibrate=False, rejection=False, leak_report=False, num_workers=1)
    plain = train(sounds, tmp_path / "plain", config)
    record = json.loads((plain.output_dir / "training_config.json").read_text())
    assert record["calibration"] is record["rejection"] is record["leak_report"] is None
    assert plain.metrics.get("rejection") is None
    assert "ece_before" not in plain.metrics["calibration"]
    assert AudioClassifier.from_pretrained(plain.output_dir).known_threshold is None


def test_evaluate_writes_the_mistakes_and_doubtful_labels(run, sounds, tmp_path):
    data = shutil.copytree(sounds, tmp_path / "data")
    wrong = sorted((data / "test" / "drum").iterdir())[0]
    shutil.move(wrong, data / "test" / "speech" / wrong.name)  # a drum that is called speech
    metrics = audiocls.evaluate(run.output_dir, data, tmp_path / "out")
    assert metrics["rejection"]["negatives"] == run.metrics["rejection"]["negatives"]
    with open(tmp_path / "out" / "errors.csv", newline="") as file:
        mistakes = list(csv.DictReader(file))
    assert len(mistakes) == round((1 - metrics["accuracy"]) * metrics["size"]) > 0
    page = (tmp_path / "out" / "errors.html").read_text()
    assert page.count("<audio") >= len(mistakes)
    assert wrong.name in page
    with open(tmp_path / "out" / "mislabelled.csv", newline="") as file:
        assert f"test/speech/{wrong.name}" in [row["file"] for row in csv.DictReader(file)]
    audiocls.evaluate(run.output_dir, data, tmp_path / "quick", check_labels=False)
    assert not (tmp_path / "quick" / "mislabelled.csv").exists()


def test_too_few_clips_to_check_labels_is_said_on_the_page(run, sounds, tmp_path):
    for label in KNOWN:
        (tmp_path / "few" / label).mkdir(parents=True)
        shutil.copy(next((sounds / "test" / label).iterdir()), tmp_path / "few" / label)
    audiocls.evaluate(run.output_dir, tmp_path / "few", tmp_path / "out")
    assert "could not be checked" in (tmp_path / "out" / "errors.html").read_text()


def test_calibrating_again_from_the_command_line(run, sounds, tmp_path, capsys):
    for label in KNOWN:
        shutil.copytree(sounds / "test" / label, tmp_path / "mine" / label)
    shutil.copy(sounds / "ATTRIBUTION.csv", tmp_path / "mine")
    assert main(["calibrate", str(run.output_dir), str(tmp_path / "mine"), "--output_dir", str(tmp_path / "new")]) == 0
    assert "calibrated on" in capsys.readouterr().out
    again = AudioClassifier.from_pretrained(tmp_path / "new")
    assert again.known_threshold is not None
    with pytest.raises(DataError, match="divided into parts"):
        calibrate_model(run.output_dir, sounds, tmp_path / "other")
    assert (
        main(["calibrate", str(run.output_dir), str(tmp_path / "mine"), "--output_dir", "x", "--acceptance", "2"]) == 2
    )


def test_a_model_without_its_part_for_unknown_sounds_is_refused(run, tmp_path):
    folder = shutil.copytree(run.output_dir, tmp_path / "damaged")
    config = json.loads((folder / "config.json").read_text())
    config["rejection"]["views"] = {"nose": [0, 1]}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="rejection"):
        AudioClassifier.from_pretrained(folder)
