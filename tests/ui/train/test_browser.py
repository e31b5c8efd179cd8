"""The Train tab in Chromium, as a person uses it: three sounds taught, one of them with the microphone."""

import re
import shutil
import zipfile
from pathlib import Path

import pytest

from audiocls import AudioClassifier
from audiocls.ui.texts import train as texts
from tests.browsing import PATIENCE_MS, browser_hearing, opened_page
from tests.small_models import SOUNDS
from tests.ui.train.lessons import TRAIN, write_lesson

TRAINING_MS = 150_000
HELD_OUT = {"drum": "drum_09.ogg", "speech": "speech_04.ogg", "water": "water_04.ogg"}


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lesson")
    with browser_hearing(write_lesson(folder / "drum.wav", "drum", 8, TRAIN), folder) as running:
        yield running


@pytest.fixture
def page(chromium, app):
    with opened_page(chromium, f"{app.url}?tab=train", 1440, 900) as page:
        page.locator("#train-class").get_by_role("textbox").wait_for(timeout=PATIENCE_MS)
        yield page


def upload_lesson(page, name, file):
    page.locator("#train-class").get_by_role("textbox").fill(name)
    page.locator("#train-lesson").get_by_label("Upload file").click()
    page.locator("#train-lesson input[type=file]").set_input_files(str(file))
    page.locator(f"#train-clips section[aria-label='{name}']").wait_for(timeout=PATIENCE_MS)


def clips_of(page, name):
    return page.locator(f"#train-clips section[aria-label='{name}'] li")


def test_three_sounds_are_taught_and_recognised(page, app, classifier, tmp_path):
    folder = classifier.folder.parent / "my_sounds"
    try:
        page.locator("#train-class").get_by_role("textbox").fill("drum")
        page.locator("#train-lesson").get_by_role("button", name="Record", exact=True).click()
        page.wait_for_timeout(13_000)
        page.locator("#train-lesson").get_by_role("button", name="Stop", exact=True).first.click()
        page.locator("#train-clips section").first.wait_for(timeout=PATIENCE_MS)
        assert 5 <= clips_of(page, "drum").count() <= 16
        for name in ("speech", "water"):
            upload_lesson(page, name, write_lesson(tmp_path / f"{name}.wav", name, 8, TRAIN))
        clips_of(page, "water").first.get_by_role("button", name="Play clip 1 of water").click()
        page.locator("#train-player").wait_for(timeout=PATIENCE_MS)
        assert page.locator("#train-button").is_disabled(), "first one looks at the sounds"
        page.locator("#train-look").click()
        page.locator("#train-button:not([disabled])").wait_for(timeout=TRAINING_MS)
        assert "3 classes" in page.locator("#train-audit").inner_text()
        assert texts.ONE_OCCASION_TITLE in page.locator("#train-audit").inner_text()
        page.locator("#train-button").click()  # with the kind that is offered first, a pretrained one
        page.locator("#train-cancel").wait_for(timeout=PATIENCE_MS)
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.reload()  # what trains on this machine goes on and is found again
        page.locator("#train-open").wait_for(timeout=TRAINING_MS)
        assert "accuracy" in page.locator("#train-scores").inner_text()
        page.locator("#train-matrix").scroll_into_view_if_needed()  # pictures are loaded where they are seen
        page.locator("#train-matrix img").wait_for(timeout=PATIENCE_MS)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        with page.expect_download() as download:
            page.locator("#train-download").click()
        assert "my_sounds/model.safetensors" in zipfile.ZipFile(download.value.path()).namelist()
        page.locator("#train-open").click()
        page.get_by_text("tells 3 kinds").or_(page.get_by_text("my_sounds")).first.wait_for(timeout=PATIENCE_MS)
        page.locator("#sound").wait_for(state="visible", timeout=PATIENCE_MS)
        page.wait_for_url(re.compile(r"model=runs%2Fmy_sounds"), timeout=PATIENCE_MS)
        model = AudioClassifier.from_pretrained(folder)
        assert {name: model(SOUNDS / name / file)[0]["label"] for name, file in HELD_OUT.items()} == {
            name: name for name in HELD_OUT
        }
        for name, file in HELD_OUT.items():
            page.locator("#sound").get_by_label("Upload file").click()
            page.locator("#sound input[type=file]").set_input_files(str(SOUNDS / name / file))
            page.locator("#answer").get_by_test_id("label-output-value").get_by_text(name, exact=True).wait_for(
                timeout=PATIENCE_MS
            )
            page.locator("#sound").get_by_label("Clear").click()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(folder.with_name("my_sounds.partial"), ignore_errors=True)


def test_clips_are_deleted_by_keyboard_and_another_look_is_needed(page, tmp_path):
    upload_lesson(page, "drum", write_lesson(tmp_path / "drum.wav", "drum", 2))
    delete = page.get_by_role("button", name="Delete clip 1 of drum")
    delete.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelectorAll('#train-clips li').length === 1", timeout=PATIENCE_MS)
    page.wait_for_function("document.activeElement.dataset.action !== undefined", timeout=PATIENCE_MS)
    page.locator("#train-look").click()
    page.get_by_text("Now another sound").nth(1).wait_for(timeout=PATIENCE_MS)
    assert page.locator("#train-button").is_disabled()


def test_a_recording_without_a_name_is_kept_until_it_has_one(page, tmp_path):
    page.locator("#train-lesson").get_by_label("Upload file").click()
    page.locator("#train-lesson input[type=file]").set_input_files(
        str(write_lesson(Path(tmp_path) / "drum.wav", "drum", 2))
    )
    page.get_by_text("Name the sound first").first.wait_for(timeout=PATIENCE_MS)
    page.locator("#train-class").get_by_role("textbox").fill("drum")
    page.locator("#train-add").click()
    page.locator("#train-clips section").first.wait_for(timeout=PATIENCE_MS)
    assert clips_of(page, "drum").count() == 2


def test_a_zip_that_cannot_be_used_says_why(page, tmp_path):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("../up.wav", "x")
    page.locator("#train-source").get_by_label(texts.SOURCE_ZIP).click()
    page.locator("#train-zip input[type=file]").set_input_files(str(tmp_path / "bad.zip"))
    page.locator("#train-zip").get_by_text("bad").first.wait_for(timeout=PATIENCE_MS)
    page.locator("#train-look").click()
    page.get_by_text("would be written outside").wait_for(timeout=PATIENCE_MS)
