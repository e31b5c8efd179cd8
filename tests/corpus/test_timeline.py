import numpy as np
import pytest
from PIL import Image, ImageColor

from audiocls.corpus import timeline as drawing
from audiocls.corpus.overview import Overview
from audiocls.corpus.timeline import COLOURS, LEFT, PLOT, Timeline, draw_timeline, write_timeline
from audiocls.detection.event import Event

RATE = 16000


def overview(seconds, loud=(0.5, 1.0)):
    made = Overview(RATE, seconds)
    for start in range(0, int(seconds * RATE), RATE * 30):
        count = min(RATE * 30, int(seconds * RATE) - start)
        time = (start + np.arange(count)) / RATE
        inside = (time >= loud[0] * seconds) & (time < loud[1] * seconds)
        made.push((inside * 0.4 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32))
    return made


def columns_of(image, colour):
    """The pixels from the left edge of the plot at which a colour is seen."""
    found = (np.asarray(image.convert("RGB")) == ImageColor.getrgb(colour)).all(axis=2).any(axis=0)
    return np.flatnonzero(found) - LEFT


@pytest.mark.parametrize("seconds", [0.5, 10.0, 3600.0])
def test_events_are_where_they_are_in_time(seconds):
    event = Event(0.25 * seconds, 0.5 * seconds, "owl", 0.9, 0.8)
    image = draw_timeline(Timeline("a.wav", seconds, overview(min(seconds, 60)), [event], ["owl", "fox"]))
    drawn = columns_of(image, COLOURS[0])
    assert drawn.min() == pytest.approx(0.25 * PLOT, abs=1)
    assert drawn.max() == pytest.approx(0.5 * PLOT, abs=2)
    assert len(columns_of(image, COLOURS[1])) == 0  # no fox


def test_a_short_event_in_ten_hours_is_seen_also_at_the_very_end():
    event = Event(35999.9, 36000.0, "owl", 0.9, 0.8)
    drawn = columns_of(draw_timeline(Timeline("a.wav", 36000.0, overview(5), [event], ["owl"])), COLOURS[0])
    assert len(drawn) == drawing.NARROWEST
    assert drawn.max() < PLOT


def test_the_spectrogram_is_bright_where_it_is_loud_and_dark_in_silence():
    image = np.asarray(draw_timeline(Timeline("a.wav", 8.0, overview(8), [], ["owl"])).convert("L"), float)
    panel = image[drawing.TITLE : drawing.TITLE + drawing.SPECTROGRAM, LEFT : LEFT + PLOT]
    assert panel[:, PLOT // 2 + 10 :].max() > 150
    assert panel[:, : PLOT // 2 - 10].max() < 20
    silent = Overview(RATE, 2.0)
    silent.push(np.zeros(2 * RATE, np.float32))
    image = np.asarray(draw_timeline(Timeline("a.wav", 2.0, silent, [], ["owl"])).convert("L"))
    assert image[drawing.TITLE + 5 : drawing.TITLE + drawing.SPECTROGRAM - 5, LEFT + 5 : LEFT + PLOT - 5].max() < 20


def test_of_many_classes_those_with_events_are_shown():
    labels = [f"class {number}" for number in range(60)]
    events = [Event(1.0, 2.0, "class 55", 0.9, 0.9)]
    image = draw_timeline(Timeline("a.wav", 8.0, overview(8), events, labels))
    assert image.height < 1000
    assert any(len(columns_of(image, colour)) for colour in COLOURS)


def test_the_file_is_a_small_png_and_names_of_any_kind_can_be_drawn(tmp_path):
    path = tmp_path / "deep" / "a.png"
    write_timeline(Timeline("$x$ 日本\udcff.wav", 8.0, overview(8), [], ["鳥", "a\nb"], "2024-01-31T05:30:00"), path)
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert image.size[0] == drawing.WIDTH
    assert path.stat().st_size < 200_000
