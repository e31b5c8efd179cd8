"""What is embedded sounds and looks like the clip."""

import base64
import io

import numpy as np
import pytest
import soundfile
from PIL import Image

from audiocls.evaluation.page_media import sound_address
from audiocls.mistakes.media import MediaBox, loudest_start, picture_address

RATE = 16000
TIME = np.arange(RATE) / RATE


def decoded(address):
    return io.BytesIO(base64.b64decode(address.partition("base64,")[2]))


def tone(hz, rate=RATE, seconds=1.0):
    return (0.4 * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


@pytest.mark.parametrize(("rate", "kind"), [(16000, "audio/mpeg"), (48000, "audio/mpeg"), (13000, "audio/flac")])
def test_the_sound_survives_in_a_small_format(rate, kind):
    waveform = tone(700, rate)
    address = sound_address(waveform, rate)
    assert address.startswith(f"data:{kind};base64,")
    assert len(address) < 0.7 * waveform.astype(np.int16).nbytes
    heard, found_rate = soundfile.read(decoded(address))
    assert found_rate == rate
    assert abs(len(heard) - rate) < 0.1 * rate
    spectrum = np.abs(np.fft.rfft(heard))
    assert spectrum.argmax() * rate / len(heard) == pytest.approx(700, abs=5)


def test_too_loud_a_sound_is_made_quieter_rather_than_cut():
    heard, _ = soundfile.read(decoded(sound_address(3 * tone(500), 13000)))
    assert 0.95 < np.abs(heard).max() <= 1
    assert (np.abs(heard) > 0.999).mean() < 0.1


@pytest.mark.parametrize("hz", [200, 1000, 5000])
def test_the_picture_is_bright_where_the_sound_is(hz):
    with Image.open(decoded(picture_address(tone(hz), RATE))) as image:
        bright = np.asarray(image.convert("L"), int)
    row = bright.mean(axis=1).argmax()
    mel = lambda hz: np.log10(1 + hz / 700)  # noqa: E731
    height = (mel(hz) - mel(30)) / (mel(8000) - mel(30))
    assert 1 - row / len(bright) == pytest.approx(height, abs=0.04)


def test_silence_is_dark():
    with Image.open(decoded(picture_address(np.zeros(RATE, np.float32), RATE))) as image:
        assert np.asarray(image.convert("L")).max() < 30


def test_of_a_long_clip_the_loudest_part_is_taken():
    waveform = np.full(100_000, 0.01, np.float32)
    waveform[60_000:61_000] = 0.9
    start = loudest_start(waveform, 8000)
    assert start <= 60_000
    assert start + 8000 >= 61_000
    assert loudest_start(waveform[:8000], 8000) == 0
    assert loudest_start(waveform[::-1][-8500:], 8000) <= 500


def test_a_full_box_gives_nothing_more(sounds):
    box = MediaBox(most_bytes=1)
    first = box.medium(sounds, 0)
    assert first is not None
    assert first.seconds == pytest.approx(sounds.lengths[0] / sounds.sampling_rate)
    assert not first.excerpt
    assert box.medium(sounds, 1) is None
