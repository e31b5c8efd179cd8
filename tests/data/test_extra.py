"""Extra clips are trained on and never measured on; scores are of the same clips with them and without."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import soundfile

from audiocls import AudioClassifier
from audiocls.comparison.cross_validation import cross_validate
from audiocls.comparison.folds import learning_clips, make_folds
from audiocls.comparison.material import Material
from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data
from audiocls.data.extra import extra_items, with_extra
from audiocls.data.listing import Listing
from audiocls.errors import DataError, UsageError
from audiocls.experiment import train
from audiocls.training.run import Run
from tests.small_models import SOUNDS
from tests.tiny_trainings import train_kind, write_sounds, write_tiny_whisper


@pytest.fixture(scope="module")
def sounds(make_tone, tmp_path_factory):
    return write_sounds(tmp_path_factory.mktemp("sounds"), make_tone)


@pytest.fixture(scope="module")
def corrections(make_tone, tmp_path_factory):
    """Five clips each of a class that the data has, under another case, and of a new one."""
    root = tmp_path_factory.mktemp("corrections")
    for clip in range(5):
        make_tone(root / "LOW" / f"{clip}.wav", hz=5200.0 + 40 * clip, seconds=0.6)
        make_tone(root / "middle" / f"{clip}.wav", hz=1000.0 + 11 * clip, seconds=0.5)
    return root


def config(folder=None, **changes):
    values = {"model": "forest", "num_workers": 1, "validation_size": 0.1} | changes
    return TrainConfig(extra_folder=None if folder is None else str(folder), **values)


def test_validation_and_test_are_those_without_it(sounds, corrections):
    plain, more = load_audio_data(str(sounds), config()), load_audio_data(str(sounds), config(corrections))
    for part in ("train", "validation", "test"):
        assert getattr(more, part).files == getattr(plain, part).files
    assert more.labels == ["high", "low", "middle"]  # "LOW" is the data's "low"
    learnt = with_extra(more)
    assert len(learnt.train) == len(plain.train) + 10
    assert sorted(learnt.train.files[-10:]) == sorted(more.extra.files)
    named = [more.labels[target] for target in more.extra.targets]
    assert named.count("low") == named.count("middle") == 5
    assert more.extra_record["by_label"] == {"low": 5, "middle": 5}
    assert more.extra_record["new_labels"] == ["middle"]
    assert "10 more training clips" in more.split_note
    assert any("in no test or validation part: middle" in line for line in more.warnings)
    first = learnt.train.waveform(len(plain.train))
    given, _ = soundfile.read(corrections / more.extra.files[0].removeprefix("extra_folder/"), dtype="float32")
    np.testing.assert_allclose(first, given, atol=1e-6)


def test_copies_of_what_is_measured_are_left_out(sounds, make_tone, tmp_path):
    audio = load_audio_data(str(sounds), config())
    for part in (audio.test, audio.validation, audio.train):
        copied = sounds / part.files[0]
        (tmp_path / "extra" / "other").mkdir(parents=True, exist_ok=True)
        shutil.copy(copied, tmp_path / "extra" / "other" / copied.name)
    make_tone(tmp_path / "extra" / "other" / "own.wav", hz=1500.0)
    more = load_audio_data(str(sounds), config(tmp_path / "extra"))
    kept = {file.rpartition("/")[2] for file in more.extra.files}
    assert kept == {"own.wav", audio.train.files[0].rpartition("/")[2]}
    assert len(more.extra_record["left_out"]) == 2
    assert any("2 clips are left out" in line for line in more.warnings)


def test_copies_by_ear_are_left_out_too(tmp_path):
    for label in ("water", "speech"):
        shutil.copytree(SOUNDS / label, tmp_path / "sounds" / label)
    audio = load_audio_data(str(tmp_path / "sounds"), config())
    for number, part in enumerate((audio.test, audio.train)):
        waveform, rate = soundfile.read(tmp_path / "sounds" / part.files[0])
        (tmp_path / "extra" / "water").mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / "extra" / "water" / f"{number}.flac", 0.5 * waveform[300:], rate)
    more = load_audio_data(str(tmp_path / "sounds"), config(tmp_path / "extra"))
    assert more.extra_record["left_out"] == ["extra_folder/water/0.flac"]
    assert more.extra.files == ["extra_folder/water/1.flac"]
    learnt = with_extra(more).train
    assert learnt.groups[learnt.files.index(audio.train.files[0])] == learnt.groups[-1] is not None


def test_in_a_fold_copies_of_its_held_out_clips_are_not_learnt(sounds, tmp_path):
    audio = load_audio_data(str(sounds), config())
    copied = sounds / audio.train.files[0]
    (tmp_path / "extra" / "low").mkdir(parents=True)
    shutil.copy(copied, tmp_path / "extra" / "low" / copied.name)
    more = load_audio_data(str(sounds), config(tmp_path / "extra"))
    assert len(more.extra) == 1
    rest = more.train.subset(range(1, len(more.train)))
    held_out = dataclasses.replace(more, train=rest, test=more.train.subset([0]))
    assert len(with_extra(held_out).train) == len(more.train) - 1
    held_out = dataclasses.replace(more, train=more.train.subset(range(len(more.train) - 1)))
    assert len(with_extra(held_out).train) == len(more.train)


def test_folds_hold_none_of_them_and_train_on_all(sounds, corrections, monkeypatch):
    from accelerate import Accelerator

    from audiocls.classical import fit

    settings = config(corrections)
    material = Material(str(sounds), settings)
    audio = material.audio
    folds = make_folds(audio, 3, 0)
    assert len(folds) == len(learning_clips(audio)) == 24 - len(audio.test)
    seen = []
    fit_trees = fit.fit_trees
    monkeypatch.setattr(fit, "fit_trees", lambda c, a, r: seen.append(list(a.train.files)) or fit_trees(c, a, r))
    result = cross_validate(settings, audio, folds, Run(Accelerator(), curves=False))
    assert np.isfinite(result.scores).all()
    assert [sum(file.startswith("extra_folder/") for file in files) for files in seen] == [10, 10, 10]
    at_8k = material.at(8000)
    assert at_8k.extra.files == audio.extra.files
    assert at_8k.extra.sampling_rate == 8000


def test_sounds_of_no_class_are_learnt_as_such(sounds, make_tone, tmp_path):
    for clip in range(3):
        make_tone(tmp_path / "_unknown_" / f"{clip}.wav", hz=4000.0 + clip)
    more = load_audio_data(str(sounds), config(tmp_path))
    assert more.labels == ["high", "low"]
    assert len(more.extra) == 0
    assert len(more.negatives) == 3
    assert len(more.test_negatives) == 0
    assert more.extra_record["negatives"] == 3


def test_what_cannot_be_used_is_told(sounds, tmp_path):
    with pytest.raises(DataError, match=r"extra_folder: .*no such folder"):
        load_audio_data(str(sounds), config(tmp_path / "none"))
    (tmp_path / "several").mkdir()
    soundfile.write(tmp_path / "several" / "a.wav", np.sin(np.arange(8000)), 16000)
    (tmp_path / "several" / "metadata.csv").write_text("file_name,labels\na.wav,low|high\n")
    with pytest.raises(DataError, match="several labels each"):
        load_audio_data(str(sounds), config(tmp_path / "several"))
    with pytest.raises(UsageError, match="streaming"):
        extra_items(str(sounds), Listing(streamed=True))


@pytest.mark.parametrize("kind", ["forest", "boosting", "cnn1d", "probe", "finetune", "auto"])
def test_a_correction_is_learnt_by_every_kind(kind, sounds, corrections, tmp_path):
    backbone = write_tiny_whisper(tmp_path / "tiny") if kind in ("probe", "finetune") else tmp_path
    result = train_kind(kind, sounds, backbone, tmp_path / "run", extra_folder=str(corrections), leak_report=False)
    record = json.loads((result.output_dir / "training_config.json").read_text())
    assert record["extra"]["clips"] == 10
    assert record["settings"]["extra_folder"] == corrections.name
    assert record["clips"]["train"] >= 10
    assert "10 more training clips" in (result.output_dir / "README.md").read_text()
    classifier = AudioClassifier.from_pretrained(result.output_dir)
    assert classifier.labels == ["high", "low", "middle"]
    if kind in ("forest", "boosting", "auto"):
        files = [corrections / label / f"{clip}.wav" for label in ("LOW", "middle") for clip in range(5)]
        assert [row[0]["label"] for row in classifier(files)] == ["low"] * 5 + ["middle"] * 5


def test_a_model_that_was_wrong_is_right_after_the_correction(sounds, make_tone, tmp_path):
    heard = make_tone(tmp_path / "heard.wav", hz=5200.0, seconds=0.6)
    before = train(sounds, tmp_path / "before", config())
    assert AudioClassifier.from_pretrained(before.output_dir)(heard)[0]["label"] == "high"
    for clip in range(4):
        make_tone(tmp_path / "extra" / "low" / f"{clip}.wav", hz=5190.0 + 5 * clip, seconds=0.6)
    after = train(sounds, tmp_path / "after", config(tmp_path / "extra"))
    assert AudioClassifier.from_pretrained(after.output_dir)(heard)[0]["label"] == "low"
    assert after.metrics["size"] == before.metrics["size"]
