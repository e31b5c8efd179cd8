import io
import threading
import tracemalloc

import numpy as np
import pytest
import soundfile

from audiocls.audio.decoding import decode, probe
from audiocls.audio.excerpts import read_excerpt
from audiocls.audio.joined_files import ogg_links
from audiocls.audio.streaming import AudioStream
from audiocls.errors import AudioReadError, UsageError
from tests.audio.test_decoding import RATE, peak_hz, tone, written, written_av


def heard(source, block_seconds=30.0, rate=RATE):
    stream = AudioStream(source, rate, block_seconds)
    blocks = list(stream)
    assert all(block.dtype == np.float32 and block.ndim == 1 for block in blocks)
    waveform = np.concatenate(blocks)
    assert stream.seconds == pytest.approx(len(waveform) / rate)
    return waveform, stream


@pytest.fixture(scope="module")
def sounds(everyday_sounds):
    """Eight seconds of real sounds at 48 kHz in stereo."""
    clips = sorted((everyday_sounds / "train" / "animal").glob("*.ogg"))
    found = np.concatenate([decode(clip, 48000) for clip in clips])[: 8 * 48000]
    return np.stack([found, np.roll(found, 100)], axis=1)


@pytest.mark.parametrize(
    ("container", "subtype"),
    [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")],
)
def test_blocks_of_any_size_are_the_whole_file(sounds, container, subtype):
    data = written(sounds, 48000, container, subtype)
    whole = decode(data, RATE)
    for block_seconds in (0.37, 2.0, 30.0):
        waveform, stream = heard(data, block_seconds)
        assert stream.notes == []
        assert stream.expected_seconds == pytest.approx(8, abs=0.1)
        np.testing.assert_allclose(waveform, whole, atol=1e-5)


@pytest.mark.parametrize(("name", "codec", "rate"), [("a.m4a", "aac", 44100), ("a.webm", "libopus", 48000)])
def test_formats_beyond_libsndfile_are_the_whole_file(tmp_path, name, codec, rate):
    path = written_av(tmp_path / name, codec, rate, channels=2, seconds=3.0)
    whole = decode(path, RATE)
    for block_seconds in (0.5, 30.0):
        waveform, stream = heard(path, block_seconds)
        assert stream.notes == []
        np.testing.assert_allclose(waveform, whole, atol=1e-5)


def piped(folder, samples, rate):
    """A FLAC file as a recorder writes one into a pipe: its header says nothing of its length (0, RFC 9639)."""
    data = bytearray(written(samples, rate, "FLAC", "PCM_16"))
    data[21] &= 0xF0  # of the 36 bits for the number of samples; see section 8.2
    data[22:26] = bytes(4)
    path = folder / "piped.flac"
    path.write_bytes(data)
    return path


def test_flac_from_a_pipe_is_heard_to_its_end(tmp_path, sounds):
    path = piped(tmp_path, sounds, 48000)
    whole = decode(written(sounds, 48000, "FLAC", "PCM_16"), RATE)
    for source in (path, path.read_bytes()):
        assert probe(source).seconds is None
        np.testing.assert_allclose(decode(source, RATE), whole, atol=1e-5)
        waveform, stream = heard(source, 1.0)
        assert stream.expected_seconds is None
        assert stream.notes == []
        np.testing.assert_allclose(waveform, whole, atol=1e-5)
    rate, part = read_excerpt(path, 5.0, 5.5)
    np.testing.assert_allclose(part, sounds[5 * rate : round(5.5 * rate)], atol=1e-4)


def test_path_bytes_and_file_object_agree(tmp_path, sounds):
    path = tmp_path / "a.flac"
    soundfile.write(path, sounds, 48000)
    expected = heard(path)[0]
    for source in (str(path), path.read_bytes(), io.BytesIO(path.read_bytes())):
        np.testing.assert_array_equal(heard(source, 1.0)[0], heard(path, 1.0)[0])
    np.testing.assert_allclose(heard(path, 1.0)[0], expected, atol=1e-5)


@pytest.mark.parametrize(("container", "subtype"), [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS")])
def test_what_comes_before_a_cut_is_given_and_noted(sounds, container, subtype):
    data = written(sounds, 48000, container, subtype)
    waveform, stream = heard(data[: len(data) // 2], 1.0)
    assert ["early" in note for note in stream.notes] == [True]
    assert 0.3 < len(waveform) / (8 * RATE) < 0.7
    np.testing.assert_allclose(waveform[: 2 * RATE], decode(data, RATE)[: 2 * RATE], atol=1e-4)


def test_damage_within_a_file_keeps_what_comes_before(sounds):
    data = bytearray(written(sounds, 48000, "FLAC", "PCM_16"))
    whole = decode(bytes(data), RATE)
    data[len(data) // 2 : len(data) // 2 + 4000] = bytes(4000)
    waveform, _ = heard(bytes(data), 1.0)
    assert len(waveform) > 2 * RATE
    np.testing.assert_allclose(waveform[: 2 * RATE], whole[: 2 * RATE], atol=1e-4)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
@pytest.mark.parametrize(("second_rate", "channels"), [(48000, 1), (16000, 2)])
def test_every_link_of_a_chained_ogg_is_heard(subtype, second_rate, channels):
    first = written(tone(2.0, 48000, 440), 48000, "OGG", subtype)
    second = written(tone(3.0, second_rate, 880, channels), second_rate, "OGG", subtype)
    assert ogg_links(io.BytesIO(first + second)) == [0, len(first)]
    waveform, stream = heard(first + second)
    assert len(waveform) == pytest.approx(5 * RATE, abs=20)
    assert stream.expected_seconds == pytest.approx(5, abs=0.01)
    assert peak_hz(waveform[: 2 * RATE]) == pytest.approx(440, abs=2)
    assert peak_hz(waveform[2 * RATE :]) == pytest.approx(880, abs=2)
    changes = [f"48000 to {second_rate} Hz at 2.0 s"] * (second_rate != 48000) + ["1 to 2 channels"] * (channels == 2)
    assert len(stream.notes) == len(changes)
    assert all(change in note for change, note in zip(changes, stream.notes, strict=True))


@pytest.mark.parametrize(("second_rate", "channels"), [(44100, 1), (16000, 1), (44100, 2)])
def test_joined_mp3_files_are_heard_to_the_end(second_rate, channels):
    first = written(tone(3.0, 44100, 440), 44100, "MP3", "MPEG_LAYER_III")
    second = written(tone(3.0, second_rate, 880, channels), second_rate, "MP3", "MPEG_LAYER_III")
    waveform, stream = heard(first + second, 1.0)
    assert len(waveform) == pytest.approx(6 * RATE, abs=4000)
    assert peak_hz(waveform[RATE : 2 * RATE]) == pytest.approx(440, abs=2)
    assert peak_hz(waveform[-2 * RATE : -RATE]) == pytest.approx(880, abs=2)
    assert any(f"44100 to {second_rate} Hz" in note for note in stream.notes) == (second_rate != 44100)
    assert any("1 to 2 channels" in note for note in stream.notes) == (channels == 2)


def test_an_mp3_whose_header_does_not_tell_its_length_is_heard_to_the_end():
    rng = np.random.default_rng(0)
    quiet_then_loud = np.concatenate([0.001 * tone(10.0), rng.uniform(-0.5, 0.5, 10 * RATE).astype(np.float32)])
    data = written(quiet_then_loud, RATE, "MP3", "MPEG_LAYER_III")
    start = max(data.find(b"Xing"), data.find(b"Info"))
    untold = data[:start] + bytes(8) + data[start + 8 :]
    assert len(heard(untold)[0]) == pytest.approx(20 * RATE, abs=4000)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_become_silence_and_a_note(value):
    sound = tone(4.0)
    spoilt = sound.copy()
    spoilt[2 * RATE + 1600 : 2 * RATE + 1700] = value
    waveform, stream = heard(written(spoilt, RATE, "WAV", "FLOAT"), 1.0)
    assert not waveform[2 * RATE + 1600 : 2 * RATE + 1700].any()
    np.testing.assert_array_equal(waveform[: 2 * RATE], sound[: 2 * RATE])
    assert ["not numbers from 2.1 s" in note for note in stream.notes] == [True]


def test_a_file_without_a_single_number_cannot_be_read():
    with pytest.raises(AudioReadError, match="no samples that are numbers"):
        heard(written(np.full(RATE, np.nan, np.float32), RATE, "WAV", "FLOAT"))


@pytest.mark.parametrize(
    "data", [b"", b"no sound at all, whatever its name", written(tone()[:0], RATE, "WAV", "PCM_16")]
)
def test_what_is_no_sound_is_refused(data):
    with pytest.raises(AudioReadError) as caught:
        heard(data)
    assert caught.value.reason
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


def test_memory_does_not_grow_with_length(tmp_path):
    peaks = []
    for seconds in (20, 80):
        path = tmp_path / f"{seconds}.wav"
        soundfile.write(path, np.zeros((seconds * 48000, 2), np.float32), 48000, "PCM_16")
        tracemalloc.start()
        for _ in AudioStream(path, RATE, block_seconds=2.0):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    block_bytes = 2 * 48000 * 2 * 4
    assert peaks[1] < peaks[0] + block_bytes
    assert peaks[1] < 8 * block_bytes


def test_one_block_is_decoded_ahead_and_no_more_and_the_thread_ends_with_the_iteration(tmp_path, monkeypatch):
    decoded = []
    soundfile.write(tmp_path / "a.wav", tone(20.0), RATE)

    class Counted(soundfile.SoundFile):
        def read(self, *args, **kwargs):
            decoded.append(args)
            return super().read(*args, **kwargs)

    monkeypatch.setattr(soundfile, "SoundFile", Counted)
    blocks = iter(AudioStream(tmp_path / "a.wav", RATE, 1.0))
    for _ in range(3):
        next(blocks)
    blocks.close()
    assert 3 <= len(decoded) <= 4
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


def test_it_can_be_heard_twice(sounds):
    stream = AudioStream(written(sounds, 48000, "WAV", "PCM_16"), RATE, 1.0)
    np.testing.assert_array_equal(np.concatenate(list(stream)), np.concatenate(list(stream)))
    assert stream.seconds == pytest.approx(8)


def test_blocks_of_no_length_are_refused():
    with pytest.raises(UsageError, match="block_seconds"):
        AudioStream(b"x", RATE, 0)
