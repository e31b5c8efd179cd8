"""Forests and boosted trees from sounds to a model folder that anyone can load."""

import dataclasses
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file, save_file

from audiocls.classical import fit as fitting
from audiocls.classical.fit import fit_trees, inner_folds
from audiocls.classical.samples import Samples
from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data
from audiocls.errors import ModelError
from audiocls.inference.classifier import AudioClassifier
from audiocls.training.run import Run


@pytest.fixture(scope="module")
def audio(everyday_sounds):
    return load_audio_data(str(everyday_sounds), TrainConfig(num_workers=1, validation_size=0.0))


@pytest.fixture(scope="module", autouse=True)
def _fewer_trees():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "COUNTS", {"forest": [1, 5, 60], "boosting": [1, 5, 15, 30]})
        yield


@pytest.fixture(scope="module", params=["forest", "boosting"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def fitted(kind, audio):
    config = TrainConfig(model=kind, clip_seconds=2.0)
    return fit_trees(config, audio, Run(Accelerator()))


@pytest.fixture(scope="module")
def folder(fitted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trees") / "model"
    fitted.model.save_pretrained(folder)
    fitted.extractor.save_pretrained(folder)
    return folder


def waveforms(clips, count):
    return [np.array(clips.waveform(index)) for index in np.linspace(0, len(clips) - 1, count).astype(int)]


def test_it_learns_and_reports_how(fitted, audio, kind):
    classifier = AudioClassifier.of(fitted.model, fitted.extractor)
    clips = audio.test
    scores = classifier.predict_waveforms([clips.waveform(index) for index in range(len(clips))])
    assert (scores.argmax(1) == clips.targets).mean() > 0.7  # by chance 0.14
    assert fitted.axis == {"forest": "trees", "boosting": "round"}[kind]
    assert next(iter(fitted.history[0])) == fitted.axis
    assert fitted.best == fitted.history[-1][fitted.axis]
    losses = [row["validation_loss"] for row in fitted.history]
    assert losses[-1] == min(losses)
    assert losses[-1] < 1 < losses[0]
    assert fitted.history[-1]["train_accuracy"] > fitted.history[-1]["validation_accuracy"] > 0.7
    json.dumps(fitted.details)


def test_a_clip_scores_exactly_the_same_alone_and_in_any_batch(fitted, audio):
    classifier = AudioClassifier.of(fitted.model, fitted.extractor)
    clips = [*waveforms(audio.test, 12), waveforms(audio.test, 3)[1][:3000], np.zeros(100, np.float32)]
    alone = np.stack([classifier.predict_waveforms([clip])[0] for clip in clips])
    for batch_size in (3, 16):
        assert np.array_equal(classifier.predict_waveforms(clips, batch_size), alone)
    longest = max(map(len, clips))
    padded = torch.stack(
        [torch.from_numpy(np.pad(clip, (0, longest - len(clip)), constant_values=9)) for clip in clips]
    )
    mask = torch.stack([torch.arange(longest) < len(clip) for clip in clips])
    with torch.inference_mode():
        together = fitted.model(padded, mask).logits.softmax(-1).numpy()
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)


def test_company_does_not_change_a_digit_of_the_statistics(fitted, audio, monkeypatch):
    network = fitted.model.network
    seen = []

    def from_statistics(statistics):
        seen.extend(row.numpy().tobytes() for row in statistics)
        return type(network).from_statistics(network, statistics)

    monkeypatch.setattr(network, "from_statistics", from_statistics)
    classifier = AudioClassifier.of(fitted.model, fitted.extractor)
    clips = waveforms(audio.test, 16)
    classifier.predict_waveforms(clips)
    together, seen = set(seen), []
    for clip in clips:
        classifier.predict_waveforms([clip])
    assert set(seen) == together


def test_a_window_that_excludes_a_label_has_no_veto(fitted, audio):
    classifier = AudioClassifier.of(fitted.model, fitted.extractor)
    parts = [clip[:16000] for clip in waveforms(audio.test, 6) if len(clip) >= 16000][:2]
    windows = [np.tile(part, 2) for part in parts]  # two seconds each: a window
    whole = classifier.predict_waveforms([np.concatenate(windows)])[0]
    np.testing.assert_allclose(whole, classifier.predict_waveforms(windows).mean(0), atol=1e-6)


def test_saved_and_loaded_trees_say_the_same(fitted, folder, audio):
    loaded = AudioClassifier.from_pretrained(folder, device="cpu")
    clips = waveforms(audio.test, 8)
    expected = AudioClassifier.of(fitted.model, fitted.extractor).predict_waveforms(clips)
    assert np.array_equal(loaded.predict_waveforms(clips), expected)
    assert not [path for path in folder.iterdir() if path.suffix in (".bin", ".pkl", ".pt", ".joblib")]


PREDICT = """
import json, sys
sys.modules["audiocls"] = sys.modules["sklearn"] = None
import numpy as np
from transformers import pipeline
clips = list(np.load("clips.npz", allow_pickle=False).values())
for kind in ("forest", "boosting"):
    classify = pipeline("audio-classification", model=kind, trust_remote_code=True)
    print(json.dumps([classify(clips, top_k=None, batch_size=3), [classify(clip, top_k=None) for clip in clips]]))
"""


def test_pipeline_needs_neither_this_package_nor_scikit_learn(audio, tmp_path):
    few = dataclasses.replace(audio, train=audio.train.subset(range(0, 209, 4)))
    clips = waveforms(audio.test, 5)
    np.savez(tmp_path / "clips.npz", *clips)
    expected = []
    for kind in ("forest", "boosting"):
        fitted = fit_trees(TrainConfig(model=kind, clip_seconds=2.0), few, Run(Accelerator()))
        fitted.model.save_pretrained(tmp_path / kind)
        fitted.extractor.save_pretrained(tmp_path / kind)
        expected.append(AudioClassifier.of(fitted.model, fitted.extractor).predict_waveforms(clips))
    environment = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
    result = subprocess.run(
        [sys.executable, "-c", PREDICT], capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    for line, wanted in zip(result.stdout.splitlines()[-2:], expected, strict=True):
        for rows in json.loads(line):
            for row, scores in zip(rows, wanted, strict=True):
                found = {entry["label"]: entry["score"] for entry in row}
                assert found == pytest.approx(dict(zip(audio.labels, scores.tolist(), strict=True)), abs=1e-4)


@pytest.mark.parametrize("damage", ["a child that does not exist", "fewer nodes"])
def test_a_damaged_folder_is_refused_in_one_line(folder, tmp_path, damage):
    for path in folder.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    tensors = load_file(folder / "model.safetensors")
    if damage == "fewer nodes":
        tensors["network.below"] = tensors["network.below"][:-3].clone()
    else:
        tensors["network.below"][0] = 10**6
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="below") as caught:
        AudioClassifier.from_pretrained(tmp_path)
    assert "\n" not in str(caught.value)


def test_the_validation_part_chooses_when_there_is_one(kind, audio):
    few = dataclasses.replace(
        audio, train=audio.train.subset(range(0, 150, 2)), validation=audio.train.subset(range(1, 150, 4))
    )
    fitted = fit_trees(TrainConfig(model=kind), few, Run(Accelerator()))
    assert fitted.details["curve_measured_on"] == "the validation part"
    assert fitted.history[-1]["validation_accuracy"] > 0.3


def test_several_labels_a_clip(kind, audio):
    clips = audio.train.subset(range(0, 209, 4))
    both = np.stack([clips.targets < 3, clips.targets % 2 == 0], 1).astype(np.float32)
    clips.targets = both
    data = dataclasses.replace(
        audio, labels=["first three", "even"], multi_label=True, train=clips, validation=clips.subset([])
    )
    fitted = fit_trees(TrainConfig(model=kind), data, Run(Accelerator()))
    classifier = AudioClassifier.of(fitted.model, fitted.extractor)
    scores = classifier.predict_waveforms([clips.waveform(index) for index in range(len(clips))])
    assert ((scores > 0.5) == both).mean() > 0.9
    assert scores.sum(1).max() > 1.2


def test_two_clips_a_class_suffice(kind, audio):
    chosen = [index for label in range(7) for index in np.flatnonzero(audio.train.targets == label)[[0, -1]]]
    said = []
    fitted = fit_trees(
        TrainConfig(model=kind),
        dataclasses.replace(audio, train=audio.train.subset(chosen)),
        Run(Accelerator(), say=said.append),
    )
    assert fitted.history[-1]["train_accuracy"] > 0.5
    assert len(said) == 1


def test_inner_folds_keep_groups_together():
    rng = np.random.default_rng(0)
    targets = np.eye(3)[rng.integers(0, 3, 60)]
    some = Samples(np.zeros((60, 1), np.float32), np.arange(60), targets, rng.integers(0, 12, 60))
    folds = inner_folds(some, seed=1)
    assert sorted(np.concatenate([held for _, held in folds]).tolist()) == list(range(60))
    for train, held in folds:
        assert not set(some.groups[train]) & set(some.groups[held])
    one_group = dataclasses.replace(some, groups=np.zeros(60, np.int64))
    assert inner_folds(one_group, seed=1) == []
