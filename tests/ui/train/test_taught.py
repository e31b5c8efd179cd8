"""Sounds taught by recordings: real sounds with pauses between them are cut into clips of a class."""

import csv

import numpy as np
import pytest
import soundfile

from audiocls.data.sources import find_source
from audiocls.errors import DataError, UsageError
from audiocls.ui import limits
from audiocls.ui.train import taught as module
from audiocls.ui.train.taught import TaughtSounds, advice
from tests.small_models import SOUNDS
from tests.ui.train.lessons import write_lesson


@pytest.fixture
def sounds(tmp_path):
    return TaughtSounds(tmp_path / "taught")


def test_a_recording_with_pauses_becomes_its_examples(sounds, tmp_path):
    made = sounds.add("drum", write_lesson(tmp_path / "lesson.wav", "drum", 5))
    assert len(made) == 5
    for clip, file in zip(made, sorted((SOUNDS / "drum").iterdir()), strict=False):
        assert clip.label == "drum"
        assert abs(clip.seconds - soundfile.info(file).duration) < 1.0
    assert [clip.key for clip in sounds.clips()] == [clip.key for clip in made]


def test_a_sound_without_pauses_is_cut_evenly(sounds, tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.1, 16000 * 9)
    soundfile.write(tmp_path / "rain.wav", noise, 16000)
    made = sounds.add("rain", tmp_path / "rain.wav")
    assert sum(clip.seconds for clip in made) == pytest.approx(9, abs=0.05)
    assert all(1 < clip.seconds < 4.5 for clip in made)


def test_a_silent_recording_leaves_nothing_and_is_explained(sounds, tmp_path):
    soundfile.write(tmp_path / "silent.wav", np.zeros(32000), 16000)
    with pytest.raises(DataError, match="Nothing is heard"):
        sounds.add("cat", tmp_path / "silent.wav")
    assert sounds.by_class() == {}
    assert not (sounds.root / "cat").exists()


def test_the_advice_follows_what_is_there(sounds, tmp_path):
    assert "Name a sound" in advice(sounds.by_class())
    sounds.add("drum", write_lesson(tmp_path / "a.wav", "drum", 6))
    assert "another sound" in advice(sounds.by_class())
    sounds.add("water", write_lesson(tmp_path / "b.wav", "speech", 1))
    assert "record more of water" in advice(sounds.by_class())
    sounds.add("water", write_lesson(tmp_path / "c.wav", "speech", 6))
    assert "Enough to try" in advice(sounds.by_class())


def test_a_clip_or_a_class_is_deleted_and_nothing_else(sounds, tmp_path):
    first, second = sounds.add("drum", write_lesson(tmp_path / "a.wav", "drum", 2))
    kept = sounds.add("metal", write_lesson(tmp_path / "b.wav", "metal", 1))
    outside = tmp_path / "outside.wav"
    outside.write_bytes(b"mine")
    for key in ("../outside.wav", str(outside), "drum/../../outside.wav", None, 3, ["drum"]):
        assert sounds.find(key) is None
        sounds.delete(key)
    assert outside.exists()
    assert len(sounds.clips()) == 2 + len(kept)
    sounds.delete(first.key)
    assert [clip.key for clip in sounds.by_class()["drum"]] == [second.key]
    sounds.delete("drum")
    assert list(sounds.by_class()) == ["metal"]


@pytest.mark.parametrize("name", ["", "   ", None, "x" * 200])
def test_a_sound_needs_a_usable_name(sounds, tmp_path, name):
    with pytest.raises(UsageError, match=r"[Nn]ame"):
        sounds.add(name, write_lesson(tmp_path / "a.wav", "drum", 1))


def test_names_that_would_lead_elsewhere_stay_inside(sounds, tmp_path):
    lesson = write_lesson(tmp_path / "a.wav", "drum", 1)
    for name in ("../../up", "/etc/x", "..", "a\\b", ".hidden"):
        for clip in sounds.add(name, lesson):
            assert clip.path.resolve().is_relative_to(sounds.root.resolve())
    assert {path.name for path in tmp_path.iterdir()} == {"a.wav", "taught"}
    assert len(sounds.clips()) == 5


def test_the_limits_are_told_and_leave_what_was_there(sounds, tmp_path, monkeypatch):
    lesson = write_lesson(tmp_path / "a.wav", "drum", 3)
    sounds.add("drum", lesson)
    monkeypatch.setattr(module, "MOST_TAUGHT_CLIPS", 5)
    with pytest.raises(UsageError, match="more than 5 clips"):
        sounds.add("drum", lesson)
    monkeypatch.setattr(module, "MOST_TAUGHT_CLASSES", 1)
    with pytest.raises(UsageError, match="1 sounds already"):
        sounds.add("other", lesson)
    monkeypatch.setattr(module, "LONGEST_LESSON_SECONDS", 0.5)
    with pytest.raises(UsageError, match="limit is"):
        sounds.add("drum", lesson)
    assert len(sounds.clips()) == 3
    assert limits.MOST_TAUGHT_CLIPS > 5


def test_classes_may_have_names_that_training_knows_otherwise(sounds, tmp_path):
    for name in ("train", "test", "my, sound"):
        sounds.add(name, write_lesson(tmp_path / "a.wav", "drum", 2))
    listing = find_source(str(sounds.copy_to(tmp_path / "data")))
    assert listing.labels == {"train", "test", "my, sound"}
    assert {item.part for item in listing.items} == {None}
    assert len(listing.items) == 6


def test_recordings_are_groups_only_where_there_are_enough(sounds, tmp_path):
    for _ in range(3):
        sounds.add("drum", write_lesson(tmp_path / "a.wav", "drum", 2))
        assert not sounds.grouped() or len(sounds.by_class()) == 1
    sounds.add("metal", write_lesson(tmp_path / "b.wav", "metal", 2))
    assert groups(sounds.copy_to(tmp_path / "one")) == {""}
    for _ in range(2):
        sounds.add("metal", write_lesson(tmp_path / "b.wav", "metal", 2))
    assert len(groups(sounds.copy_to(tmp_path / "two"))) == 6


def groups(folder):
    with open(folder / "metadata.csv", newline="") as file:
        return {row["group"] for row in csv.DictReader(file)}
