"""The running label hears a sound from where it begins, says nothing while it is quiet, and counts what lasts."""

import numpy as np
import pytest

from audiocls import AudioClassifier
from audiocls.audio.decoding import decode
from audiocls.detection.running import LONGEST_SECONDS, PAUSE_SECONDS, Moment, RunningLabel, Tally
from tests.small_models import SOUNDS, write_small_model

RATE = 16000
STEP = 4800


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    return AudioClassifier.from_pretrained(write_small_model(tmp_path_factory.mktemp("running") / "model"))


@pytest.fixture(scope="module")
def sound():
    """A second of noise that nobody hears, a real sound, and again."""
    hiss = np.random.default_rng(0).normal(0, 2e-4, 4 * RATE).astype(np.float32)
    struck = decode(SOUNDS / "wood" / "wood_01.ogg", RATE)
    hiss[RATE : RATE + len(struck)] += 0.3 * struck / np.abs(struck).max()
    return hiss


def heard(classifier, sound, step=STEP):
    windows = []

    def hear(waveform):
        windows.append(waveform)
        return classifier.answers((RATE, waveform))[0]

    running = RunningLabel(classifier, hear)
    return [running.push(sound[at : at + step]) for at in range(0, len(sound), step)], windows


def test_a_sound_is_heard_from_its_beginning_and_no_model_is_asked_while_it_is_quiet(classifier, sound):
    moments, windows = heard(classifier, sound)
    asked = [moment for moment in moments if moment.closest]
    assert len(windows) == len(asked) <= 4
    assert asked[0].end < 1.0 + 0.6
    at = np.abs(sound[RATE:]).argmax() + RATE
    assert all(abs(np.abs(window).max() - np.abs(sound).max()) < 1e-6 for window in windows if len(window) > at - RATE)
    assert max(map(len, windows)) < LONGEST_SECONDS * RATE  # not the quiet second before
    assert {moment.sound for moment in asked} == {1}
    assert all(moment.label is None and moment.sound == 0 for moment in moments if moment.start > 2.2)


def test_the_first_answer_is_that_of_the_sound_alone(classifier, sound):
    moments, windows = heard(classifier, sound)
    first = next(moment for moment in moments if moment.closest)
    expected = classifier.answers((RATE, windows[0]))[0]
    assert (first.label, first.closest) == (expected.label, expected.closest)
    assert first.score == pytest.approx(expected.closest_score, abs=1e-6)


def test_a_steady_loud_sound_does_not_become_the_noise(classifier):
    tone = (0.2 * np.sin(2 * np.pi * 440 * np.arange(40 * RATE) / RATE)).astype(np.float32)
    moments, _ = heard(classifier, tone, step=RATE)
    assert all(moment.sound == 1 for moment in moments[1:])


def test_a_pause_within_a_sound_ends_it_only_when_it_is_long(classifier):
    rng = np.random.default_rng(0)
    for pause, sounds in ((PAUSE_SECONDS / 2, 1), (3 * PAUSE_SECONDS, 2)):
        sound = rng.normal(0, 1e-4, 4 * RATE).astype(np.float32)
        sound[RATE : 2 * RATE] += rng.normal(0, 0.1, RATE).astype(np.float32)
        second = 2 * RATE + round(pause * RATE)
        sound[second : second + RATE // 2] += rng.normal(0, 0.1, RATE // 2).astype(np.float32)
        moments, _ = heard(classifier, sound, step=1600)
        assert max(moment.sound for moment in moments) == sounds


def test_a_sound_that_came_and_went_within_one_push_is_heard(classifier, sound):
    moments, windows = heard(classifier, sound, step=2 * RATE)
    assert len(windows) == 1
    assert 0.2 * RATE < len(windows[0]) < 0.7 * RATE
    assert moments[0].sound == 1
    assert moments[0].closest


def test_blocks_of_any_size_even_none_are_taken(classifier, sound):
    running = RunningLabel(classifier)
    for size in (0, 1, 7, 30000, 0, 20000):
        moment = running.push(sound[:size])
    assert moment.end == running.received / RATE


def moments(*labels):
    """Of one sound each, "|" is quiet."""
    made, sound = [], 1
    for number, label in enumerate(labels):
        sound += label == "|"
        quiet = label == "|"
        made.append(Moment(number, number + 1, None if quiet else label, 0.9, label or "", -20, 0 if quiet else sound))
    return made


@pytest.mark.parametrize(
    ("labels", "counts"),
    [
        (("dog", "|"), {"dog": 1}),
        (("cat", "dog", "dog", "dog", "|"), {"dog": 1}),  # a first guess does not count
        (("dog", "dog", "|", "dog", "|"), {"dog": 2}),
        (("dog", "dog", "cat", "cat", "|"), {"dog": 1, "cat": 1}),
        ((None, None, "|", "|"), {}),
    ],
)
def test_a_label_counts_when_it_lasts_or_ends_a_sound(labels, counts):
    tally = Tally()
    for moment in moments(*labels):
        tally.push(moment)
    assert tally.counts == counts
