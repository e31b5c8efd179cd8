"""Likely wrong labels in real sounds: those that were made wrong are found, in all parts, by a cheap kind of model."""

import dataclasses

import numpy as np
import pytest
from accelerate import Accelerator

from audiocls.comparison import mislabelled
from audiocls.comparison.mislabelled import judges, likely_mislabelled, suspects_in
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
    suspects = likely_mislabelled(audio, [FOREST], run)
    first = suspects.found[: len(audio.train) // 10]
    assert len({each.index for each in first} & set(flipped)) >= 7
    assert suspects.clips.files == audio.train.files
    assert suspects.origin.startswith(f"forest on {len(audio.train)} clips, each clip by models that had not learnt it")


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
    suspects = likely_mislabelled(audio, [FOREST], run)
    assert not any("low" in file for file in suspects.clips.files)
    assert "all its clips are of one group: low" in suspects.origin
    train.groups = ["a", "b", *["c"] * (len(train) - 2)]
    with pytest.raises(DataError, match="fewer than two classes"):
        likely_mislabelled(audio, [FOREST], run)


def test_judges_are_cross_validated_where_they_have_no_answers_of_their_own_and_averaged(tones, seen, run):
    audio = dataclasses.replace(tones, test=tones.train.subset([]), validation=tones.train.subset([]))
    two = [FOREST.replaced(model=kind) for kind in ("cnn", "crnn")]
    suspects = likely_mislabelled(audio, two, run)
    assert suspects.origin.startswith("cnn and crnn on")
    assert [call.config.kind for call in seen] == ["cnn"] * 5 + ["crnn"] * 5
    for call in seen:
        assert len(call.audio.train) + len(call.audio.test) == len(audio.train)


def test_judges_are_cheap_and_hear_at_one_rate(no_weights, config):
    [own] = judges(config.replaced(model="boosting", n_mels=40))
    assert own.n_mels == 40
    [judge] = judges(config.replaced(model="cnn", label_regex="(.)", seed=7, sampling_rate=8000))
    assert (judge.kind, judge.label_regex, judge.seed) == ("forest", "(.)", 7)


def test_with_weights_at_hand_there_are_two(monkeypatch, config):
    monkeypatch.setattr(mislabelled, "is_model_folder", lambda path: path.name == "whisper-tiny.en")
    monkeypatch.setattr(mislabelled, "prepared", lambda config: config.replaced(sampling_rate=16000))
    assert [judge.model for judge in judges(config)] == ["probe:whisper-tiny.en", "forest"]
