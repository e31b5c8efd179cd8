import io

import numpy as np
import pytest
import soundfile
import soxr

from audiocls.audio.decoding import decode
from audiocls.data.fingerprints import DESCRIPTOR_SIZE, _candidates, correlation, describe, find_copies

RATE = 16000


@pytest.fixture(scope="module")
def sounds(everyday_sounds):
    """Every tenth bundled training sound: three of each class."""
    return [decode(path, RATE) for path in sorted((everyday_sounds / "train").glob("*/*.ogg"))[::10]]


def encoded(waveform, container, subtype):
    file = io.BytesIO()
    soundfile.write(file, waveform, RATE, format=container, subtype=subtype)
    return decode(file.getvalue(), RATE)


CHANGES = {
    "vorbis": lambda wave: encoded(wave, "OGG", "VORBIS"),
    "opus": lambda wave: encoded(wave, "OGG", "OPUS"),
    "mp3": lambda wave: encoded(wave, "MP3", "MPEG_LAYER_III"),
    "softer": lambda wave: wave * np.float32(0.05),
    "upside down": lambda wave: -wave,
    "shifted": lambda wave: np.pad(wave, (3000, 0)),
    "trimmed": lambda wave: wave[: int(0.92 * len(wave))],
    "telephone": lambda wave: soxr.resample(soxr.resample(wave, RATE, 8000), 8000, RATE),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_copies_are_found_and_nothing_else(sounds, change):
    both = [*sounds, *(CHANGES[change](wave) for wave in sounds)]
    descriptors = np.stack([describe(wave, RATE) for wave in both])
    lengths = np.array([len(wave) for wave in both])
    pairs = find_copies(descriptors, lengths, RATE, lambda i, start, stop: both[i][start:stop])
    true = {(i, i + len(sounds)) for i in range(len(sounds))}
    assert set(pairs) <= true
    assert len(pairs) >= 0.9 * len(true)


def test_different_hits_of_one_drum_are_no_copies(everyday_sounds):
    drums = [decode(path, RATE) for path in sorted(everyday_sounds.glob("*/drum/*.ogg"))]
    descriptors, lengths = np.stack([describe(wave, RATE) for wave in drums]), np.array([len(wave) for wave in drums])
    assert find_copies(descriptors, lengths, RATE, lambda i, start, stop: drums[i][start:stop]) == []


def test_the_descriptor_is_free_of_volume_and_finite_for_anything(sounds):
    np.testing.assert_allclose(describe(sounds[0] * 0.01, RATE), describe(sounds[0], RATE), atol=0.1)
    for waveform in (np.zeros(0), np.zeros(5), np.zeros(RATE), np.ones(RATE), np.eye(1, RATE)[0]):
        descriptor = describe(waveform.astype(np.float32), RATE)
        assert descriptor.shape == (DESCRIPTOR_SIZE,)
        assert np.isfinite(descriptor).all()


def test_correlation_is_one_for_a_shifted_copy_and_low_for_other_noise():
    rng = np.random.default_rng(0)
    noise, other = rng.standard_normal((2, RATE)).astype(np.float32)
    assert correlation(noise, np.pad(noise, (500, 0)), RATE) == pytest.approx(1, abs=1e-3)
    assert correlation(noise, other, RATE) < 0.1


def test_the_same_note_in_other_noise_is_no_copy(make_tone, tmp_path):
    first, second = (decode(make_tone(tmp_path / name, seconds=1.0), RATE) for name in ("a.wav", "b.wav"))
    assert correlation(first, second, RATE) < 0.5


def test_thousands_of_similar_sounds_give_a_bounded_number_of_comparisons():
    rng = np.random.default_rng(0)
    descriptors = rng.normal(0, 0.5, (3000, DESCRIPTOR_SIZE)).astype(np.float32)
    descriptors[2999] = descriptors[5] + 0.01
    pairs = _candidates(descriptors, np.ones(3000, np.float32))
    assert (5, 2999) in pairs
    assert len(pairs) <= 6 * 3000
    assert all(first < second for first, second in pairs)
