"""Thresholds for events in recordings are chosen on recordings made of held-out clips, and go with the model."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from transformers import ASTConfig, ASTFeatureExtractor, ASTForAudioClassification

from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data
from audiocls.detection.detector import Detector
from audiocls.detection.thresholds import DEFAULT_THRESHOLD
from audiocls.finishing import detection
from audiocls.finishing.detection import fit_detection, make_recordings, recording_clips, refit_detection
from audiocls.finishing.finish import finish
from audiocls.inference.classifier import AudioClassifier
from audiocls.training.factory import feature_extractor
from audiocls.training.run import Fitted, Run
from tests.small_models import LABELS, small_model

EXTRACTOR, AST_EXTRACTOR = feature_extractor(16000), ASTFeatureExtractor(max_length=128)
FIELD = {"noise_snr_db": (0.0, 20.0), "num_workers": 1}


@pytest.fixture(scope="module")
def audio(everyday_sounds):
    """Without anything in the place of the test part: nobody may look at it."""
    whole = load_audio_data(str(everyday_sounds), TrainConfig(**FIELD))
    return dataclasses.replace(whole, test=None, test_negatives=None)


@pytest.fixture(autouse=True)
def _few_recordings(monkeypatch):
    for name, count in (("NUM_RECORDINGS", 2), ("NUM_SLOW_RECORDINGS", 1), ("RECORDING_SECONDS", 20.0)):
        monkeypatch.setattr(detection, name, count)


def run_that_says():
    said = []
    return Run(Accelerator(), say=said.append), said


def own():
    return AudioClassifier.of(small_model().eval(), EXTRACTOR)


def transformer():
    torch.manual_seed(0)
    config = ASTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_length=128,
        num_labels=len(LABELS),
        id2label=dict(enumerate(LABELS)),
        label2id={label: number for number, label in enumerate(LABELS)},
    )
    return AudioClassifier.of(ASTForAudioClassification(config).eval(), AST_EXTRACTOR)


@pytest.mark.parametrize(("make", "extractor"), [(own, EXTRACTOR), (transformer, AST_EXTRACTOR)])
def test_what_was_chosen_goes_with_the_model(audio, tmp_path, make, extractor):
    run, said = run_that_says()
    classifier = make()
    found = fit_detection(classifier, audio, TrainConfig(**FIELD), run)
    assert json.loads(json.dumps(found)) == found
    assert set(found["thresholds"]) == set(LABELS)
    assert all(0 < value < 1 for value in found["thresholds"].values())
    assert f"{len(audio.validation)} clips of the validation part" in found["fitted_on"]
    assert found["fitted_on"] in said[-1]
    classifier.model.save_pretrained(tmp_path)
    extractor.save_pretrained(tmp_path)
    loaded = AudioClassifier.from_pretrained(tmp_path)
    assert loaded.model.config.detection == found
    plan = Detector(loaded).plan
    assert dict(zip(plan.labels, plan.thresholds.tolist(), strict=True)) == pytest.approx(found["thresholds"])
    assert plan.window_seconds == found["window_seconds"]


def test_a_model_for_the_field_is_finished_with_them(audio):
    run, said = run_that_says()
    fitted = Fitted(small_model().eval(), EXTRACTOR, [], "epoch", 1, 0.0)
    found = finish(fitted, audio, TrainConfig(**FIELD, rejection=False), run)["detection"]
    assert found == fitted.model.config.detection
    assert found["fitted_on"] in said[-1]
    assert finish(fitted, audio, TrainConfig(num_workers=1, rejection=False), run)["detection"] is None
    assert not hasattr(fitted.model.config, "detection")


def test_the_same_clips_give_the_same_thresholds(audio):
    run, _ = run_that_says()
    first, again = (fit_detection(own(), audio, TrainConfig(**FIELD), run) for _ in range(2))
    assert first == again


def test_a_model_for_clips_has_none_and_keeps_no_old_ones(audio):
    run, _ = run_that_says()
    classifier = own()
    classifier.model.config.detection = {"thresholds": {}}
    assert fit_detection(classifier, audio, TrainConfig(num_workers=1), run) is None
    assert not hasattr(classifier.model.config, "detection")


def test_data_with_clips_of_no_class_is_meant_for_recordings(audio):
    run, _ = run_that_says()
    with_negatives = dataclasses.replace(audio, negatives=audio.train.subset(range(5)))
    found = fit_detection(own(), with_negatives, TrainConfig(num_workers=1), run)
    assert found is not None


def test_a_model_that_is_calibrated_anew_gets_thresholds_for_its_new_scores(audio):
    clips = dataclasses.replace(audio, test=audio.validation, train=audio.train.subset([]), name="microphone")
    classifier, said = own(), []
    assert refit_detection(classifier, clips, 42, said.append) is None
    classifier.model.config.detection = {"thresholds": dict.fromkeys(LABELS, 0.123)}
    found = refit_detection(classifier, clips, 42, said.append)
    assert classifier.model.config.detection == found
    assert 0.123 not in found["thresholds"].values()
    assert f"the {len(audio.validation)} clips of microphone" in said[-1]


def test_without_held_out_clips_it_is_said_that_they_were_learnt(audio):
    without = dataclasses.replace(audio, validation=audio.train.subset([]))
    run, said = run_that_says()
    found = fit_detection(own(), without, TrainConfig(**FIELD), run)
    assert "that it has learnt" in found["fitted_on"]
    assert "that it has learnt" in said[-1]
    clips, _ = recording_clips(without, 42)
    assert set(clips.files) < set(audio.train.files)


def test_learnt_clips_are_no_reason_for_high_thresholds(audio, monkeypatch):
    def lowest(of):
        run, _ = run_that_says()
        return min(fit_detection(own(), of, TrainConfig(**FIELD), run)["thresholds"].values())

    monkeypatch.setattr(detection, "thresholds_for_events", lambda find, labels, multi: np.full(labels, 0.7))
    assert lowest(audio) == 0.7
    assert lowest(dataclasses.replace(audio, validation=audio.train.subset([]))) == DEFAULT_THRESHOLD


def test_held_out_clips_of_some_classes_do_not_suffice(audio):
    some = dataclasses.replace(audio, validation=audio.validation.subset(np.flatnonzero(audio.validation.targets > 0)))
    clips, origin = recording_clips(some, 42)
    assert "that it has learnt, since too few were held out" in origin
    assert set(clips.targets.tolist()) == set(range(len(LABELS)))
    assert set(clips.files) < set(audio.train.files)


def test_recordings_hold_the_clips_where_they_say(audio):
    made = make_recordings(audio.validation, audio, TrainConfig(**FIELD), 3)
    assert {event.label for one in made for event in one.events} <= set(LABELS)
    louder = []
    for one in made:
        assert len(one.waveform) == 20 * 16000
        inside = np.zeros(len(one.waveform), bool)
        for event in one.events:
            inside[round(event.start_seconds * 16000) : round(event.end_seconds * 16000)] = True
        louder.append(np.mean(one.waveform[inside] ** 2) / np.mean(one.waveform[~inside] ** 2))
    assert np.median(louder) > 2  # 0 to 20 dB over the background
    assert not np.array_equal(made[0].waveform, made[1].waveform)
