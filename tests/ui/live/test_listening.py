"""Listening with a microphone: any rate is heard alike, pieces are checked, not too many listen at once."""

import base64
import time

import numpy as np
import pytest
import soxr

from audiocls.audio.decoding import decode
from audiocls.errors import AudioReadError
from audiocls.ui.limits import LONGEST_PIECE_SECONDS
from audiocls.ui.live.listening import Listeners, Listening, read_piece
from tests.small_models import SOUNDS

RATE = 16000


def listened(classifier, waveform, rate, step_seconds=0.3):
    listening = Listening(classifier, "model")
    step = round(step_seconds * rate)
    for at in range(0, len(waveform), step):
        listening.push(waveform[at : at + step], rate)
    return listening


@pytest.fixture(scope="module")
def speech():
    quiet = np.zeros(RATE, np.float32)
    sound = decode(SOUNDS / "speech" / "speech_01.ogg", 48000)
    return np.concatenate([np.repeat(quiet, 3), 0.3 * sound / np.abs(sound).max(), np.repeat(quiet, 3)])  # 48 kHz


@pytest.mark.parametrize("rate", [8000, 44100])
def test_a_microphone_of_any_rate_is_heard_alike(classifier, speech, rate):
    low = soxr.resample(speech, 48000, 8000)  # what all rates can carry
    expected = listened(classifier, soxr.resample(low, 8000, 48000), 48000)
    found = listened(classifier, soxr.resample(low, 8000, rate), rate)
    assert found.seconds == pytest.approx(expected.seconds, abs=0.05)
    labels = [[moment[3] for moment in each.told()["moments"]] for each in (found, expected)]
    assert labels[0] == labels[1]
    assert found.told()["counts"] == expected.told()["counts"]
    assert sum(count for _, count in found.told()["counts"]) >= 1, "one sound was heard"


def test_pieces_are_heard_as_one_sound(classifier):
    tone = (0.5 * np.sin(2 * np.pi * 1000 * np.arange(2 * 44100) / 44100)).astype(np.float32)
    listening = Listening(classifier, "model")
    given = []
    push = listening._running.push
    listening._running.push = lambda samples: given.append(samples) or push(samples)
    for at in range(0, len(tone), 4410):
        listening.push(tone[at : at + 4410], 44100)
    joined = np.concatenate(given)
    steps = np.abs(np.diff(joined[RATE // 10 :]))  # a click at a seam would jump
    assert steps.max() < 1.02 * 2 * np.pi * 1000 / RATE * 0.5


def test_another_model_goes_on_in_time(classifier, speech):
    listening = listened(classifier, speech, 48000)
    before, number = listening.seconds, listening.told()["number"]
    listening.change(classifier, "other")
    listening.push(speech[:14400], 48000)
    last = listening.told()["moments"][-1]
    assert last[0] == number + 1
    assert last[1] == pytest.approx(before, abs=0.001)


def encoded(samples):
    return base64.b64encode(np.asarray(samples, "<i2").tobytes()).decode()


def test_a_piece_is_read_as_it_was_sent():
    waveform, rate = read_piece(encoded([0, 16384, -32768]), 44100)
    assert rate == 44100
    np.testing.assert_allclose(waveform, [0, 0.5, -1])


@pytest.mark.parametrize(
    ("sound", "rate"),
    [
        ("%%%", 48000),
        ("AAAA", 48000),  # not a whole number of samples
        (None, 48000),
        ({"path": "/etc/passwd"}, 48000),
        ("AAAA", "48000"),
        ("AAAA", 0),
        ("AAAA", True),
        ("AAAA", 10**9),
        (encoded(np.zeros(int((LONGEST_PIECE_SECONDS + 1) * 8000))), 8000),
    ],
)
def test_what_is_no_piece_of_sound_is_refused(sound, rate):
    with pytest.raises(AudioReadError):
        read_piece(sound, rate)


def test_no_more_listen_at_once_and_who_is_gone_makes_room():
    listeners = Listeners(most=2, lost_after=0.2)
    assert listeners.admit("a")
    assert listeners.admit("b")
    assert not listeners.admit("c")
    assert listeners.admit("a")  # goes on
    listeners.leave("b")
    assert listeners.admit("c")
    time.sleep(0.3)
    assert len(listeners) == 0
    assert listeners.admit("d")
