import numpy as np
import pytest
import soundfile
import torch

from audiocls.audio.denoising import StreamDenoiser, denoise
from audiocls.errors import UsageError
from audiocls.models.denoising import METHODS, SpectralGate, denoise_settings
from tests.small_models import SOUNDS

RATE = 16000


def in_blocks(denoiser: StreamDenoiser, sound: np.ndarray, lengths: list[int]) -> np.ndarray:
    parts, start = [], 0
    while start < len(sound):
        length = lengths[len(parts) % len(lengths)]
        parts.append(denoiser.push(sound[start : start + length]))
        start += length
    return np.concatenate([*parts, denoiser.finish()])


def noisy(seconds: float, level: float = 0.05, seed: int = 0) -> np.ndarray:
    """A dog, a drum and others again and again, in white noise."""
    names = ("animal/animal_02", "drum/drum_00", "wood/wood_00", "speech/speech_01")
    parts = [np.pad(soundfile.read(SOUNDS / f"{name}.ogg", dtype="float32")[0], (0, RATE // 2)) for name in names]
    sound = np.resize(np.concatenate(parts), int(seconds * RATE))
    return sound + level * np.random.default_rng(seed).standard_normal(len(sound)).astype(np.float32)


@pytest.mark.parametrize("method", METHODS)
def test_blocks_of_any_length_give_the_same_to_the_last_bit(method):
    sound = noisy(13.3)
    whole = denoise(sound, RATE, method)
    denoiser = StreamDenoiser(RATE, method)
    assert np.array_equal(in_blocks(denoiser, sound, [700, 1, 0, 32_000, 4096]), whole)
    assert np.array_equal(in_blocks(denoiser, sound, [100_000]), whole)  # it can be used again
    assert whole.dtype == np.float32


@pytest.mark.parametrize("length", [0, 1, 255, 256, 257, 31_744, 31_745, 31_999, 70_001])
def test_as_much_comes_out_as_goes_in(length):
    for method in METHODS:
        assert denoise(noisy(5)[:length], RATE, method).shape == (length,)


@pytest.mark.parametrize("method", METHODS)
def test_a_short_clip_is_treated_as_a_window_of_a_model(method):
    sound = noisy(3.9)
    gate = SpectralGate(denoise_settings(method, RATE), RATE)
    np.testing.assert_allclose(
        denoise(sound, RATE, method), gate(torch.from_numpy(sound)[None])[0].numpy(), atol=1e-6, rtol=0
    )


@pytest.mark.parametrize("method", METHODS)
def test_delay_and_memory_are_bounded(method):
    denoiser = StreamDenoiser(RATE, method)
    given, most = 0, 0
    for second, block in enumerate(noisy(60).reshape(60, RATE), 1):
        given += len(denoiser.push(block))
        assert second * RATE - given <= 5 * RATE
        held = sum(map(torch.numel, denoiser._levels)) + sum(2 * each.numel() for each in denoiser._spectra)
        most = max(most, held + sum(map(len, denoiser._waiting)))
    assert most < 1_000_000  # numbers: 4 MB


@pytest.mark.parametrize("method", METHODS)
def test_it_follows_noise_that_changes(method):
    rng = np.random.default_rng(0)
    level = np.repeat([0.01, 0.1], 20 * RATE)
    noise = (level * rng.standard_normal(len(level))).astype(np.float32)
    left = denoise(noise, RATE, method)

    def change_db(seconds: slice) -> float:
        part = slice(seconds.start * RATE, seconds.stop * RATE)
        return 10 * np.log10((left[part] ** 2).mean() / (noise[part] ** 2).mean())

    assert change_db(slice(5, 15)) < -8
    assert change_db(slice(32, 39)) < -8  # ten times louder, once it has been heard for a while


def test_silence_stays_silence():
    assert not denoise(np.zeros(5 * RATE, np.float32), RATE, "stationary").any()


def test_wrong_arguments():
    with pytest.raises(UsageError, match="denoise is 'no'; choose from stationary, nonstationary"):
        StreamDenoiser(RATE, "no")
    with pytest.raises(UsageError, match="from 100 Hz up"):
        denoise(np.zeros(10, np.float32), 8, "stationary")
