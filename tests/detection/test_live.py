"""Files and live blocks: one answer, at any rate and in any form."""

import itertools

import numpy as np
import pytest
import soundfile

from audiocls import AudioClassifier
from audiocls.detection.live import resampled
from audiocls.detection.options import DetectOptions
from audiocls.errors import AudioReadError
from tests.small_models import SOUNDS, write_small_model

RATE = 16000
OPTIONS = DetectOptions(threshold="0.1")


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    return AudioClassifier.from_pretrained(write_small_model(tmp_path_factory.mktemp("model") / "m"))


@pytest.fixture(scope="module")
def sound():
    """Three clips, three seconds apart, in faint noise."""
    rng = np.random.default_rng(0)
    samples = (0.001 * rng.standard_normal(24 * RATE)).astype(np.float32)
    for number, name in enumerate(("animal/animal_00.ogg", "wood/wood_00.ogg", "speech/speech_00.ogg")):
        clip = soundfile.read(SOUNDS / name, dtype="float32")[0]
        samples[(2 + 7 * number) * RATE :][: len(clip)] += clip
    return samples


def edges(events):
    ordered = sorted(events, key=lambda event: (event.start_seconds, event.end_seconds))
    return [(event.label, event.start_seconds, event.end_seconds) for event in ordered]


def test_a_file_an_array_and_a_stream_hold_the_same_events(classifier, sound, tmp_path):
    soundfile.write(tmp_path / "a.wav", sound, RATE, "FLOAT")
    of_file = classifier.detect(tmp_path / "a.wav", OPTIONS)
    assert len(of_file.events) >= 3
    assert of_file.seconds == pytest.approx(24)
    assert of_file.notes == []
    assert edges(classifier.detect({"array": sound, "sampling_rate": RATE}, OPTIONS).events) == edges(of_file.events)
    blocks = np.array_split(sound, 57)
    assert edges(classifier.stream(blocks, sampling_rate=RATE, options=OPTIONS)) == edges(of_file.events)


def test_an_endless_stream_yields_while_it_runs(classifier, sound):
    blocks = itertools.cycle(np.array_split(sound, 24))
    events = list(itertools.islice(classifier.stream(blocks, sampling_rate=RATE, options=OPTIONS), 10))
    assert len(events) == 10
    assert events[-1].end_seconds > 24


def test_blocks_at_another_rate_give_the_same_samples_as_one_piece():
    tone = np.sin(2 * np.pi * 440 * np.arange(44100) / 44100).astype(np.float32)
    cut = np.concatenate(list(resampled(np.array_split(tone, 100), 44100, RATE)))
    whole = np.concatenate(list(resampled([tone], 44100, RATE)))
    assert len(whole) == RATE
    np.testing.assert_allclose(cut, whole, atol=1e-4)


def test_blocks_of_integers_channels_and_nothing_are_understood():
    quiet = np.full((100, 2), 16384, np.int16)
    samples = np.concatenate(list(resampled([quiet, np.empty((0, 2), np.int16), quiet], RATE, RATE)))
    np.testing.assert_allclose(samples, np.full(200, 0.5))


def test_blocks_that_are_no_numbers_are_told(classifier):
    with pytest.raises(AudioReadError, match="not numbers"):
        list(classifier.stream([np.full(100, np.nan, np.float32)], sampling_rate=RATE))
