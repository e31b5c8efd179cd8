"""Folders of what is no class: kept out of the labels, divided by group, used to test on."""

import shutil

import numpy as np
import pytest

from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data, load_labelled_clips
from audiocls.data.listing import Item, Listing
from audiocls.data.negatives import mark_negatives, negative_test_clips


def listing(*labels):
    items = [Item(f"{label}/{number}.wav", "", (label,)) for number, label in enumerate(labels)]
    return Listing(items=items, labels=set(labels))


def test_background_and_unknown_are_no_classes():
    found = listing("dog", "cat", "Background", "_unknown_", "_background_noise_", "dog")
    assert mark_negatives(found, found.items).tolist() == [False, False, True, True, True, False]
    assert found.labels == {"dog", "cat"}
    assert "3 clips" in found.warnings[0]


def test_one_class_against_background_is_a_task_of_two_classes():
    found = listing("capuchin", "background")
    assert not mark_negatives(found, found.items).any()
    assert found.labels == {"capuchin", "background"}


def test_a_model_that_knows_background_as_a_class_keeps_it():
    found = listing("dog", "background")
    assert not mark_negatives(found, found.items, ["background", "dog"]).any()


def test_negatives_are_divided_by_group_and_a_given_test_part_wins():
    items = [Item(f"background/{n}.wav", "", ("background",)) for n in range(20)]
    tested = negative_test_clips(items, [str(n // 2) for n in range(20)], True, 0.2, np.random.default_rng(0))
    assert tested.sum() == 4
    assert (tested[::2] == tested[1::2]).all()
    given = [Item("a.wav", "", ("background",), "train"), Item("b.wav", "", ("background",), "test")]
    assert negative_test_clips(given, [None, None], True, 0.5, np.random.default_rng(0)).tolist() == [False, True]


@pytest.fixture
def with_background(tmp_path, everyday_sounds, monkeypatch):
    monkeypatch.setenv("AUDIOCLS_CACHE", str(tmp_path / "cache"))
    for label in ("animal", "drum"):
        shutil.copytree(everyday_sounds / "train" / label, tmp_path / "sounds" / label)
    shutil.copytree(everyday_sounds / "train" / "water", tmp_path / "sounds" / "_unknown_")
    return tmp_path / "sounds"


def test_a_data_set_with_unknown_sounds(with_background):
    audio = load_audio_data(str(with_background), TrainConfig())
    assert audio.labels == ["animal", "drum"]
    everything = audio.train.files + audio.validation.files + audio.test.files
    assert not any(file.startswith("_unknown_") for file in everything)
    others = audio.negatives.files + audio.test_negatives.files
    assert len(others) == len(list((with_background / "_unknown_").iterdir()))
    assert len(audio.test_negatives)
    assert len(audio.negatives)
    assert any("no class" in warning for warning in audio.warnings)

    tested = load_labelled_clips(str(with_background), TrainConfig(), ["animal", "drum"], False)
    assert len(tested.test_negatives) == len(others)
    assert not any(file.startswith("_unknown_") for file in tested.test.files)
