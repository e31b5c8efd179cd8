"""The picture of one recording: its spectrogram and level, and below them a row for each class with its events.

Drawn with Pillow: matplotlib takes ten times as long, longer than finding the events of a short recording does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from audiocls.corpus.overview import Overview
from audiocls.corpus.progress import clock
from audiocls.detection.event import Event
from audiocls.evaluation.drawable_text import MISSING, drawable, font_file
from audiocls.evaluation.page_media import magma
from audiocls.evaluation.plot_style import STYLE
from audiocls.whole_files import whole_file

WIDTH, LEFT, RIGHT = 1500, 150, 110  # pixels; names to the left, sums to the right
TITLE, SPECTROGRAM, LEVEL, ROW, GAP, AXIS = 44, 210, 56, 26, 12, 46
PLOT = WIDTH - LEFT - RIGHT
MOST_ROWS = 20  # classes: those with the most events
RANGE_DB = 75.0
LOWEST_LEVEL_DB = -60.0
NARROWEST = 3  # pixels of an event, so that it is seen in ten hours
SHOWN_HZ = (125, 250, 500, 1000, 2000, 4000, 8000, 16000, 32000)
STEPS_SECONDS = (
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    20,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    10800,
    21600,
    43200,
    86400,
)
MOST_TICKS = 10
SHADE = "#b8c4cf"
# Told apart by every kind of colour vision (Okabe and Ito, 2008); neighbouring rows never share one.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")


@dataclass(frozen=True)
class Timeline:
    """What is drawn. `labels`: the classes that were listened for. `recorded_at`: ISO time, or ""."""

    name: str
    seconds: float
    overview: Overview
    events: Sequence[Event]
    labels: Sequence[str]
    recorded_at: str = ""


def write_timeline(timeline: Timeline, path: str | Path) -> None:
    """Draw the picture as a PNG file.

    Raises:
        OutputError: it cannot be written.
    """
    # A third of the bytes of full colour: a month of recordings is ten thousand pictures.
    image = draw_timeline(timeline).quantize(palette=_few_colours(), dither=Image.Dither.NONE)
    with whole_file(path) as beside:
        image.save(beside, "PNG", compress_level=4)


def draw_timeline(timeline: Timeline) -> Image.Image:
    """The picture, RGB."""
    counts = {label: sum(event.label == label for event in timeline.events) for label in timeline.labels}
    rows = sorted(timeline.labels, key=lambda label: -counts[label])[:MOST_ROWS]
    rows = [label for label in timeline.labels if label in rows]
    height = TITLE + SPECTROGRAM + GAP + LEVEL + GAP + ROW * len(rows) + AXIS
    image = Image.new("RGB", (WIDTH, height), "white")
    draw = ImageDraw.Draw(image)
    _title(draw, timeline, len(timeline.labels) - len(rows))
    _spectrogram(image, draw, timeline.overview)
    top = TITLE + SPECTROGRAM + GAP
    _level(draw, timeline.overview, top)
    top += LEVEL + GAP
    bottom = top + ROW * len(rows)
    _time_axis(draw, timeline, top, bottom)
    for number, label in enumerate(rows):
        _row(draw, timeline, label, top + ROW * number, COLOURS[number % len(COLOURS)])
    draw.line((LEFT, bottom, LEFT + PLOT, bottom), fill=STYLE["faint"])
    return image


def _title(draw: ImageDraw.ImageDraw, timeline: Timeline, left_out: int) -> None:
    count = len(timeline.events)
    told = [clock(timeline.seconds) if timeline.seconds >= 60 else f"{timeline.seconds:.1f} s"]
    if timeline.recorded_at:
        told.insert(0, timeline.recorded_at.replace("T", " "))
    told.append("1 event" if count == 1 else f"{count:,} events")
    if left_out:
        told.append(f"{left_out} more classes with fewer")
    text = "   ".join(told)
    draw.text((WIDTH - 20, TITLE / 2), text, STYLE["faint"], _font(17), "rm")
    room = WIDTH - 60 - draw.textlength(text, _font(17))
    draw.text((20, TITLE / 2), drawable(timeline.name, int(room / 11.5)), STYLE["ink"], _font(19), "lm")


def _spectrogram(image: Image.Image, draw: ImageDraw.ImageDraw, overview: Overview) -> None:
    power = overview.spectrogram()
    if power.shape[1] > PLOT:  # the loudest of what falls on one pixel, or short calls would fade
        starts = np.linspace(0, power.shape[1], PLOT, endpoint=False).astype(int)
        power = np.maximum.reduceat(power, starts, axis=1)
    loudest = float(np.percentile(power, 99.8))
    quietest = max(float(np.percentile(power, 10)) - 4, loudest - RANGE_DB)
    if loudest - quietest < 6:  # silence: dark, not bright
        loudest = quietest + RANGE_DB
    shades = np.clip((power - quietest) / (loudest - quietest) * 255, 0, 255).astype(np.uint8)
    panel = Image.fromarray(np.ascontiguousarray(shades[::-1]))
    panel = panel.resize((PLOT, SPECTROGRAM), Image.Resampling.BILINEAR)
    image.paste(Image.fromarray(magma()[np.asarray(panel)]), (LEFT, TITLE))
    last = -np.inf
    for hz in SHOWN_HZ:
        if overview.band_hz[0] <= hz <= overview.band_hz[-1]:
            band = np.interp(hz, overview.band_hz, np.arange(len(overview.band_hz))) + 0.5
            if SPECTROGRAM * (band - last) / len(overview.band_hz) < 17:
                continue
            last = band
            y = TITLE + SPECTROGRAM * (1 - band / len(overview.band_hz))
            draw.line((LEFT - 5, y, LEFT - 1, y), fill=STYLE["faint"])
            draw.text(
                (LEFT - 9, y), f"{hz / 1000:g} kHz" if hz >= 1000 else f"{hz} Hz", STYLE["faint"], _font(14), "rm"
            )


def _level(draw: ImageDraw.ImageDraw, overview: Overview, top: int) -> None:
    peaks = overview.envelope()
    starts = np.linspace(0, len(peaks), min(PLOT, len(peaks)), endpoint=False).astype(int)
    decibels = 20 * np.log10(np.maximum(np.maximum.reduceat(peaks, starts), 1e-9))
    shares = np.clip(1 - decibels / LOWEST_LEVEL_DB, 0, 1)
    shares = shares[(np.arange(PLOT) * len(shares)) // PLOT]
    bottom = top + LEVEL
    outline = [(LEFT + x, bottom - float(share) * LEVEL) for x, share in enumerate(shares)]
    draw.polygon([(LEFT, bottom), *outline, (LEFT + PLOT - 1, bottom)], fill=SHADE)
    draw.text((LEFT - 9, top + 4), "0 dB", STYLE["faint"], _font(14), "rm")
    draw.text((LEFT - 9, bottom - 4), f"{LOWEST_LEVEL_DB:.0f}", STYLE["faint"], _font(14), "rm")
    draw.text((LEFT + PLOT + 12, (top + bottom) / 2), "level", STYLE["faint"], _font(15), "lm")


def _row(draw: ImageDraw.ImageDraw, timeline: Timeline, label: str, top: int, colour: str) -> None:
    events = [event for event in timeline.events if event.label == label]
    middle = top + ROW / 2
    name = drawable(label, 15)
    ink = STYLE["ink"] if events else STYLE["faint"]
    draw.text((LEFT - 9, middle), name if name.strip(MISSING + " ") else "(no glyphs)", ink, _font(16), "rm")
    draw.line((LEFT, middle, LEFT + PLOT, middle), fill=STYLE["grid"])
    scale = PLOT / max(timeline.seconds, 1e-9)
    for event in events:
        start = event.start_seconds * scale
        wide = max((event.end_seconds - event.start_seconds) * scale, NARROWEST)
        start = min(start, PLOT - wide)
        # The surer, the taller: half of the row at 0, all of it at 1.
        half = (ROW / 2 - 3) * (0.5 + 0.5 * min(max(event.peak_score, 0.0), 1.0))
        draw.rectangle((LEFT + start, middle - half, LEFT + start + wide - 1, middle + half), fill=colour)
    if events:
        seconds = sum(event.end_seconds - event.start_seconds for event in events)
        span = clock(seconds) if seconds >= 100 else f"{seconds:.1f} s"
        draw.text((LEFT + PLOT + 12, middle), f"{len(events):,} · {span}", STYLE["ink"], _font(15), "lm")


def _time_axis(draw: ImageDraw.ImageDraw, timeline: Timeline, top: int, bottom: int) -> None:
    seconds = max(timeline.seconds, 1e-9)
    step = next((step for step in STEPS_SECONDS if seconds / step <= MOST_TICKS), STEPS_SECONDS[-1])
    step *= int(np.ceil(seconds / step / MOST_TICKS))
    began = datetime.fromisoformat(timeline.recorded_at) if timeline.recorded_at else None
    for number in range(int(seconds / step + 1e-6) + 1):
        x = LEFT + number * step / seconds * PLOT
        draw.line((x, top, x, bottom + 5), fill=STYLE["grid"])
        draw.line((x, bottom, x, bottom + 5), fill=STYLE["faint"])
        text = clock(number * step) if seconds >= 60 else f"{number * step:g} s"
        draw.text((x, bottom + 16), text, STYLE["ink"], _font(15), "mm")
        if began is not None:
            then = began + timedelta(seconds=number * step)
            shown = then.strftime("%H:%M" if step >= 60 else "%H:%M:%S")
            draw.text((x, bottom + 34), shown, STYLE["faint"], _font(14), "mm")
    if began is not None:
        draw.text((LEFT - 45, bottom + 34), "clock", STYLE["faint"], _font(14), "rm")


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font_file(), size)


@lru_cache(maxsize=1)
def _few_colours() -> Image.Image:
    """The colours of the picture: some of the spectrogram, all that is drawn, and greys for the edges of letters."""
    drawn = ("#ffffff", STYLE["ink"], STYLE["faint"], STYLE["grid"], SHADE, *COLOURS)
    greys = [(value, value, value) for value in range(60, 250, 24)]
    colours = [*map(tuple, magma()[::5].tolist()), *map(ImageColor.getrgb, drawn), *greys]
    image = Image.new("P", (1, 1))
    image.putpalette([value for colour in colours for value in colour])
    return image
