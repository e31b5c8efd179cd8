"""Likely wrong labels in real sounds: those that were made wrong are found, in all parts, by a cheap kind of model."""

import dataclasses

import numpy as np
import pytest
from accelerate import Accelerator

from audiocls.comparison import mislabelled
from audiocls.comparison.mislabelled import cheap_config, likely_mislabelled, suspects_in
from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data
from audiocls.errors import DataError
from audiocls.training.run import Run

FOREST = TrainConfig(model="forest", num_workers=1, allow_leaks=True, validation_size=0.0)


@pytest.fixture
def run():
    return Run(Accelerator())


@pytest.fixture
def no_weights(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path))


def test_labels_that_were_made_wrong_are_among_the_first(everyday_sounds, run):
    audio = load_audio_data(str(everyday_sounds), FOREST)
    audio = dataclasses.replace(audio, test=audio.train.subset([]))
    flipped = np.random.default_rng(5).choice(len(audio.train), 10, replace=False)
    audio.train.targets = audio.train.targets.copy()
    audio.train.targets[flipped] = (audio.train.targets[flipped] + 3) % len(audio.labels)
    suspects = likely_mislabelled(audio, FOREST, run)
    first = suspects.found[: len(audio.train) // 10]
    assert len({each.index for each in first} & set(flipped)) >= 7
    assert suspects.clips.files == audio.train.files
    assert "forest, trained on" in suspects.origin


def test_all_parts_are_looked_at_and_much_data_is_drawn_from(everyday_sounds, run):
    suspects = suspects_in(str(everyday_sounds), FOREST.replaced(allow_leaks=False), run, most_clips=120)
    assert {file.split("/")[0] for file in suspects.clips.files} == {"train", "test"}
    assert 115 <= len(suspects.clips) <= 127
    assert "drawn from 279" in suspects.origin
    assert all(suspects.clips.files[each.index] == each.file for each in suspects.found)


def test_a_class_of_one_recording_is_left_out_and_named(tones, run):
    groups = [f"take {file}" if "low" not in file else "one take" for file in tones.train.files]
    train = tones.train.subset(range(len(tones.train)))
    train.groups = groups
    nothing = tones.train.subset([])
    audio = dataclasses.replace(tones, train=train, validation=nothing, test=nothing)
    suspects = likely_mislabelled(audio, FOREST, run)
    assert not any("low" in file for file in suspects.clips.files)
    assert "all its clips are of one group: low" in suspects.origin
    train.groups = ["a", "b", *["c"] * (len(train) - 2)]
    with pytest.raises(DataError, match="fewer than two classes"):
        likely_mislabelled(audio, FOREST, run)


def test_a_kind_without_answers_of_its_own_is_cross_validated(tones, seen, run, monkeypatch):
    monkeypatch.setattr(mislabelled, "fit_kind", mislabelled.cross_validate.__globals__["fit_kind"])
    audio = dataclasses.replace(tones, test=tones.train.subset([]), validation=tones.train.subset([]))
    suspects = likely_mislabelled(audio, FOREST, run)
    assert "of its group (5 grouped folds)" in suspects.origin
    assert len(seen) == 1 + 5


def test_the_models_own_kind_is_used_where_it_is_cheap(no_weights, config):
    assert cheap_config(config.replaced(model="boosting", n_mels=40)).n_mels == 40
    judge = cheap_config(config.replaced(model="cnn", label_regex="(.)", seed=7))
    assert (judge.kind, judge.label_regex, judge.seed) == ("forest", "(.)", 7)
