"""What the view of a sound is given: the right picture, marks where they belong, parts within limits."""

import base64
import io

import gradio as gr
import numpy as np
import pytest
import soundfile
from PIL import Image

from audiocls.audio.decoding import decode
from audiocls.corpus.overview import Overview
from audiocls.ui.limits import LONGEST_HEARD_SECONDS
from audiocls.ui.sound_view import Mark, _heard, picture_of, picture_of_overview, with_marks
from tests.small_models import SOUNDS

RATE = 16000
FILE = SOUNDS / "animal" / "animal_00.ogg"


def opened(address):
    return io.BytesIO(base64.b64decode(address.partition("base64,")[2]))


@pytest.fixture(scope="module")
def sound():
    return decode(FILE, RATE)


def test_the_sound_stands_in_the_page_and_its_picture_has_its_shape(sound):
    value = picture_of(sound, RATE)
    assert value["seconds"] == len(sound) / RATE
    heard, rate = soundfile.read(opened(value["sound"]))
    assert len(heard) / rate == pytest.approx(value["seconds"], abs=0.1)
    swing = np.maximum(value["highs"], -np.array(value["lows"]))
    assert swing.max() == 95 == swing[int(np.abs(sound).argmax() / len(sound) * len(swing))]
    assert swing[0] < 20  # it begins quietly
    assert Image.open(opened(value["picture"])).size[0] <= 1024
    assert len(str(value)) < 300_000


def test_a_mark_lies_at_its_frequency(sound):
    tone = (0.3 * np.sin(2 * np.pi * 1000 * np.arange(2 * RATE) / RATE)).astype(np.float32)
    value = picture_of(tone, RATE, [Mark(0.5, 9.0, "tone", 0.5, low_hz=900, high_hz=1100)])
    (mark,) = value["marks"]
    assert (mark["start"], mark["end"]) == (0.5, 2.0)  # not beyond the sound
    pixels = np.asarray(Image.open(opened(value["picture"])).convert("L"), int)
    brightest = 1 - (pixels.mean(axis=1).argmax() + 0.5) / len(pixels)
    assert mark["low"] - 0.02 < brightest < mark["high"] + 0.02
    (written,) = [place for place, text in value["hz"] if text == "1 kHz"]
    assert mark["low"] < written < mark["high"]
    assert with_marks(value, [])["marks"] == []


def test_a_long_recording_is_seen_whole_and_not_in_the_page(sound):
    quiet = np.zeros(100 * RATE, np.float32)
    quiet[70 * RATE : 70 * RATE + len(sound)] = sound
    overview = Overview(RATE, 100.0)
    for block in np.split(quiet, 10):
        overview.push(block)
    value = picture_of_overview(overview, 100.0, [Mark(70, 72, "animal")])
    assert value["seconds"] == 100
    assert value["sound"] is None
    assert np.argmax(value["highs"]) / len(value["highs"]) == pytest.approx(0.71, abs=0.02)
    assert len(str(value)) < 1_000_000


def event(**asked):
    return gr.EventData(None, asked)


def test_a_part_of_it_comes_when_asked_for(sound):
    def hear(start, end, request, factor):
        return sound[round(start * RATE) : round(end * RATE)] * factor, RATE

    part = _heard(hear)(event(start=0.5, end=1.0, number=7, of=3), None, 0.5).props["part"]
    assert (part["number"], part["of"], part["start"], part["end"]) == (7, 3, 0.5, 1.0)
    heard, rate = soundfile.read(opened(part["sound"]))
    assert len(heard) / rate == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    "asked",
    [{}, {"start": 2, "end": 1}, {"start": -1, "end": 1}, {"start": "0", "end": 1}, {"start": 0, "end": float("nan")}],
)
def test_what_is_no_part_is_refused_without_asking_the_tab(asked):
    part = _heard(lambda *_: pytest.fail("was asked"))(event(**asked), None).props["part"]
    assert "no part" in part["problem"]
    assert "sound" not in part


def test_no_part_is_longer_than_the_limit_and_a_refusal_is_told():
    asked = []

    def hear(start, end, request):
        asked.append(end - start)
        raise gr.Error("it is gone")

    part = _heard(hear)(event(start=0, end=1e9), None).props["part"]
    assert asked == [LONGEST_HEARD_SECONDS]
    assert part["problem"] == "it is gone"
