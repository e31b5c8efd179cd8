"""Every kind of model makes a complete model folder, and every way to use that folder gives the same scores."""

import csv
import json

import numpy as np
import pytest
import soundfile
from huggingface_hub import ModelCard
from safetensors.torch import load_file
from transformers import pipeline

import audiocls
from audiocls.cli import main
from audiocls.config import TrainConfig
from audiocls.ui.sounds import read_sound
from tests.small_models import MODEL_FOLDER
from tests.tiny_trainings import BARE, KINDS, QUICK, train_kind, write_sounds, write_tiny_whisper


@pytest.fixture(scope="module")
def sounds(make_tone, tmp_path_factory):
    """Two classes of tones in noise, of several lengths, one clip longer than the window."""
    return write_sounds(tmp_path_factory.mktemp("sounds"), make_tone)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    """A tiny Whisper with random weights."""
    return write_tiny_whisper(tmp_path_factory.mktemp("backbone") / "tiny")


@pytest.fixture(scope="module", params=KINDS)
def trained(request, sounds, backbone, tmp_path_factory):
    """A short training of each kind."""
    kind = request.param
    return kind, train_kind(kind, sounds, backbone, tmp_path_factory.mktemp("runs") / kind)


def test_the_folder_is_complete_and_holds_no_pickle(trained, sounds, backbone):
    kind, result = trained
    names = {path.name for path in result.output_dir.iterdir()}
    assert names >= MODEL_FOLDER
    assert not [name for name in names if name.endswith((".bin", ".pkl", ".pt", ".joblib"))]
    assert load_file(result.output_dir / "model.safetensors")
    card = ModelCard.load(result.output_dir / "README.md")
    assert card.data.pipeline_tag == "audio-classification"
    assert ("trust_remote_code" in card.text) == (kind not in BARE)
    if kind == "auto":
        assert names >= {"leaderboard.csv", "leaderboard.png"}
        assert all(name in card.text for name in (*QUICK, "leaderboard.png"))
    with open(result.output_dir / "results.csv", newline="") as file:
        assert list(csv.DictReader(file))
    settings = json.loads((result.output_dir / "training_config.json").read_text())["settings"]
    assert TrainConfig.from_dict(settings).kind == kind
    for path in result.output_dir.iterdir():
        if path.suffix in (".json", ".csv", ".py", ".md"):
            text = path.read_text(encoding="utf-8")
            assert str(sounds) not in text, path.name
            assert str(backbone) not in text, path.name


def test_every_way_to_predict_gives_the_same_scores(trained, sounds, capsys):
    kind, result = trained
    folder = result.output_dir
    files = [sounds / name for name in ("low/low_1.wav", "high/high_0.wav", "high/high_5.wav")]
    if kind in BARE:
        files.pop()  # of a clip over one window pipeline sees the first window only, as the card says
    classifier = audiocls.AudioClassifier.from_pretrained(folder)
    expected = [{row["label"]: row["score"] for row in classifier(path)} for path in files]

    def same(answers):
        for scores, answer in zip(expected, answers, strict=True):
            assert {row["label"]: row["score"] for row in answer} == pytest.approx(scores, abs=1e-4)

    same(classifier(files))
    arrays = [soundfile.read(path, dtype="float32")[0] for path in files]
    same([classifier(array, sampling_rate=16000) for array in arrays])
    pipe = pipeline("audio-classification", model=str(folder))
    same([pipe(str(path), top_k=None) for path in files])
    same(pipe(arrays, top_k=None, batch_size=len(arrays)))
    rows = [classifier.scores(read_sound(str(path), classifier.sampling_rate), sampling_rate=16000)
            for path in files]  # fmt: skip
    same([[{"label": name, "score": s} for name, s in zip(classifier.labels, row[0], strict=True)] for row in rows])
    assert main(["predict", str(folder), *map(str, files), "--format", "jsonl", "--top_k", "0"]) == 0
    same([json.loads(line)["predictions"] for line in capsys.readouterr().out.splitlines()])


def test_what_can_be_heard_at_once_is_told_apart(trained, sounds):
    kind, result = trained
    if kind in ("forest", "boosting", "auto"):
        assert result.metrics["accuracy"] == 1.0
    metrics = audiocls.evaluate(result.output_dir, sounds)
    assert np.isfinite(metrics["accuracy"])
