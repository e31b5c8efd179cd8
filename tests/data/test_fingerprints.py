import numpy as np
import pytest

from audiocls.audio.decoding import decode
from audiocls.data.fingerprints import FRAME_BITS, WORDS, fingerprint

RATE = 16000


@pytest.fixture(scope="module")
def sounds(everyday_sounds):
    """Every tenth bundled training sound: three of each class."""
    return [decode(path, RATE) for path in sorted((everyday_sounds / "train").glob("*/*.ogg"))[::10]]


def test_the_fingerprint_is_free_of_volume_and_sign(sounds):
    for wave in sounds:
        own = fingerprint(wave, RATE)
        np.testing.assert_array_equal(fingerprint(-wave, RATE), own)
        softer = fingerprint(wave * np.float32(0.01), RATE)
        assert len(np.intersect1d(softer[:, 0], own[:, 0])) >= 0.6 * len(np.unique(own[:, 0]))


def test_the_fingerprint_of_a_part_is_in_that_of_the_whole_at_its_place(sounds):
    long = np.concatenate(sounds)
    part = fingerprint(long[5 * RATE : 7 * RATE], RATE)
    whole = fingerprint(long[: 9 * RATE], RATE)
    frame = {(int(row[0]), int(row[1]) & ((1 << FRAME_BITS) - 1)) for row in whole}
    kept = [(int(row[0]), (int(row[1]) & ((1 << FRAME_BITS) - 1)) + 500) in frame for row in part]
    assert np.mean(kept) > 0.5


def test_the_rate_of_the_decoded_samples_matters_little(everyday_sounds):
    path = next((everyday_sounds / "train" / "music").glob("*.ogg"))
    first, second = (fingerprint(decode(path, rate), rate)[:, 0] for rate in (16000, 44100))
    assert len(np.intersect1d(first, second)) > 0.6 * len(first)


@pytest.mark.parametrize("waveform", [np.zeros(0), np.zeros(5), np.zeros(RATE), np.ones(RATE), np.eye(1, RATE)[0]])
def test_anything_has_a_fingerprint(waveform):
    words = fingerprint(waveform.astype(np.float32), RATE)
    assert words.dtype == np.uint32
    assert words.ndim == 2
    assert words.shape[1] == WORDS
    if not waveform.any():
        assert len(words) == 0


def test_long_clips_have_no_longer_fingerprints_and_very_long_ones_cost_no_more():
    noise = np.random.default_rng(0).standard_normal(RATE * 30).astype(np.float32)
    assert len(fingerprint(noise[: RATE // 2], RATE)) <= 52
    assert len(fingerprint(noise, RATE)) == 256
    looked_at = fingerprint(np.tile(noise[: 8000 * 3], 200), 8000)
    np.testing.assert_array_equal(fingerprint(np.tile(noise[: 8000 * 3], 210), 8000), looked_at)
