"""Sounds heard in rows score as they do alone."""

import numpy as np
import pytest
import torch

from audiocls.audio.decoding import decode
from audiocls.detection.detector import Detector
from audiocls.detection.fast_sounds import ROW_FRAMES, FastSounds
from audiocls.detection.options import DetectOptions
from audiocls.detection.plan import plan_detection
from audiocls.inference.classifier import AudioClassifier
from audiocls.inference.windows import is_silent
from audiocls.models.rejection import silent
from tests.detection.test_scan import taught
from tests.small_models import small_model

RATE = 16000
MODELS = {
    "cnn": {"architecture": "cnn", "logit_scale": [2.0] * 7},
    "cnn of several labels": {"problem_type": "multi_label_classification", "logit_bias": [0.5] * 7},
    "cnn on long frames that come often": {"n_fft": 2048, "hop_length": 64},
    "cnn1d": {"architecture": "cnn1d", "features": "mfcc"},
    "cnn1d that looks far": {"architecture": "cnn1d", "network": {"kernel_size": 9}},
}


@pytest.fixture(scope="module")
def sounds(everyday_sounds):
    """Real sounds from three frames to a window long, loud and soft, with silence and digital silence among them."""
    rng = np.random.default_rng(0)
    found = []
    for number, name in enumerate(("animal", "drum", "speech", "water")):
        clip = decode(sorted((everyday_sounds / "train" / name).glob("*.ogg"))[0], RATE)
        for seconds in (0.03, 0.11, 0.5, 1.0):
            found.append(clip[: round(seconds * RATE) + number] * np.float32(10.0**-number))
    found += [np.zeros(3000, np.float32), rng.normal(0, 1e-4, 5000).astype(np.float32), found[0]]
    return found


@pytest.mark.parametrize("name", MODELS)
def test_rows_score_as_sounds_do_alone(name, sounds):
    classifier = AudioClassifier.of(taught(small_model(**MODELS[name])), None)
    fast = FastSounds.of(classifier)
    alone = [classifier.predict_known([sound]) for sound in sounds]
    scores, known = fast(sounds)
    np.testing.assert_allclose(scores, np.concatenate([each[0] for each in alone]), atol=1e-5)
    np.testing.assert_allclose(known, np.concatenate([each[1] for each in alone]), atol=1e-4)
    assert np.isneginf(known).sum() >= 2


def test_many_sounds_fill_rows_of_bounded_length(sounds):
    classifier = AudioClassifier.of(taught(small_model()), None)
    many = sounds * 12
    longest = ROW_FRAMES * classifier.model.features.hop_length
    assert sum(map(len, many)) > 2 * longest
    scores, _ = FastSounds.of(classifier)(many)
    np.testing.assert_allclose(scores, np.tile(classifier.predict_known(sounds)[0], (12, 1)), atol=1e-5)


@pytest.mark.parametrize("settings", [{"architecture": "crnn"}, {"image_size": [64, 64]}, {"features": "pitch"}])
def test_models_that_rows_would_change_have_no_such_form(settings):
    assert FastSounds.of(AudioClassifier.of(small_model(**settings), None)) is None


def test_silence_is_told_as_the_models_tell_it(sounds):
    rng = np.random.default_rng(1)
    ripples = np.full(4000, 0.1, np.float32)
    ripples[:200] += rng.normal(0, 0.01, 200).astype(np.float32)
    click = np.zeros(4000, np.float32)
    click[100] = 0.5
    for sound in [*sounds, ripples, ripples[:600], click, np.full(300, 0.2, np.float32)]:
        told = silent(torch.from_numpy(sound)[None], torch.tensor([len(sound)]), RATE)
        assert is_silent(sound, RATE) == bool(told)
    assert is_silent(ripples, RATE)
    assert not is_silent(click, RATE)


def test_a_detector_like_another_finds_the_same(sounds):
    classifier = AudioClassifier.of(taught(small_model()), None)
    recording = np.random.default_rng(2).normal(0, 0.002, 20 * RATE).astype(np.float32)
    for number, sound in enumerate(sounds[1:16]):
        recording[(number + 1) * RATE : (number + 1) * RATE + len(sound)] += sound
    found, first = [], None
    for _ in range(3):
        detector = Detector(classifier, DetectOptions(threshold="0.15"), like=first)
        found.append(detector.push(recording) + detector.finish())
        first = first or detector
    assert found[0]
    assert found[0] == found[1] == found[2]


def test_windows_overlap_and_start_on_frames_of_the_model():
    classifier = AudioClassifier.of(small_model(), None)
    for seconds in (None, 0.7, 0.02):
        plan = plan_detection(classifier, DetectOptions(window_seconds=seconds))
        assert 0.5 * plan.window_length <= plan.hop_length < plan.window_length
        if seconds != 0.02:  # shorter than a frame is long
            assert plan.hop_length % classifier.model.features.hop_length == 0
            assert plan.hop_length <= 0.8 * plan.window_length
    assert plan_detection(classifier, DetectOptions(hop_seconds=0.31)).hop_length == 4960
