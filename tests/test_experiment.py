"""From a folder to a complete model folder, whatever interrupts it on the way, and every way to use the result."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
import torch
from huggingface_hub import ModelCard
from safetensors.torch import load_file
from transformers import pipeline

import audiocls
from audiocls.card.examples import example_clips
from audiocls.comparison import auto
from audiocls.comparison.candidates import Candidate
from audiocls.config import TrainConfig
from audiocls.errors import DataError, ModelError, OutputError, UsageError
from audiocls.experiment import train
from tests.small_models import MODEL_FOLDER

QUICK = TrainConfig(num_epochs=2, clip_seconds=0.5, batch_size=4, num_workers=1)
COMPLETE = MODEL_FOLDER | {
    "modeling_audiocls.py",
    "configuration_audiocls.py",
    "networks.py",
    "acoustic_features.py",
}


@pytest.fixture(scope="module")
def bundled_run(everyday_sounds, tmp_path_factory):
    """A short training on the bundled sounds."""
    folder = tmp_path_factory.mktemp("runs") / "everyday"
    return train(everyday_sounds, folder, TrainConfig(num_epochs=2, clip_seconds=1.0))


def test_the_model_folder_is_complete(bundled_run):
    folder = bundled_run.output_dir
    assert {path.name for path in folder.iterdir()} >= COMPLETE
    assert not folder.with_name(folder.name + ".partial").exists()
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["size"] == 70
    assert metrics["split"] == "test"
    assert metrics["intervals"]["accuracy"][0] <= metrics["accuracy"] <= metrics["intervals"]["accuracy"][1]
    with open(folder / "predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 70
    right = sum(row["true_label"] == row["predicted_label"] for row in rows)
    assert right / 70 == pytest.approx(metrics["accuracy"])
    with open(folder / "results.csv", newline="") as file:
        epochs = list(csv.DictReader(file))
    assert [row["epoch"] for row in epochs] == ["1", "2"]
    for part in ("train", "validation"):
        assert all(float(row[f"{part}_{name}"]) >= 0 for row in epochs for name in ("loss", "accuracy", "f1"))
    history = json.loads((folder / "training_hist.json").read_text())
    assert len(history["loss"]) == len(history["val_accuracy"]) == 2
    settings = json.loads((folder / "training_config.json").read_text())["settings"]
    assert TrainConfig.from_dict(settings).clip_seconds == 1.0


def test_a_clip_of_each_class_is_there_to_try_with_its_origin(bundled_run):
    found = example_clips(bundled_run.output_dir)
    assert [label for label, _ in found] == ["animal", "drum", "metal", "music", "speech", "water", "wood"]
    for _, path in found:
        info = soundfile.info(bundled_run.output_dir / path)
        assert (info.samplerate, info.channels) == (16000, 1)
        assert info.duration <= 5
    with open(bundled_run.output_dir / "examples" / "ATTRIBUTION.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [f"examples/{row['file']}" for row in rows] == [path for _, path in found]
    assert all(row["licence"] and row["made_from"].startswith("test/") for row in rows)
    assert "examples/ATTRIBUTION.csv" in (bundled_run.output_dir / "README.md").read_text()


def test_the_card_is_valid_and_tells_the_truth(bundled_run):
    card = ModelCard.load(bundled_run.output_dir / "README.md")
    assert card.data.pipeline_tag == "audio-classification"
    assert card.data.library_name == "transformers"
    reported = {result.metric_type: result.metric_value for result in card.data.eval_results}
    assert reported["accuracy"] == pytest.approx(bundled_run.metrics["accuracy"], abs=1e-4)
    for text in ("trust_remote_code=True", "95%", "confusion_matrix.png", "curves.png", "70 clips", "CC-BY-SA"):
        assert text in card.text


def test_nothing_in_the_folder_names_this_machine(bundled_run, everyday_sounds):
    for path in bundled_run.output_dir.iterdir():
        if path.suffix in (".json", ".md", ".csv", ".py"):
            text = path.read_text(encoding="utf-8")
            assert str(everyday_sounds) not in text
            assert str(bundled_run.output_dir.parent) not in text


def test_every_way_to_predict_gives_the_same_scores(bundled_run, everyday_sounds, capsys):
    # Not the shortest clips: of an Ogg file of a single page FFmpeg 5.1, which pipeline decodes paths with, miscounts
    # the end by some hundred samples.
    names = ("speech/speech_00.ogg", "music/music_01.ogg", "wood/wood_03.ogg")
    files = [everyday_sounds / "test" / name for name in names]
    classifier = audiocls.AudioClassifier.from_pretrained(bundled_run.output_dir)
    expected = [{row["label"]: row["score"] for row in classifier(path)} for path in files]

    def same(answers):
        for scores, answer in zip(expected, answers, strict=True):
            assert {row["label"]: row["score"] for row in answer} == pytest.approx(scores, abs=1e-4)

    same(classifier(files))
    same(classifier([path.read_bytes() for path in files]))
    arrays = [soundfile.read(path, dtype="float32")[0] for path in files]
    same([classifier(array, sampling_rate=16000) for array in arrays])
    pipe = pipeline("audio-classification", model=str(bundled_run.output_dir))
    same([pipe(str(path), top_k=None) for path in files])  # through ffmpeg
    same(pipe(arrays, top_k=None, batch_size=3))
    same([pipe({"array": array, "sampling_rate": 16000}, top_k=None) for array in arrays])
    from audiocls.cli import main

    assert main(["predict", str(bundled_run.output_dir), *map(str, files), "--format", "jsonl", "--top_k", "0"]) == 0
    same([json.loads(line)["predictions"] for line in capsys.readouterr().out.splitlines()])
    with open(bundled_run.output_dir / "predictions.csv", newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    for path, scores in zip(files, expected, strict=True):
        row = rows[path.relative_to(everyday_sounds).as_posix()]
        assert {name: float(row[f"score:{name}"]) for name in scores} == pytest.approx(scores, abs=1e-4)


def test_evaluating_again_gives_the_scores_of_the_card(bundled_run, everyday_sounds, tmp_path):
    metrics = audiocls.evaluate(bundled_run.output_dir, everyday_sounds, tmp_path / "out")
    assert metrics["accuracy"] == pytest.approx(bundled_run.metrics["accuracy"])
    assert metrics["size"] == 70
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "metrics.json",
        "predictions.csv",
        "confusion_matrix.png",
        "reliability.png",
        "errors.html",
        "errors.csv",
        "mislabelled.csv",
    }
    with pytest.raises(OutputError, match="exists"):
        audiocls.evaluate(bundled_run.output_dir, everyday_sounds, tmp_path / "out")


def test_two_classes_with_binary_cross_entropy(make_folder, tmp_path):
    config = TrainConfig(**{**QUICK.to_dict(), "loss": "binary_cross_entropy"})
    result = train(make_folder(tmp_path / "data", low=6, high=6), tmp_path / "run", config)
    clip = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    scores = [row["score"] for row in pipeline("audio-classification", model=str(result.output_dir))(clip)]
    assert sum(scores) == pytest.approx(1)
    assert len(scores) == 2


def test_several_labels_a_clip(make_tone, tmp_path):
    root = tmp_path / "data"
    rows = ["file_name,labels"]
    for k in range(12):
        labels = ["low|loud", "low", "high", "high|loud"][k % 4]
        make_tone(root / f"{k}.wav", hz=300 if "low" in labels else 2000)
        rows.append(f"{k}.wav,{labels}")
    (root / "metadata.csv").write_text("\n".join(rows))
    result = train(root, tmp_path / "run", QUICK)
    clip = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    answer = pipeline("audio-classification", model=str(result.output_dir))(clip)
    assert {row["label"] for row in answer} == {"high", "loud", "low"}
    logits = audiocls.AudioClassifier.from_pretrained(result.output_dir).model(torch.from_numpy(clip)[None]).logits
    by_label = {row["label"]: row["score"] for row in answer}
    assert by_label["high"] == pytest.approx(float(logits.detach().sigmoid()[0, 0]), abs=1e-4)


def test_little_data_still_trains(make_folder, tmp_path):
    result = train(make_folder(tmp_path / "data", low=3, high=3), tmp_path / "run", QUICK)
    assert result.metrics["size"] == 2
    assert {path.name for path in result.output_dir.iterdir()} >= COMPLETE


@pytest.mark.parametrize(
    "settings",
    [
        {"features": "mfcc"},
        {"features": "mfcc+chroma+spectral_contrast"},
        {"sampling_rate": 44100, "n_mels": 128, "image_size": (128, 128)},
        {"sampling_rate": 8000, "optimizer": "adam", "class_weights": "balanced", "mixup": 0.0, "spec_augment": False},
    ],
)
def test_every_kind_of_features_trains_and_loads(make_folder, tmp_path, settings):
    config = TrainConfig(**{**QUICK.to_dict(), "n_fft": 0, "hop_length": 0, **settings})
    result = train(make_folder(tmp_path / "data", low=4, high=4), tmp_path / "run", config)
    classifier = audiocls.AudioClassifier.from_pretrained(result.output_dir)
    assert classifier.sampling_rate == config.sampling_rate
    clip = np.random.default_rng(0).normal(0, 0.1, 3 * config.sampling_rate).astype(np.float32)
    scores = classifier.scores(clip, sampling_rate=config.sampling_rate)
    assert np.isfinite(scores).all()


def test_wrong_use_fails_before_anything_is_written(make_folder, tmp_path):
    data = make_folder(tmp_path / "data", low=3, high=3, middle=3)
    (tmp_path / "taken").mkdir()
    with pytest.raises(UsageError, match="overwrite"):
        train(data, tmp_path / "taken", QUICK)
    with pytest.raises(UsageError, match="two classes"):
        train(data, tmp_path / "run", TrainConfig(**{**QUICK.to_dict(), "loss": "binary_cross_entropy"}))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError):
        train(tmp_path / "empty", tmp_path / "run", QUICK)
    assert not (tmp_path / "run").exists()


def test_a_training_that_fails_leaves_nothing(make_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(auto, "suitable", lambda config: [Candidate("forest", config.replaced(model="forest"))])
    data = make_folder(tmp_path / "data", low=6, high=6)
    config = TrainConfig(model="auto", budget_minutes=0.01, num_workers=1)
    with pytest.raises(UsageError, match=r"budget_minutes is 0\.01"):
        train(data, tmp_path / "run", config)
    with pytest.raises(ModelError, match="audiocls weights"):
        train(data, tmp_path / "run", TrainConfig(model="probe:no-such-model"))
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


def test_a_killed_run_resumes_to_the_weights_of_an_uninterrupted_one(make_folder, tmp_path):
    data = make_folder(tmp_path / "data", low=8, high=8)
    settings = ["--num_epochs=25", "--clip_seconds=0.5", "--batch_size=4", "--num_workers=1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}

    def command(output_dir, *more):
        return [
            sys.executable,
            "-m",
            "audiocls.cli",
            "train",
            str(data),
            "--output_dir",
            str(output_dir),
            *settings,
            *more,
        ]

    straight, killed = tmp_path / "straight", tmp_path / "killed"
    subprocess.run(command(straight), check=True, capture_output=True, env=environment)
    process = subprocess.Popen(command(killed), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    checkpoint = tmp_path / "killed.partial" / "checkpoint.safetensors"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert checkpoint.exists()
    assert not killed.exists(), "the run ended before it could be killed"
    refused = subprocess.run(command(killed), capture_output=True, text=True, env=environment)
    assert refused.returncode == 2
    assert "--resume" in refused.stderr
    resumed = subprocess.run(command(killed, "--resume"), capture_output=True, text=True, env=environment)
    assert resumed.returncode == 0, resumed.stderr
    assert "resuming after epoch" in resumed.stdout
    first, second = (load_file(folder / "model.safetensors") for folder in (straight, killed))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_an_interrupt_says_how_to_go_on(make_folder, tmp_path):
    data = make_folder(tmp_path / "data", low=8, high=8)
    command = [sys.executable, "-m", "audiocls.cli", "train", str(data), "--output_dir", str(tmp_path / "run")]
    process = subprocess.Popen(
        [*command, "--num_epochs=1000", "--clip_seconds=0.5"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
        # a shell that starts the tests in the background has them, and so this, ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    checkpoint = tmp_path / "run.partial" / "checkpoint.safetensors"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume" in out
    assert "Traceback" not in err
