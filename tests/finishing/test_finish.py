"""After training: what every kind is calibrated on, and what is told of it."""

import dataclasses
import json

import numpy as np
import pytest
from accelerate import Accelerator

from audiocls.classical import fit as fitting
from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data
from audiocls.finishing.finish import finish, told_scaling
from audiocls.finishing.folding import unfolded
from audiocls.inference.classifier import AudioClassifier
from audiocls.kinds import fit_kind
from audiocls.scoring import clip_scores
from audiocls.training.run import Fitted, HeldOut, Run
from tests.small_models import LABELS, small_model

MULTI = "multi_label_classification"


@pytest.fixture(scope="module")
def audio(everyday_sounds):
    return load_audio_data(str(everyday_sounds), TrainConfig(num_workers=1, validation_size=0.0))


def with_validation(audio):
    """The test part in the place of a validation part."""
    return dataclasses.replace(audio, validation=audio.test, test=audio.test.subset([]))


def run_that_says():
    said = []
    return Run(Accelerator(), say=said.append), said


def settings(**values):
    return TrainConfig(rejection=False, **values)


def untrained(**config):
    return Fitted(small_model(**config).eval(), None, [], "epoch", 1, 0.0)


def test_a_forest_is_calibrated_on_folds_of_its_training_part(audio, monkeypatch):
    monkeypatch.setattr(fitting, "COUNTS", {"forest": [1, 5, 60]})
    run, said = run_that_says()
    config = settings(model="forest")
    fitted = fit_kind(config, audio, run)
    held_out = fitted.held_out
    np.testing.assert_array_equal(held_out.targets, audio.train.targets)
    assert held_out.groups == audio.train.groups
    right = float((held_out.scores.argmax(1) == held_out.targets).mean())
    assert right == pytest.approx(fitted.history[-1]["validation_accuracy"])
    before = clip_scores(AudioClassifier.of(fitted.model, None), audio.test)
    record = finish(fitted, audio, config, run)
    calibration = record["calibration"]
    assert json.loads(json.dumps(record)) == record
    assert calibration["fitted_on"] == "3 grouped folds of the training part"
    assert calibration["clips"] == len(audio.train)
    assert calibration["temperature"] < 0.7  # trees are never as sure as they should be
    assert calibration["held_out_ece"] < calibration["held_out_ece_before"] / 2
    assert record["thresholds"] is None
    assert "calibrated on 3 grouped folds" in said[-1]
    after = clip_scores(AudioClassifier.of(fitted.model, None), audio.test)
    assert (after.argmax(1) == before.argmax(1)).all()
    likely = [np.log(scores[np.arange(len(after)), audio.test.targets]).mean() for scores in (before, after)]
    assert likely[1] > likely[0] + 0.1
    with unfolded(fitted.model, told_scaling(calibration)):
        again = clip_scores(AudioClassifier.of(fitted.model, None), audio.test)
    np.testing.assert_allclose(again, before, atol=1e-5)


def test_others_are_calibrated_on_the_validation_part(audio):
    run, _ = run_that_says()
    parts = with_validation(audio)
    fitted = untrained()
    record = finish(fitted, parts, settings(), run)
    assert record["calibration"]["fitted_on"] == "the validation part"
    assert record["calibration"]["clips"] == len(parts.validation)
    assert fitted.model.config.logit_scale == record["calibration"]["scale"]
    assert len(set(record["calibration"]["scale"])) == 1


def test_without_clips_to_look_at_nothing_is_calibrated_and_that_is_said(audio):
    run, said = run_that_says()
    fitted = untrained()
    nothing = dict.fromkeys(("calibration", "thresholds", "rejection", "detection"))
    assert finish(fitted, audio, settings(), run) == nothing
    assert said == ["not calibrated: no clips were held out (set validation_size above 0)"]
    assert fitted.model.config.logit_scale is None


def test_it_can_be_switched_off(audio):
    run, said = run_that_says()
    fitted = untrained()
    assert finish(fitted, with_validation(audio), settings(calibrate=False), run)["calibration"] is None
    assert said == []
    assert fitted.model.config.logit_scale is None


def test_several_labels_get_scales_biases_and_thresholds(audio):
    run, said = run_that_says()
    rng = np.random.default_rng(0)
    scores = rng.uniform(0, 0.6, (200, 7)).astype(np.float32)
    targets = (rng.random((200, 7)) < scores**2).astype(np.float32)
    fitted = untrained(problem_type=MULTI)
    fitted.held_out = HeldOut(scores, targets, [None] * 200, "somewhere")
    record = finish(fitted, dataclasses.replace(audio, multi_label=True), settings(), run)
    config = fitted.model.config
    assert len(config.logit_scale) == len(config.logit_bias) == 7
    assert config.decision_thresholds == record["thresholds"]
    assert set(record["thresholds"]) == set(LABELS)
    assert sum(threshold < 0.4 for threshold in record["thresholds"].values()) >= 5
    assert "temperature" not in record["calibration"]
    assert "scale and bias of each label" in said[-1]


def test_two_classes_have_thresholds_that_are_saved(audio, tmp_path):
    run, _ = run_that_says()
    rng = np.random.default_rng(0)
    wanted = rng.random(300) < 0.1
    second = np.clip(np.where(wanted, 0.35, 0.1) + rng.normal(0, 0.08, 300), 0.01, 0.99)
    fitted = untrained(labels=["no", "yes"])
    held_out = HeldOut(np.stack([1 - second, second], axis=1), wanted.astype(int), [None] * 300, "somewhere")
    fitted.held_out = held_out
    record = finish(fitted, dataclasses.replace(audio, labels=["no", "yes"]), settings(), run)
    fitted.model.save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "config.json").read_text())["decision_thresholds"]
    assert saved == record["thresholds"]
    assert saved["yes"] < 0.45
    assert saved["no"] + saved["yes"] == pytest.approx(1)
