"""Everything that counts as audio becomes the same waveform."""

import io

import numpy as np
import pytest
import soundfile
import torch

from audiocls.errors import AudioReadError, UsageError
from audiocls.inference.inputs import is_single, to_waveform

RATE = 16000


@pytest.fixture
def stereo():
    """Half a second of two different tones, (time, channels)."""
    seconds = np.arange(RATE // 2) / RATE
    return np.stack([np.sin(880 * np.pi * seconds), np.sin(1500 * np.pi * seconds)], 1).astype(np.float32) * 0.5


def test_channels_first_and_last_mix_to_the_same_mono(stereo):
    expected = stereo.mean(1)
    np.testing.assert_allclose(to_waveform(stereo, RATE, RATE), expected, atol=1e-7)
    np.testing.assert_allclose(to_waveform(stereo.T, RATE, RATE), expected, atol=1e-7)
    np.testing.assert_allclose(to_waveform(torch.from_numpy(stereo.T), RATE, RATE), expected, atol=1e-7)
    np.testing.assert_allclose(to_waveform(stereo[:, :1], RATE, RATE), stereo[:, 0], atol=1e-7)


@pytest.mark.parametrize(
    ("dtype", "silence", "full_scale"),
    [("uint8", 128, 128), ("int8", 0, 128), ("int16", 0, 2**15), ("int32", 0, 2**31)],
)
def test_integer_samples_are_scaled_to_one(dtype, silence, full_scale):
    halves = np.array([0, 0.5, -0.5, -1])
    samples = (halves * full_scale + silence).astype(dtype)
    np.testing.assert_array_equal(to_waveform(samples, RATE, RATE), halves.astype(np.float32))
    np.testing.assert_array_equal(to_waveform(torch.from_numpy(samples), RATE, RATE), halves.astype(np.float32))


def test_every_way_to_hand_over_a_file_gives_its_samples(stereo, tmp_path):
    path = tmp_path / "tön e.wav"
    soundfile.write(path, stereo, RATE, subtype="FLOAT")
    content = path.read_bytes()
    expected = stereo.mean(1)
    with open(path, "rb") as file:
        for clip in (str(path), path, content, bytearray(content), file, io.BytesIO(content), {"bytes": content}):
            np.testing.assert_allclose(to_waveform(clip, RATE), expected, atol=1e-7)
    np.testing.assert_allclose(to_waveform({"bytes": None, "path": str(path)}, RATE), expected, atol=1e-7)


def test_dicts_and_gradio_tuples_say_their_own_rate(stereo):
    tone = np.sin(2 * np.pi * 440 * np.arange(44100) / 44100).astype(np.float32)
    for clip in (
        {"array": tone, "sampling_rate": 44100},
        {"raw": tone, "sampling_rate": 44100},
        {"path": "nowhere.wav", "array": tone, "sampling_rate": 44100},
        (44100, (tone * 32767).astype(np.int16)),
    ):
        waveform = to_waveform(clip, RATE)
        spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform))))
        assert len(waveform) == RATE
        assert waveform.dtype == np.float32
        assert np.argmax(spectrum) == 440


def test_a_bfloat16_tensor_is_accepted():
    assert to_waveform(torch.ones(100, dtype=torch.bfloat16) / 2, RATE, RATE).tolist() == [0.5] * 100


@pytest.mark.parametrize(
    ("clip", "rate", "message"),
    [
        (np.zeros(100, np.float32), None, "sampling_rate is missing"),
        ({"array": np.zeros(100, np.float32)}, None, "sampling_rate is missing"),
        (np.zeros(100, np.float32), 0, "must lie between"),
        (np.zeros(100, np.float32), "16000", "must be a number"),
        (np.zeros(100, np.int64), RATE, "int64 is no audio"),
        (np.zeros(100, np.complex64), RATE, "complex64 is no audio"),
        (np.zeros((2, 100, 3), np.float32), RATE, r"shape \(2, 100, 3\)"),
        (np.float32(1), RATE, r"shape \(\)"),
        ({"sampling_rate": RATE}, None, "needs 'array'"),
        (3, RATE, "type int is not understood"),
    ],
)
def test_a_wrong_argument_is_named(clip, rate, message):
    with pytest.raises(UsageError, match=message):
        to_waveform(clip, RATE, rate)


@pytest.mark.parametrize(
    ("samples", "message"), [([], "no samples"), ([0, np.nan], "not numbers"), ([0, np.inf], "not numbers")]
)
def test_an_array_without_usable_samples_cannot_be_read(samples, message):
    with pytest.raises(AudioReadError, match=message):
        to_waveform(np.array(samples, np.float32), RATE, RATE)


def test_collections_are_told_from_clips():
    array = np.zeros(10, np.float32)
    for single in ("a.wav", b"RIFF", io.BytesIO(), array, torch.zeros(2, 10), {"array": array}, (RATE, array)):
        assert is_single(single)
    for several in (["a.wav"], ("a.wav", "b.wav"), (array, array), iter([array]), []):
        assert not is_single(several)
