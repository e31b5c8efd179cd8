"""The Classify tab as a person uses it: record, read the answer, say that it is wrong, find the sound kept."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiocls.ui import texts as shared_texts
from audiocls.ui.texts import classify as texts
from tests.browsing import PATIENCE_MS, assert_shown, assert_usable, browser_hearing, give_file, likeness, watched_page
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


@pytest.fixture
def kept(classifier):
    """The folder of corrections beside the running app; gone afterwards."""
    folder = classifier.folder.parents[1] / "feedback"
    yield folder / "every_day"
    shutil.rmtree(folder, ignore_errors=True)


def answered(page):
    """Wait until the sound is answered, drawn and explained."""
    page.locator("#answer meter").first.wait_for(timeout=PATIENCE_MS)
    page.locator("#sound-view .sv-picture[src]").wait_for(timeout=PATIENCE_MS)
    page.locator("#explanation", has_text="Zeiler").wait_for(timeout=PATIENCE_MS)


def test_record_classify_and_say_what_is_right(page, classifier, kept, tmp_path):
    page.get_by_role("button", name="Record", exact=True).click()
    page.wait_for_timeout(2500)
    with page.expect_response("**/gradio_api/upload*") as upload:
        page.get_by_role("button", name="Stop", exact=True).first.click()
    shutil.copy(upload.value.json()[0], tmp_path / "recording.wav")
    assert 1 < soundfile.info(tmp_path / "recording.wav").duration < 10
    assert likeness(tmp_path / "recording.wav", FILE) > 0.95, "not treated as if for a call, which leaves 0.77"
    answered(page)
    assert_shown(page, classifier(tmp_path / "recording.wav"))
    page.locator("#feedback-wrong").click()
    field = page.locator("#feedback-label input")
    field.fill("purring cat")
    field.press("Enter")
    page.locator("#feedback-keep").click()
    page.locator("#feedback-said", has_text="purring cat").wait_for(timeout=PATIENCE_MS)
    assert "1 sound" in page.locator("#feedback-said").inner_text()
    (row,) = csv.DictReader((kept / "metadata.csv").read_text().splitlines())
    assert row["label"] == "purring cat"
    assert row["model"] == "every_day"
    sound, rate = soundfile.read(kept / row["file_name"])
    given, given_rate = soundfile.read(tmp_path / "recording.wav")
    assert rate == given_rate
    np.testing.assert_array_equal(sound, given)
    page.locator("#feedback-undo").click()
    page.locator("#feedback-said", has_text="0 sounds left").wait_for(timeout=PATIENCE_MS)
    assert not list(kept.rglob("*.flac"))


def test_a_right_answer_is_kept_and_the_same_sound_is_kept_once(page, classifier, kept):
    give_file(page, FILE)
    answered(page)
    page.locator("#feedback-right").click()
    best = str(classifier.answers(FILE)[0].label)
    page.locator("#feedback-said", has_text=best).wait_for(timeout=PATIENCE_MS)
    page.locator("#feedback-wrong").click()
    page.locator("#feedback-label input").fill("wood")
    page.locator("#feedback-label input").press("Enter")
    page.locator("#feedback-keep").click()
    page.locator("#feedback-said", has_text="wood in place of the earlier answer: 1 sound").wait_for(
        timeout=PATIENCE_MS
    )
    assert [
        Path(row["file_name"]).parent.name for row in csv.DictReader((kept / "metadata.csv").read_text().splitlines())
    ] == ["wood"]


def test_another_model_answers_the_sound_that_is_there(page, classifier):
    give_file(page, FILE)
    answered(page)
    page.locator("#model-picker input").click()
    page.get_by_role("option", name="runs/older").click()
    page.locator("#introduction", has_text="older").wait_for(timeout=PATIENCE_MS)
    answered(page)
    assert_shown(page, classifier(FILE))


def test_the_last_sound_asked_about_is_the_one_that_is_shown(page, classifier):
    page.locator("#examples").get_by_text("drum", exact=True).wait_for(timeout=PATIENCE_MS)
    page.evaluate("""async () => {  // as fast as gradio takes them
        const named = (name) => [...document.querySelectorAll("#examples button, #examples td")].find(
            (each) => each.innerText.trim() === name);
        for (const name of ["music", "water", "drum"]) {
            named(name).click();
            await new Promise((later) => setTimeout(later, 15));
        }
    }""")
    expected = classifier(sorted((SOUNDS / "drum").glob("*.ogg"))[0])
    page.wait_for_function(
        "score => Math.abs(document.querySelector('#answer meter')?.value - score) < 1e-4",
        arg=expected[0]["score"],
        timeout=PATIENCE_MS,
    )
    answered(page)
    page.wait_for_timeout(500)  # were an earlier answer to come now
    assert_shown(page, expected)


def test_an_answer_and_its_correction_can_be_used_by_everybody(page):
    page.set_viewport_size({"width": 390, "height": 844})
    give_file(page, FILE)
    answered(page)
    assert_usable(page)
    page.locator("#feedback-wrong").click()
    page.locator("#feedback-label input").wait_for()
    assert_usable(page)


def test_what_cannot_be_a_label_is_explained_and_nothing_is_kept(page, kept):
    give_file(page, FILE)
    answered(page)
    page.locator("#feedback-wrong").click()
    page.locator("#feedback-keep").click()
    page.get_by_text(texts.CHOOSE_LABEL).wait_for(timeout=PATIENCE_MS)
    assert not kept.exists()


def test_all_that_was_said_of_a_sound_goes_with_it(page, classifier):
    give_file(page, FILE)
    answered(page)
    assert_shown(page, classifier(FILE))
    assert page.locator("#feedback-right").is_visible()
    page.locator("#sound").get_by_label("Clear").click()
    page.locator("#feedback-right").wait_for(state="hidden", timeout=PATIENCE_MS)
    page.locator("#answer meter").first.wait_for(state="detached", timeout=PATIENCE_MS)
    page.locator("#sound-view .sv-picture[src]").wait_for(state="detached", timeout=PATIENCE_MS)
    page.locator("#explanation", has_text="Zeiler").wait_for(state="hidden", timeout=PATIENCE_MS)


def test_the_button_without_a_sound_says_what_to_do(page):
    page.locator("#classify").click()
    page.get_by_text(shared_texts.NOTHING_YET).wait_for(timeout=PATIENCE_MS)


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


@pytest.mark.parametrize("width", [1440, 390])
def test_an_answer_is_no_wider_than_the_screen(page, width):
    page.set_viewport_size({"width": width, "height": 844})
    give_file(page, FILE)
    answered(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
