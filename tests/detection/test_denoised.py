import numpy as np
import pytest

from audiocls.audio.denoising import denoise
from audiocls.detection.detector import Detector
from audiocls.detection.options import DetectOptions
from audiocls.detection.sweep import Sweep
from audiocls.inference.classifier import AudioClassifier
from tests.audio.test_denoising import noisy
from tests.small_models import small_model


def found(classifier, sound, block, **options):
    windows = []
    detector = Detector(classifier, DetectOptions(threshold="0.05", window_seconds=1.0, **options), windows.append)
    events = [event for start in range(0, len(sound), block) for event in detector.push(sound[start : start + block])]
    events += detector.finish()
    return events, np.concatenate([each.scores for each in windows])


@pytest.mark.parametrize("method", ["stationary", "nonstationary"])
def test_noise_is_reduced_before_anything_is_heard(method):
    classifier = AudioClassifier.of(small_model().eval(), None)
    sound = noisy(12)
    events, scores = found(classifier, sound, 5000, denoise=method)
    wanted_events, wanted = found(classifier, denoise(sound, 16000, method), 5000)
    np.testing.assert_allclose(scores, wanted, atol=1e-5)
    assert events == wanted_events
    assert found(classifier, sound, 70_000, denoise=method)[0] == events
    assert np.abs(found(classifier, sound, 5000)[1] - scores).max() > 1e-4


def test_a_sweep_reduces_noise_as_a_detector_does():
    classifier = AudioClassifier.of(small_model().eval(), None)
    sound = noisy(12)
    sweep = Sweep(classifier, DetectOptions(threshold="0.05", window_seconds=1.0, denoise="stationary"))
    for start in range(0, len(sound), 70_000):
        sweep.push(sound[start : start + 70_000])
    sweep.finish()
    events, scores = found(classifier, sound, 5000, denoise="stationary")
    heard = np.concatenate([each.scores for part in sweep.heard for each in part.windows])
    np.testing.assert_allclose(heard, scores, atol=1e-5)
    assert len(events) > 0
    key = [(each.start_seconds, each.end_seconds, each.label) for each in sweep.events()]
    assert key == sorted((each.start_seconds, each.end_seconds, each.label) for each in events)
