"""Kinds that hear each clip once can be fitted again without some clips, to see how new ones are heard."""

import dataclasses

import numpy as np
import pytest
from accelerate import Accelerator

from audiocls.classical import fit as fitting
from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data
from audiocls.finishing import detection
from audiocls.finishing.finish import finish
from audiocls.finishing.second_fit import second_fit
from audiocls.kinds import fit_kind
from audiocls.scoring import clip_scores
from audiocls.training.run import Run

FIELD = {"model": "forest", "noise_snr_db": (0.0, 20.0), "noisy_copies": 1, "num_workers": 1, "rejection": False}


@pytest.fixture(scope="module")
def audio(everyday_sounds):
    """Some clips of three classes, and nothing in the place of the test part: nobody may look at it."""
    whole = load_audio_data(str(everyday_sounds), TrainConfig(num_workers=1, validation_size=0.0))
    few = np.concatenate([np.flatnonzero(whole.train.targets == label)[:12] for label in range(7)])
    return dataclasses.replace(whole, train=whole.train.subset(few), test=None, test_negatives=None)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(fitting, "COUNTS", {"forest": [1, 20]})
    for name, count in (("NUM_RECORDINGS", 2), ("RECORDING_SECONDS", 20.0)):
        monkeypatch.setattr(detection, name, count)


def test_what_is_held_out_is_not_learnt(audio):
    run = Run(Accelerator(), curves=False)
    second, held = second_fit(TrainConfig(**FIELD), audio, run)
    assert 0.1 < len(held) / len(audio.train) < 0.5
    assert set(held.targets.tolist()) == set(range(7))
    left = [k for k, file in enumerate(audio.train.files) if file not in set(held.files)]
    learnt = audio.train.subset(left)
    named = {group for group in learnt.groups if group is not None}
    assert named.isdisjoint(held.groups)
    right = [(clip_scores(second, clips).argmax(1) == clips.targets).mean() for clips in (learnt, held)]
    assert right[0] > 0.9 > right[1]  # a forest knows by heart what it has learnt


def test_what_cannot_be_held_out(audio):
    run = Run(Accelerator(), curves=False)
    assert second_fit(TrainConfig(**FIELD | {"model": "cnn"}), audio, run) is None  # takes too long
    one_group = audio.train.subset(range(len(audio.train)))
    one_group.groups = ["all"] * len(one_group)
    assert second_fit(TrainConfig(**FIELD), dataclasses.replace(audio, train=one_group), run) is None


def test_a_model_for_the_field_leaves_with_thresholds_for_recordings(audio):
    said = []
    run, config = Run(Accelerator(), say=said.append, curves=False), TrainConfig(**FIELD)
    fitted = fit_kind(config, audio, run)
    found = finish(fitted, audio, config, run)["detection"]
    assert found == fitted.model.config.detection
    assert "training clips, heard by a second model that had not learnt them" in found["fitted_on"]
    assert found["fitted_on"] in said[-1]
    assert finish(fitted, audio, config.replaced(noise_snr_db=None), run)["detection"] is None
    assert not hasattr(fitted.model.config, "detection")
