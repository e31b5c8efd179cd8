"""From a wrong answer to a model that knows better, in Chromium: corrected in Classify, learnt in Train, asked."""

import re
import shutil

import pytest

from audiocls import AudioClassifier
from audiocls.cli import main
from audiocls.ui.texts import train as texts
from tests.browsing import give_file, opened_page
from tests.small_models import SOUNDS
from tests.ui.train.lessons import TRAIN

KNOWN = ("drum", "speech", "water")
NEW = "music"  # which the first model never learnt
CLIPS = 8  # of each known class
CORRECTED = sorted((TRAIN / NEW).glob("*.ogg"))[:3]
HELD_OUT = SOUNDS / NEW / "music_02.ogg"
TRAINING_MS = 120_000


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("known") / "sounds"
    for label in KNOWN:
        (folder / label).mkdir(parents=True)
        for file in sorted((TRAIN / label).glob("*.ogg"))[:CLIPS]:
            shutil.copy(file, folder / label)
    return folder


@pytest.fixture(scope="module")
def before(data, classifier):
    """A model without the new class, in the folder `runs` of the app; gone afterwards with what came of it."""
    runs = classifier.folder.parent
    made = [runs / "before", runs / "after", runs / "after.partial", runs.parent / "feedback" / "before"]
    try:
        assert main(["train", str(data), "--model", "forest", "--output_dir", str(made[0]), "--test_size", "0"]) == 0
        yield AudioClassifier.from_pretrained(made[0])
    finally:
        for folder in made:
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def page(app, before, chromium):
    with opened_page(chromium, f"{app.url}?model=runs%2Fbefore", 1440, 900) as page:
        page.locator("#introduction", has_text="before").wait_for()
        yield page


def correct(page, path):
    """Give a sound, say that the answer is wrong and what is right, take the sound away."""
    give_file(page, path)
    page.locator("#feedback-wrong").click()
    field = page.locator("#feedback-label input")
    field.fill(NEW)
    field.press("Enter")
    page.locator("#feedback-keep").click()
    page.locator("#feedback-said", has_text=f"Kept as {NEW}").wait_for()
    page.locator("#sound").get_by_label("Clear").click()
    page.locator("#feedback").wait_for(state="hidden")


def heading(page):
    return page.locator("#answer").get_by_test_id("label-output-value")


def test_what_was_corrected_is_learnt_and_answered(page, data, before):
    assert NEW not in before.labels
    for path in CORRECTED:
        correct(page, path)
    kept = before.folder.parents[1] / "feedback" / "before" / NEW
    assert len(list(kept.iterdir())) == len(CORRECTED)

    page.get_by_role("tab", name="Train").click()
    page.locator("#train-source").get_by_label(texts.SOURCE_NAMED).click()
    page.locator("#train-named").get_by_role("textbox").fill(str(data))
    page.locator("#train-look").click()
    page.locator("#train-button:not([disabled])").wait_for(timeout=TRAINING_MS)
    page.locator("#train-kind").get_by_label(texts.KINDS["forest"]).click()
    page.locator("#train-name").get_by_role("textbox").fill("after")
    page.locator("#train-corrections input").click()
    page.get_by_role("option", name="before", exact=True).click()
    page.locator("#train-button").click()
    page.locator("#train-open").wait_for(timeout=TRAINING_MS)
    page.locator("#train-open").click()
    page.wait_for_url(re.compile("model=runs%2Fafter"))

    page.locator("#introduction", has_text="4 kinds").wait_for()
    page.locator("#sound").wait_for(state="visible")
    give_file(page, HELD_OUT)
    heading(page).get_by_text(NEW, exact=True).wait_for()
    after = AudioClassifier.from_pretrained(before.folder.with_name("after"))
    assert after.labels == sorted([*KNOWN, NEW])
    assert after(HELD_OUT)[0]["label"] == NEW
    assert before(HELD_OUT)[0]["label"] != NEW
