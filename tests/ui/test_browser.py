"""The page in Chromium, with a microphone that plays a real recording."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from docs.screenshots import find_browser
from tests.browsing import PATIENCE_MS, browser_hearing, watched_page
from tests.small_models import SOUNDS

FILE = SOUNDS / "animal" / "animal_01.ogg"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser_hearing(FILE, tmp_path_factory.mktemp("microphone")) as running:
        yield running


@pytest.fixture
def page(chromium, app):
    with watched_page(chromium, app.url, 1440, 900) as page:
        yield page


def shown_scores(page):
    """Scores by label, from the bars on the page, best first."""
    page.locator("#answer meter").first.wait_for(timeout=PATIENCE_MS)
    page.locator("#picture img").wait_for(timeout=PATIENCE_MS)
    meters = page.locator("#answer meter").all()
    return {meter.get_attribute("aria-label"): float(meter.get_attribute("value")) for meter in meters}


def assert_shown(page, expected):
    """The bars are the classifier's answer, and the heading its best label."""
    scores = shown_scores(page)
    assert list(scores) == [entry["label"] for entry in expected]
    np.testing.assert_allclose(list(scores.values()), [entry["score"] for entry in expected], atol=1e-4)
    assert page.get_by_test_id("label-output-value").inner_text() == expected[0]["label"]


def give_file(page, path):
    page.locator("#sound").get_by_label("Upload file").click()
    page.locator("#sound input[type=file]").set_input_files(str(path))


def likeness(waveform, reference):
    """Largest normalised correlation of `waveform` with any stretch of the repeated `reference`, both at one rate."""
    size = 1 << 18
    repeated = np.tile(reference, 3)
    correlation = np.fft.irfft(np.fft.rfft(repeated, size) * np.conj(np.fft.rfft(waveform, size)))
    start = int(correlation[: len(reference)].argmax())
    stretch = repeated[start : start + len(waveform)]
    return float(stretch @ waveform / np.linalg.norm(stretch) / np.linalg.norm(waveform))


def test_a_recording_from_the_microphone_is_classified_when_it_stops(page, classifier, tmp_path):
    page.get_by_role("button", name="Record", exact=True).click()
    page.wait_for_timeout(2500)
    with page.expect_response("**/gradio_api/upload*") as upload:
        page.get_by_role("button", name="Stop", exact=True).first.click()
    recording = Path(upload.value.json()[0])
    shutil.copy(recording, tmp_path / "recording.wav")
    waveform, rate = soundfile.read(tmp_path / "recording.wav", dtype="float32")
    assert 1 < len(waveform) / rate < 10
    reference, reference_rate = soundfile.read(FILE, dtype="float32")
    assert likeness(soxr.resample(waveform, rate, reference_rate), reference) > 0.5  # the browser levels what it hears
    assert_shown(page, classifier(tmp_path / "recording.wav"))


def test_an_uploaded_file_is_classified_at_once_and_cleared_with_its_answer(page, classifier):
    give_file(page, FILE)
    assert_shown(page, classifier(FILE))
    page.locator("#sound").get_by_label("Clear").click()
    page.locator("#answer meter").first.wait_for(state="detached", timeout=PATIENCE_MS)
    page.locator("#picture img").wait_for(state="detached", timeout=PATIENCE_MS)


def test_an_example_is_classified_with_one_click(page, classifier):
    page.locator("#examples").get_by_text("water", exact=True).click()
    assert_shown(page, classifier(sorted((SOUNDS / "water").glob("*.ogg"))[0]))


def test_the_button_without_a_sound_says_what_to_do(page):
    page.locator("#classify").click()
    page.get_by_text("There is no sound yet").wait_for(timeout=PATIENCE_MS)


def test_a_text_file_named_wav_is_explained_and_the_page_goes_on(page, classifier, tmp_path):
    broken = tmp_path / "broken.wav"
    broken.write_text("no sound in here")
    give_file(page, broken)
    page.get_by_text("This file cannot be read as sound: not an audio file").wait_for(timeout=PATIENCE_MS)
    page.locator("#sound").get_by_label("Clear").click()
    give_file(page, FILE)
    assert_shown(page, classifier(FILE))


def test_a_silent_recording_gets_a_hint_which_goes_with_the_next_sound(page, tmp_path):
    soundfile.write(tmp_path / "silent.wav", np.zeros(16000), 16000)
    give_file(page, tmp_path / "silent.wav")
    page.get_by_text("This recording is silent").wait_for(timeout=PATIENCE_MS)
    page.locator("#sound").get_by_label("Clear").click()
    give_file(page, FILE)
    page.get_by_text("This recording is silent").wait_for(state="hidden", timeout=PATIENCE_MS)


def test_the_card_is_a_click_away_with_its_pictures(page):
    assert page.get_by_text("95% interval 81.0% to 95.0%").is_visible()
    page.locator("#about button").first.click()
    page.get_by_role("heading", name="Sounds of every day").wait_for(timeout=PATIENCE_MS)
    picture = page.locator("#about img").first
    picture.wait_for(timeout=PATIENCE_MS)
    page.wait_for_function("image => image.naturalWidth > 0", arg=picture.element_handle(), timeout=PATIENCE_MS)
    assert "license: apache" not in page.locator("#about").inner_text()


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_is_wider_than_the_screen(page, width):
    page.set_viewport_size({"width": width, "height": 844})
    give_file(page, FILE)
    shown_scores(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_chromium_the_package_is_named(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(FileNotFoundError, match="apt-get install chromium"):
        find_browser()
