"""The page around the tabs in a browser: links to a model and a tab, choosing a model, and use by everybody."""

import shutil
from contextlib import ExitStack

import pytest

from audiocls.ui import texts
from docs.screenshots import SIZES, find_browser
from tests.browsing import PATIENCE_MS, assert_usable, opened_page


@pytest.fixture
def open_page(chromium, app):
    with ExitStack() as pages:

        def open_page(query="", size=SIZES["desktop"], scheme="light"):
            page = pages.enter_context(opened_page(chromium, app.url + query, *size, color_scheme=scheme))
            page.get_by_role("tab", name=texts.TABS["classify"]).wait_for(timeout=PATIENCE_MS)
            page.wait_for_function("window.audioclsArrived", timeout=PATIENCE_MS)
            return page

        yield open_page


def open_tab(page):
    return page.locator("button[role=tab][aria-selected=true]:visible").inner_text()


def model(page):
    return page.locator("#model-picker input").input_value()


def test_a_link_opens_a_model_and_a_tab(open_page):
    page = open_page("?model=runs/older&tab=publish")
    page.locator("#introduction", has_text="older").wait_for(timeout=PATIENCE_MS)
    assert open_tab(page) == texts.TABS["publish"]
    assert model(page) == "runs/older"


def test_the_address_follows_what_is_opened(open_page):
    page = open_page()
    assert "?" not in page.url
    assert model(page) == "runs/every_day"
    page.get_by_role("tab", name=texts.TABS["batch"]).click()
    page.wait_for_url("**/?tab=batch", timeout=PATIENCE_MS)
    page.locator("#model-picker input").click()
    page.get_by_role("option", name="runs/older").click()
    page.wait_for_url("**/?tab=batch&model=runs%2Folder", timeout=PATIENCE_MS)
    page.locator("#introduction", has_text="older").wait_for(timeout=PATIENCE_MS)
    again = open_page(page.url.split("/")[-1])
    again.locator("#introduction", has_text="older").wait_for(timeout=PATIENCE_MS)
    assert open_tab(again) == texts.TABS["batch"]


def test_a_link_to_nothing_says_so_and_the_page_goes_on(open_page, tmp_path):
    page = open_page(f"?model={tmp_path / 'none'}&tab=nonsense")
    message = page.locator(".toast-body", has_text="no such folder")
    message.wait_for(timeout=PATIENCE_MS)
    assert "runs/every_day, is still open" in message.inner_text()
    page.wait_for_function("document.querySelector('#model-picker input').value === 'runs/every_day'")
    assert open_tab(page) == texts.TABS["classify"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_tab_can_be_used_by_everybody(open_page, size, scheme):
    for name in texts.TABS:
        page = open_page(f"?tab={name}", SIZES[size], scheme)
        assert_usable(page, [scheme])
        page.close()


def test_without_chromium_the_package_is_named(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(FileNotFoundError, match="apt-get install chromium"):
        find_browser()
