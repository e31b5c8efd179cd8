"""The view of a sound in Chromium: a mark chosen by mouse or keyboard plays its part, a click elsewhere seeks."""

import os
import time

import pytest

from tests.browsing import PATIENCE_MS, opened_page
from tests.running_app import ROOT, running_app
from tests.small_models import SOUNDS

PAGE = """
import signal
import sys
from contextlib import ExitStack, suppress
from audiocls.ui.app import end_process
from audiocls.ui.serving.temporary import temporary_folder

ending = ExitStack()
ending.enter_context(temporary_folder())  # before gradio comes, which puts down files at once
import gradio as gr
from audiocls.audio.decoding import decode
from audiocls.ui.parts import LAUNCH
from audiocls.ui.sound_view import Mark, chosen, picture_of, sound_view

_, _, port, path = sys.argv
SOUND = decode(path, 16000)
MARKS = [Mark(0.2, 1.0, "first", 0.9), Mark(1.5, 2.5, "second", low_hz=300, high_hz=2000)]

def hear(start, end, request):
    return SOUND[round(16000 * start) : round(16000 * end)], 16000

def tell(event: gr.EventData):
    return str(event._data["index"])

with gr.Blocks() as blocks:
    short = sound_view("Short", "short")
    long = sound_view("Long", "long", hear=hear)
    told = gr.Textbox(label="told", elem_id="told")
    short.select(tell, None, told)
    value = picture_of(SOUND, 16000, MARKS)
    gr.Button("show").click(lambda: (value, value | {"sound": None}), None, [short, long])
    gr.Button("choose").click(lambda: chosen(1), None, long)
blocks.launch(server_port=int(port), quiet=True, prevent_thread_lock=True, **LAUNCH)
print("Open", blocks.local_url, flush=True)
with suppress(KeyboardInterrupt), ending:
    signal.pause()
end_process()
"""


@pytest.fixture(scope="module")
def page(chromium, tmp_path_factory):
    script, sound = tmp_path_factory.mktemp("view") / "page.py", str(SOUNDS / "water" / "water_00.ogg")
    script.write_text(PAGE)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "GRADIO_ANALYTICS_ENABLED": "False"}
    with (
        running_app(tmp_path_factory.mktemp("running"), sound, environment=environment, script=script) as running,
        opened_page(chromium, running.url, 390, 844) as page,
    ):
        page.get_by_role("button", name="show").click(timeout=PATIENCE_MS)
        page.locator("#long .sv-mark").first.wait_for(timeout=PATIENCE_MS)
        yield page


def playing(page, view):
    """Start and end of what plays, in seconds, once something does."""
    page.wait_for_function(f"document.querySelector('#{view} [data-playing]')?.dataset.playing", timeout=PATIENCE_MS)
    return [float(each) for each in page.locator(f"#{view} [data-playing]").get_attribute("data-playing").split("-")]


def silence(page, view):
    if (button := page.locator(f"#{view} .sv-play")).inner_text() == "Pause":
        button.click()


def test_a_click_on_a_mark_plays_that_part_and_ends_with_it(page):
    page.locator("#short .sv-mark").first.click()
    assert playing(page, "short") == [0.2, 1.0]
    began = time.monotonic()
    page.wait_for_function("!document.querySelector('#short [data-playing]').dataset.playing", timeout=PATIENCE_MS)
    assert time.monotonic() - began < 3.0  # the sound itself goes on for 3.8 s
    page.wait_for_function("document.querySelector('#told textarea, #told input').value === '0'", timeout=PATIENCE_MS)
    assert page.locator("#short .sv-time").inner_text().startswith("1.0 /")


def test_the_keyboard_reaches_every_mark_and_the_position(page):
    page.locator("#short .sv-mark").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert playing(page, "short") == [1.5, 2.5]
    page.keyboard.press("Home")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("first 90%, 0.20 s to 1.00 s")
    silence(page, "short")
    seek = page.get_by_role("slider", name="Position in the sound").first
    seek.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert seek.get_attribute("aria-valuenow") == "0.10"


def test_a_click_elsewhere_plays_from_there(page):
    silence(page, "short")
    box = page.locator("#short .sv-seek").bounding_box()
    page.mouse.click(box["x"] + 0.8 * box["width"], box["y"] + 20)
    start, end = playing(page, "short")
    assert start == pytest.approx(0.8 * 4.0, abs=0.05)
    assert end == 4.0
    silence(page, "short")


def test_parts_of_a_sound_that_is_not_in_the_page_are_fetched(page):
    page.get_by_role("button", name="choose").click()
    assert playing(page, "long") == [1.5, 2.5]
    assert page.locator("#long .sv-mark.chosen").get_attribute("aria-label").startswith("second")
    silence(page, "long")


def test_nothing_is_wider_than_a_phone(page):
    assert page.evaluate("document.documentElement.scrollWidth") == 390
