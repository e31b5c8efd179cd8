"""What is heard once is decided upon as a detector with these thresholds would."""

import numpy as np
import pytest
import soundfile

from audiocls.detection.detector import Detector
from audiocls.detection.options import DetectOptions
from audiocls.detection.sweep import Sweep
from audiocls.inference.classifier import AudioClassifier
from tests.small_models import SOUNDS, small_model


@pytest.mark.parametrize("threshold", [0.1, 0.15, 0.2])
def test_a_sweep_finds_what_a_detector_finds(threshold):
    classifier = AudioClassifier.of(small_model().eval(), None)
    clips = [soundfile.read(sorted((SOUNDS / name).iterdir())[0], dtype="float32")[0] for name in ("animal", "wood")]
    noise = np.random.default_rng(0).normal(0, 0.003, 16000 * 12).astype(np.float32)
    for number, clip in enumerate(clips):
        noise[16000 * (1 + 6 * number) :][: len(clip[: 16000 * 4])] += clip[: 16000 * 4]
    detector = Detector(classifier, DetectOptions(threshold=str(threshold)))
    wanted = detector.push(noise) + detector.finish()
    sweep = Sweep(classifier, DetectOptions(threshold="0.9"))
    for start in range(0, len(noise), 50000):
        sweep.push(noise[start : start + 50000])
    sweep.finish()
    for given in (threshold, np.full(7, threshold)):
        found = sweep.events(given)
        assert [each.label for each in found] == [each.label for each in sorted(wanted, key=lambda e: e.start_seconds)]
        assert len(found) == len(wanted) > 0
    assert sweep.events() == sweep.events(0.9)
    assert len(sweep.events(0.9)) < len(wanted)
