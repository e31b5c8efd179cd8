import io
import os
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from audiocls.audio import decoding as audio
from audiocls.audio.decoding import decode, decode_noting, probe
from audiocls.errors import AudioReadError

RATE = 16000


def tone(seconds: float = 1.0, rate: int = RATE, hz: float = 440.0, channels: int = 1) -> np.ndarray:
    """float32 (time,) or (time, channels)"""
    wave = (0.5 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)
    return wave if channels == 1 else np.repeat(wave[:, None], channels, axis=1)


def peak_hz(waveform: np.ndarray, rate: int = RATE) -> float:
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform))))
    return float(np.fft.rfftfreq(len(waveform), 1 / rate)[spectrum.argmax()])


def level(waveform: np.ndarray) -> float:
    """Root mean square of the middle, where codecs have settled."""
    return float(np.sqrt((waveform[len(waveform) // 4 : -len(waveform) // 4] ** 2).mean()))


def written(data: np.ndarray, rate: int, container: str, subtype: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, data, rate, format=container, subtype=subtype)
    return file.getvalue()


def written_av(path: Path, codec: str, rate: int, channels: int = 1, seconds: float = 1.0) -> Path:
    with av.open(str(path), "w") as container:
        layout = "mono" if channels == 1 else "stereo"
        stream = container.add_stream(codec, rate=rate, layout=layout)
        if codec != "pcm_s16le":
            stream.bit_rate = 128_000
        planes = np.repeat(tone(seconds, rate)[None], channels, axis=0)
        frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
        frame.sample_rate = rate
        for part in av.AudioResampler(stream.format, layout, rate, stream.frame_size or 1024).resample(frame):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("container", "subtype"),
    [
        *(("WAV", name) for name in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW")),
        ("WAV", "IMA_ADPCM"),
        ("FLAC", "PCM_16"),
        ("FLAC", "PCM_24"),
        ("AIFF", "PCM_16"),
        ("OGG", "VORBIS"),
        ("OGG", "OPUS"),
        ("MP3", "MPEG_LAYER_III"),
        ("CAF", "PCM_16"),
        ("AU", "PCM_16"),
    ],
)
def test_every_format_gives_the_same_tone(container, subtype):
    rate = 48000
    waveform = decode(written(tone(rate=rate), rate, container, subtype), RATE)
    assert waveform.dtype == np.float32
    assert waveform.shape == pytest.approx((RATE,), abs=1500)  # MP3 pads
    assert peak_hz(waveform) == pytest.approx(440, abs=2)
    assert level(waveform) == pytest.approx(0.5 / np.sqrt(2), rel=0.03)


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.m4a", "aac", 44100),
        ("a.aac", "aac", 44100),
        ("a.webm", "libopus", 48000),
        ("a.mp4", "aac", 48000),
        ("a.mkv", "aac", 32000),
        ("a.wma", "wmav2", 44100),
        ("a.mov", "pcm_s16le", 22050),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_formats_beyond_libsndfile_give_the_same_tone(tmp_path, name, codec, rate, channels):
    path = written_av(tmp_path / name, codec, rate, channels)
    waveform = decode(path, RATE)
    assert waveform.dtype == np.float32
    assert len(waveform) == pytest.approx(RATE, abs=2500)
    assert peak_hz(waveform) == pytest.approx(440, abs=2)
    assert level(waveform) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)
    info = probe(path)
    assert (info.sampling_rate, info.channels) == (rate, channels)
    np.testing.assert_array_equal(decode(path.read_bytes(), RATE), waveform)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 96000, 192000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_rates_and_channels_become_mono_at_the_asked_rate(rate, channels):
    data = written(tone(rate=rate, channels=channels), rate, "WAV", "PCM_16")
    waveform = decode(data, RATE)
    assert waveform.shape == (RATE,)
    assert peak_hz(waveform) == pytest.approx(440, abs=2)
    info = probe(data)
    assert (info.sampling_rate, info.channels, info.seconds, info.format) == (rate, channels, 1.0, "WAV")


def test_channels_are_averaged():
    left = tone()
    stereo = np.stack([left, np.zeros_like(left)], axis=1)
    np.testing.assert_allclose(decode(written(stereo, RATE, "WAV", "FLOAT"), RATE), left / 2, atol=1e-7)
    opposite = np.stack([left, -left], axis=1)
    assert np.abs(decode(written(opposite, RATE, "WAV", "FLOAT"), RATE)).max() < 1e-7


def test_resampling_removes_what_the_new_rate_cannot_hold():
    high = decode(written(tone(rate=44100, hz=9000), 44100, "WAV", "FLOAT"), RATE)
    assert level(high) < 0.5 * 10 ** (-80 / 20)


def test_floats_over_full_scale_are_kept():
    loud = tone() * 5
    np.testing.assert_array_equal(decode(written(loud, RATE, "WAV", "FLOAT"), RATE), loud)


def test_path_bytes_and_file_object_agree_and_the_file_object_is_left_at_its_start(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, tone(rate=22050), 22050)
    expected = decode(path, RATE)
    with open(path, "rb") as file:
        file.seek(100)
        np.testing.assert_array_equal(decode(file, RATE), expected)
        assert file.tell() == 0
        np.testing.assert_array_equal(decode(file, RATE), expected)
    for source in (str(path), path.read_bytes(), io.BytesIO(path.read_bytes())):
        np.testing.assert_array_equal(decode(source, RATE), expected)


def test_long_files_in_blocks_equal_one_piece_and_cost_little_more_than_their_result(tmp_path, monkeypatch):
    path = tmp_path / "long.wav"
    rng = np.random.default_rng(0)
    soundfile.write(path, rng.uniform(-0.5, 0.5, (1_500_000, 2)).astype(np.float32), 48000)
    monkeypatch.setattr(audio, "BLOCK_FRAMES", 1 << 24)
    whole = decode(path, RATE)
    monkeypatch.setattr(audio, "BLOCK_FRAMES", 1 << 15)
    tracemalloc.start()
    blocks = decode(path, RATE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(whole) == len(blocks) == 500_000
    np.testing.assert_allclose(blocks, whole, atol=1e-5)
    assert peak < 1.5 * blocks.nbytes + 2**21


BROKEN = {
    "empty": (b"", "empty"),
    "text": (b"this is not sound, whatever its name says\n" * 50, "not an audio file"),
    "playlist": (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.mp3\n", "not an audio file"),
    "noise": (np.random.default_rng(2).bytes(5000), "not an audio file"),
    "zeros": (bytes(5000), "not an audio file"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(200), "not an audio file"),
    "riff header alone": (b"RIFF\x24\x00\x00\x00WAVE", "damaged WAV"),
    "wav without samples": (written(np.zeros(0, np.float32), RATE, "WAV", "PCM_16"), "no samples"),
    "ogg header alone": (written(tone(), RATE, "OGG", "VORBIS")[:200], "damaged OGG"),
    "rate of 1 Hz": (written(tone(), 1, "WAV", "PCM_16"), "1 Hz"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_sound_is_refused_with_a_reason(name, tmp_path, capfd):
    data, reason = BROKEN[name]
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    for source in (path, data, io.BytesIO(data)):
        with pytest.raises(AudioReadError, match=reason) as caught:
            decode(source, RATE)
        assert "\n" not in caught.value.reason
    if "samples" not in name:
        with pytest.raises(AudioReadError):
            probe(path)
    assert capfd.readouterr() == ("", "")  # the libraries print nothing of their own


def test_missing_folder_pipe_and_forbidden_files_are_refused(tmp_path):
    with pytest.raises(AudioReadError, match="no such file"):
        decode(tmp_path / "none.wav", RATE)
    with pytest.raises(AudioReadError, match="not a file"):
        decode(tmp_path, RATE)
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(AudioReadError, match="not a file"):
        decode(tmp_path / "pipe.wav", RATE)
    with pytest.raises(AudioReadError, match="no such file"):
        decode("bad\0name.wav", RATE)


def test_a_name_is_never_taken_for_a_url_or_protocol(tmp_path):
    for name in ("http://127.0.0.1:9/a.m4a", "concat:a|b", "file:/etc/passwd"):
        with pytest.raises(AudioReadError, match="no such file"):
            decode(name, RATE)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused(value):
    data = tone()
    data[777] = value
    with pytest.raises(AudioReadError, match="not numbers"):
        decode(written(data, RATE, "WAV", "FLOAT"), RATE)


def test_a_video_without_sound_says_so(tmp_path):
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(AudioReadError, match="no audio stream"):
        decode(path, RATE)


@pytest.mark.parametrize(
    ("container", "subtype"),
    [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("AIFF", "PCM_16"), ("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS")],
)
def test_a_file_cut_in_the_middle_is_used_as_far_as_it_goes_and_noted(container, subtype):
    rng = np.random.default_rng(2)
    data = written(rng.uniform(-0.3, 0.3, 5 * RATE).astype(np.float32), RATE, container, subtype)
    whole, cut = decode_noting(data, RATE), decode_noting(data[: len(data) // 2], RATE)
    assert whole.note is None
    assert "early" in cut.note
    assert 0.3 < len(cut.waveform) / len(whole.waveform) < 0.7
    np.testing.assert_allclose(cut.waveform[:8000], whole.waveform[:8000], atol=1e-4)


def test_a_cut_m4a_and_a_cut_webm_do_what_their_layout_allows(tmp_path):
    path = written_av(tmp_path / "a.webm", "libopus", 48000, seconds=4)
    half = decode_noting(path.read_bytes()[: path.stat().st_size // 2], RATE)
    assert 0.3 < len(half.waveform) / (4 * RATE) < 0.7
    path = written_av(tmp_path / "a.m4a", "aac", 44100, seconds=4)  # its index is at the end
    with pytest.raises(AudioReadError, match="damaged M4A"):
        decode(path.read_bytes()[: path.stat().st_size // 2], RATE)


def test_a_wav_written_into_a_pipe_is_not_called_cut():
    data = bytearray(written(tone(), RATE, "WAV", "PCM_16"))
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    decoded = decode_noting(bytes(data), RATE)
    assert decoded.note is None
    assert len(decoded.waveform) == RATE


def test_importing_the_decoder_loads_neither_torch_nor_pyav():
    code = "import sys, audiocls.audio.decoding; print([n for n in ('torch', 'av', 'datasets') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("read", [decode, probe])
def test_an_unknown_codec_is_named_as_the_reason(read, tmp_path):
    path = tmp_path / "ogg_in_wav.ogg"
    body = struct.pack("<4sIHHIIHHH", b"fmt ", 18, 0x674F, 1, 44100, 11000, 1, 16, 0)
    body += struct.pack("<4sI", b"data", 4000) + b"OggS" + bytes(3996)
    path.write_bytes(struct.pack("<4sI4s", b"RIFF", 4 + len(body), b"WAVE") + body)
    with pytest.raises(AudioReadError, match="codec"):
        read(path, 16000) if read is decode else read(path)


@pytest.mark.parametrize(("container", "subtype"), [("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")])
def test_files_joined_end_to_end_are_read_to_the_end(tmp_path, container, subtype):
    joined = written(tone(2.0, 44100, 440), 44100, container, subtype)
    joined += written(tone(3.0, 32000, 880), 32000, container, subtype)
    path = tmp_path / "joined"
    path.write_bytes(joined)
    for source in (joined, path, io.BytesIO(joined)):
        decoded = decode_noting(source, RATE)
        assert len(decoded.waveform) == pytest.approx(5 * RATE, abs=4000)
        assert peak_hz(decoded.waveform[:RATE]) == pytest.approx(440, abs=2)
        assert peak_hz(decoded.waveform[-2 * RATE :]) == pytest.approx(880, abs=2)
        assert decoded.note is None
