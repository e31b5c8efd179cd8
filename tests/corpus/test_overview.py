import numpy as np
import pytest

from audiocls.corpus.overview import FRAMES, Overview

RATE = 16000


def tone(hz, seconds, level=0.5):
    return (level * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def seen(sound, expected=None, block=None):
    overview = Overview(RATE, expected)
    for start in range(0, len(sound), block or len(sound)):
        overview.push(sound[start : start + (block or len(sound))])
    return overview


@pytest.mark.parametrize("hz", [200, 1000, 5000])
def test_a_tone_is_loudest_in_its_band(hz):
    overview = seen(tone(hz, 2))
    band = overview.spectrogram().mean(axis=1).argmax()
    assert abs(overview.band_hz[band] - hz) < 0.1 * hz + 10


def test_blocks_of_any_size_give_the_same():
    sound = np.concatenate([tone(300, 3), tone(3000, 4, 0.1)])
    whole, cut = seen(sound, 7.0), seen(sound, 7.0, block=777)
    np.testing.assert_allclose(whole.spectrogram(), cut.spectrogram(), atol=1e-3)  # dB
    np.testing.assert_array_equal(whole.envelope(), cut.envelope())


@pytest.mark.parametrize("expected", [None, 5.0, 600.0])
def test_whatever_the_length_things_are_where_they_were_and_memory_is_bounded(expected):
    """An unknown, a wrong and the right length: the tone is in the last quarter, the click is not lost."""
    sound = np.concatenate([np.zeros(450 * RATE, np.float32), tone(1000, 150, 0.2)])
    sound[100 * RATE] = 0.9
    overview = seen(sound, expected, block=RATE * 30)
    picture, envelope = overview.spectrogram(), overview.envelope()
    assert FRAMES / 4 < picture.shape[1] <= FRAMES
    loud = picture.max(axis=0) > -60
    assert abs(loud.argmax() / len(loud) - 0.75) < 0.01
    assert loud[int(0.76 * len(loud)) :].all()
    assert abs(envelope[: len(envelope) // 2].argmax() / len(envelope) - 100 / 600) < 0.01
    assert envelope.max() == np.float32(0.9)


def test_less_than_a_frame_is_still_a_picture():
    overview = seen(tone(1000, 0.01))
    assert overview.spectrogram().shape[1] == len(overview.envelope()) == 1
    assert overview.envelope().max() > 0.4
