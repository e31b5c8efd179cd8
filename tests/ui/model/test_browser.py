"""The Model tab as a person uses it: look, choose a number of the matrix by mouse and by keys, hear a clip."""

import os

import pytest

from tests.browsing import PATIENCE_MS, assert_usable, opened_page
from tests.running_app import running_app
from tests.small_models import LABELS, write_small_model
from tests.ui.model.evaluated import evaluated_model, largest_mistake


@pytest.fixture(scope="module")
def heard(tmp_path_factory):
    root = tmp_path_factory.mktemp("evaluated")
    other = write_small_model(root / "runs" / "other", ["cat", "dog"])
    os.utime(other / "model.safetensors", (1, 1))
    return evaluated_model(root)


@pytest.fixture(scope="module")
def url(heard, tmp_path_factory):
    folder, beside = tmp_path_factory.mktemp("running"), heard.folder.parents[1]
    with running_app(folder, "--model", "runs/heard", beside=beside) as running:
        yield running.url


@pytest.fixture
def page(chromium, url):
    with opened_page(chromium, f"{url}?tab=model", 390, 844) as page:
        page.locator("#model-facts dl").wait_for(timeout=PATIENCE_MS)
        yield page


def cell(page, row, column):
    return page.locator(f"#model-matrix button[data-row='{row}'][data-column='{column}']")


def test_a_number_of_the_matrix_is_chosen_and_its_clip_heard(page, heard):
    row, column = largest_mistake(heard)
    number = heard.metrics["confusion_matrix"]["counts"][row][column]
    cell(page, row, column).click()
    clips = page.locator("#model-clips li")
    clips.first.wait_for(timeout=PATIENCE_MS)
    assert clips.count() == number
    assert f"{LABELS[row]} called {LABELS[column]}" in page.locator("#model-clips").inner_text()
    page.locator("#model-clips button").first.click()
    playing = page.locator("#model-sound .sv-said").filter(has_text=LABELS[column])
    playing.wait_for(timeout=PATIENCE_MS)
    assert page.locator("#model-sound img").is_visible()
    assert_usable(page)


def test_the_matrix_is_used_with_keys_alone(page, heard):
    first = page.locator("#model-matrix button[tabindex='0']")
    assert first.count() == 1
    first.focus()
    before = first.get_attribute("aria-label")
    for key in ("ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight"):
        page.keyboard.press(key)
    page.keyboard.press("ArrowDown")
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert " called " in before
    assert " called " in focused
    page.keyboard.press("Enter")
    page.locator("#model-clips li").first.wait_for(timeout=PATIENCE_MS)
    assert page.locator("#model-clips h4").inner_text() == focused


def test_the_card_is_a_click_away_and_the_pictures_are_there(page):
    page.locator("#about button").first.click()
    page.locator("#about").get_by_role("heading", name="Sounds").wait_for(timeout=PATIENCE_MS)
    assert "license" not in page.locator("#about").inner_text()
    assert_usable(page)
    picture = page.locator("#model-pictures img").first
    picture.wait_for(timeout=PATIENCE_MS)
    page.wait_for_function("image => image.naturalWidth > 0", arg=picture.element_handle(), timeout=PATIENCE_MS)


def test_another_model_changes_all_of_it_and_shows_no_empty_frames(page):
    page.locator("#model-picker input").fill("runs/other")
    page.locator("#model-picker input").press("Enter")
    page.locator("#model-facts").get_by_text("dog").wait_for(timeout=PATIENCE_MS)
    page.get_by_text("Not with this model:").wait_for(timeout=PATIENCE_MS)
    for part in ("matrix", "clips", "sound", "data", "scores", "pictures", "errors"):
        assert not page.locator(f"#model-{part}").is_visible()


def test_nothing_of_it_is_there_before_it_is_looked_at(chromium, url):
    with opened_page(chromium, url, 1440, 900) as page:
        page.locator("#sound").wait_for(timeout=PATIENCE_MS)
        page.wait_for_timeout(500)
        assert page.locator("#model-facts dl").count() == 0
        page.get_by_role("tab", name="Model").click()
        page.locator("#model-facts dl").wait_for(timeout=PATIENCE_MS)
