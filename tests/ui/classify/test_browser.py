"""The Classify tab as a person uses it: record, read the answer, say that it is wrong, find the sound kept."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiocls.ui.texts import classify as texts
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


@pytest.fixture
def kept(classifier):
    """The folder of corrections beside the running app; gone afterwards."""
    folder = classifier.folder.parents[1] / "feedback"
    yield folder / "every_day"
    shutil.rmtree(folder, ignore_errors=True)


def answered(page):
    page.locator("#answer meter").first.wait_for(timeout=PATIENCE_MS)
    page.locator("#explanation", has_text="Zeiler").wait_for(timeout=PATIENCE_MS)
    return {m.get_attribute("aria-label"): float(m.get_attribute("value")) for m in page.locator("#answer meter").all()}


def give_file(page, path):
    page.locator("#sound").get_by_label("Upload file").click()
    page.locator("#sound input[type=file]").set_input_files(str(path))


def test_record_classify_and_say_what_is_right(page, classifier, kept, tmp_path):
    page.get_by_role("button", name="Record", exact=True).click()
    page.wait_for_timeout(1500)
    with page.expect_response("**/gradio_api/upload*") as upload:
        page.get_by_role("button", name="Stop", exact=True).first.click()
    shutil.copy(upload.value.json()[0], tmp_path / "recording.wav")
    scores = answered(page)
    expected = {row["label"]: row["score"] for row in classifier(tmp_path / "recording.wav")}
    assert scores == pytest.approx(expected, abs=1e-4)
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
    assert answered(page) == pytest.approx({r["label"]: r["score"] for r in classifier(FILE)}, abs=1e-4)


def test_the_last_sound_asked_about_is_the_one_that_is_shown(page, classifier):
    page.locator("#examples").get_by_text("music", exact=True).click()
    page.locator("#examples").get_by_text("drum", exact=True).click()
    page.locator("#sound-view .sv-picture[src]").wait_for(timeout=PATIENCE_MS)
    page.wait_for_timeout(3000)
    expected = {row["label"]: row["score"] for row in classifier(sorted((SOUNDS / "drum").glob("*.ogg"))[0])}
    assert answered(page) == pytest.approx(expected, abs=1e-4)


def test_what_cannot_be_a_label_is_explained_and_nothing_is_kept(page, kept):
    give_file(page, FILE)
    answered(page)
    page.locator("#feedback-wrong").click()
    page.locator("#feedback-keep").click()
    page.get_by_text(texts.CHOOSE_LABEL).wait_for(timeout=PATIENCE_MS)
    assert not kept.exists()


def test_the_buttons_go_with_the_sound(page):
    give_file(page, FILE)
    answered(page)
    assert page.locator("#feedback-right").is_visible()
    page.locator("#sound").get_by_label("Clear").click()
    page.locator("#feedback-right").wait_for(state="hidden", timeout=PATIENCE_MS)
    assert page.locator("#explanation").inner_text().strip() == ""
