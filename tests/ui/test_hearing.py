"""Many who ask one model at once: the same answers, fewer batches, nobody's error is another's, none waits for ever."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile

from audiocls import AudioClassifier
from audiocls.ui import hearing
from audiocls.ui.hearing import hear
from audiocls.ui.limits import HEARD_TOGETHER, HEARD_TOGETHER_SECONDS, MODELS_AT_ONCE
from tests.small_models import SOUNDS, write_small_model

RATE = 16000


class Counting:
    """A classifier that answers with the mean of a sound, holds the first batch until it is told, and cannot hear
    sounds that begin with 9."""

    sampling_rate = RATE

    def __init__(self, held=False):
        self.batches = []
        self.go_on = threading.Event()
        if not held:
            self.go_on.set()

    def answers(self, clips):
        self.batches.append(len(clips))
        assert self.go_on.wait(10)
        if any(waveform[0] == 9 for _, waveform in clips):
            raise ValueError("cannot hear this")
        if any(waveform[0] == 8 for _, waveform in clips):
            raise SystemExit
        return [float(waveform.mean()) for _, waveform in clips]


def asked(pool, classifier, values, length=100):
    return [pool.submit(hear, classifier, np.full(length, value, np.float32)) for value in values]


def waiting(classifier):
    return len(hearing._LINES[classifier]._waiting)


def until(condition):
    for _ in range(1000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not happen")


def test_who_asks_at_the_same_time_is_answered_together():
    classifier = Counting(held=True)
    with ThreadPoolExecutor(40) as pool:
        first = asked(pool, classifier, range(1, MODELS_AT_ONCE + 1))
        until(lambda: len(classifier.batches) == MODELS_AT_ONCE)
        rest = asked(pool, classifier, range(10, 40))
        until(lambda: waiting(classifier) == 30)
        classifier.go_on.set()
        assert [each.result(10) for each in first + rest] == [1, 2, *range(10, 40)]
    assert sum(classifier.batches) == 32
    assert max(classifier.batches) == HEARD_TOGETHER
    assert len(classifier.batches) <= MODELS_AT_ONCE + 12
    assert waiting(classifier) == 0


def test_an_error_stays_with_its_own_sound():
    classifier = Counting(held=True)
    with ThreadPoolExecutor(20) as pool:
        first = asked(pool, classifier, [1, 1])
        until(lambda: len(classifier.batches) == MODELS_AT_ONCE)
        rest = asked(pool, classifier, [2, 9, 3, 9, 4])
        until(lambda: waiting(classifier) == 5)
        classifier.go_on.set()
        assert [each.result(10) for each in first] == [1, 1]
        good, bad = [rest[0], rest[2], rest[4]], [rest[1], rest[3]]
        assert [each.result(10) for each in good] == [2, 3, 4]
        for each in bad:
            with pytest.raises(ValueError, match="cannot hear this"):
                each.result(10)
        assert asked(pool, classifier, [5])[0].result(10) == 5  # and the line goes on


def test_nobody_sleeps_for_ever_when_the_one_who_answers_is_ended():
    classifier = Counting(held=True)
    with ThreadPoolExecutor(20) as pool:
        asked(pool, classifier, [1, 1])
        until(lambda: len(classifier.batches) == MODELS_AT_ONCE)
        ended = asked(pool, classifier, [8, 8, 8])
        until(lambda: waiting(classifier) == 3)
        classifier.go_on.set()
        for each in ended:
            assert isinstance(each.exception(10), SystemExit | RuntimeError)
        assert asked(pool, classifier, [5])[0].result(10) == 5


def test_a_long_sound_holds_up_no_short_one():
    classifier, long_length = Counting(held=True), int(HEARD_TOGETHER_SECONDS * RATE) + 1
    quick = Counting()
    with ThreadPoolExecutor(20) as pool:
        long = asked(pool, classifier, [1, 2, 3], long_length)
        until(lambda: classifier.batches)
        assert [each.result(10) for each in asked(pool, quick, range(1, 6))] == [1, 2, 3, 4, 5]
        assert classifier.batches == [1]
        classifier.go_on.set()
        assert [each.result(10) for each in long] == [1, 2, 3]


def test_real_sounds_get_the_scores_that_they_get_alone(tmp_path):
    classifier = AudioClassifier.from_pretrained(write_small_model(tmp_path / "model"), device="cpu")
    files = sorted(SOUNDS.glob("*/*.ogg"))[:24]
    sounds = [soundfile.read(file, dtype="float32")[0] for file in files]
    sounds = [np.resize(sound, 100 + 7000 * number) for number, sound in enumerate(sounds)]
    with ThreadPoolExecutor(24) as pool:
        together = [answer.scores for answer in pool.map(lambda sound: hear(classifier, sound), sounds)]
    alone = classifier.scores([(RATE, sound) for sound in sounds])
    np.testing.assert_allclose(np.stack(together), alone, atol=1e-4)
