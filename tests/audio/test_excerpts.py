"""A part of a long file, by seeking or by reading up to it."""

import numpy as np
import pytest
import soundfile

from audiocls.audio.decoding import decode
from audiocls.audio.excerpts import read_excerpt
from audiocls.errors import AudioReadError
from tests.small_models import SOUNDS

RATE = 16000


def noise(seconds, channels=1, seed=0):
    return (0.1 * np.random.default_rng(seed).standard_normal((round(seconds * RATE), channels))).astype(np.float32)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_it_is_the_part_of_the_file_sample_by_sample(tmp_path, suffix):
    samples = noise(30, channels=2)
    path = tmp_path / f"long.{suffix}"
    soundfile.write(path, samples, RATE, subtype="PCM_16")
    written, _ = soundfile.read(path, dtype="float32")
    rate, part = read_excerpt(path, 12.25, 14.5)
    assert rate == RATE
    np.testing.assert_array_equal(part, written[round(12.25 * RATE) : round(14.5 * RATE)])


def test_it_ends_with_the_file(tmp_path):
    path = tmp_path / "short.wav"
    soundfile.write(path, noise(2), RATE)
    assert len(read_excerpt(path, 1.5, 9.0)[1]) == RATE // 2


def test_behind_the_end_there_is_nothing(tmp_path):
    path = tmp_path / "short.wav"
    soundfile.write(path, noise(2), RATE)
    with pytest.raises(AudioReadError, match=r"over before 5\.00 s"):
        read_excerpt(path, 5.0, 6.0)


def test_the_second_link_of_a_chained_file_is_reached(tmp_path):
    first, second = sorted((SOUNDS / "water").glob("*.ogg"))[:2]
    path = tmp_path / "joined.ogg"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    before, after = (decode(each, 16000) for each in (first, second))
    rate, part = read_excerpt(path, len(before) / 16000 + 0.1, len(before) / 16000 + 0.5)
    expected = after[round(0.1 * rate) : round(0.5 * rate)]
    np.testing.assert_allclose(part[:, 0], expected[: len(part)], atol=1e-3)
    assert len(part) == pytest.approx(0.4 * rate, abs=2)


def test_a_file_that_only_ffmpeg_reads(tmp_path):
    import av

    samples = noise(4)
    path = tmp_path / "sound.m4a"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples.T, format="fltp", layout="mono")
        frame.sample_rate = RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    rate, part = read_excerpt(path, 1.0, 2.5)
    assert (rate, len(part)) == (RATE, round(1.5 * RATE))
    np.testing.assert_array_equal(part[:, 0], decode(path, RATE)[RATE : round(2.5 * RATE)])


def test_what_is_no_sound_is_told(tmp_path):
    path = tmp_path / "text.wav"
    path.write_text("no sound")
    with pytest.raises(AudioReadError):
        read_excerpt(path, 0, 1)
