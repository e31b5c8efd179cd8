import numpy as np
import pytest
import soundfile

from audiocls.audio.decoding import BLOCK_FRAMES, decode
from audiocls.audio.native import read_native
from audiocls.errors import AudioReadError


def read(path):
    blocks = []
    info = read_native(str(path), lambda rate, block: blocks.append((rate, block.copy())))
    return info, np.concatenate([block for _, block in blocks]), {rate for rate, _ in blocks}


def test_a_file_comes_as_it_is(tmp_path):
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, (BLOCK_FRAMES + 777, 2)).astype(np.float32)
    soundfile.write(tmp_path / "x.wav", sound, 22050, "FLOAT")
    info, samples, rates = read(tmp_path / "x.wav")
    assert (info.sampling_rate, info.channels, info.frames, info.format) == (22050, 2, len(sound), "WAV FLOAT")
    assert info.note is None
    assert rates == {22050}
    np.testing.assert_array_equal(samples, sound)


def test_it_agrees_with_decode_on_real_files(everyday_sounds):
    path = everyday_sounds / "train" / "speech" / "speech_00.ogg"
    info, samples, _ = read(path)
    assert info.format == "OGG VORBIS"
    np.testing.assert_allclose(samples.mean(axis=1), decode(path, info.sampling_rate), atol=1e-6)


def test_a_cut_file_is_noted_and_what_is_there_is_read(tmp_path, everyday_sounds):
    whole = (everyday_sounds / "train" / "water" / "water_01.ogg").read_bytes()
    (tmp_path / "cut.ogg").write_bytes(whole[: len(whole) // 2])
    info, samples, _ = read(tmp_path / "cut.ogg")
    assert "ends early" in info.note
    assert info.frames == len(samples) > 0


@pytest.mark.parametrize("content", [b"", b"no sound", b"RIFF\x00\x00\x00\x00WAVE"])
def test_what_cannot_be_read_says_why(tmp_path, content):
    (tmp_path / "x.wav").write_bytes(content)
    with pytest.raises(AudioReadError) as error:
        read(tmp_path / "x.wav")
    assert error.value.reason


def test_numbers_that_are_none_are_refused(tmp_path):
    soundfile.write(tmp_path / "x.wav", np.array([0, np.nan, 0.5]), 16000, "FLOAT")
    with pytest.raises(AudioReadError, match="not numbers"):
        read(tmp_path / "x.wav")
