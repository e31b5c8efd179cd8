"""The app with results on it can be used by everybody, in light and in dark; empty tabs: `test_page_browser.py`."""

from axe_playwright_python.sync_playwright import Axe

from docs.screenshots import SIZES
from tests.browsing import PATIENCE_MS, give_file, opened_page
from tests.small_models import SOUNDS


def assert_usable(page):
    """No serious finding of axe-core in either scheme, and nothing wider than the screen."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(
            "dark => document.body.classList.contains('dark') === dark", arg=scheme == "dark", timeout=PATIENCE_MS
        )
        page.wait_for_timeout(500)  # colours fade over
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        serious = [
            (each["id"], [node["html"][:200] for node in each["nodes"][:4]])
            for each in found
            if each["impact"] in ("serious", "critical")
        ]
        assert serious == [], f"{scheme}: {serious}"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_an_answer_and_its_correction(chromium, app):
    with opened_page(chromium, app.url, *SIZES["phone"]) as page:
        give_file(page, SOUNDS / "animal" / "animal_01.ogg")
        page.locator("#explanation", has_text="Zeiler").wait_for(timeout=PATIENCE_MS)
        assert_usable(page)
        page.locator("#feedback-wrong").click()
        page.locator("#feedback-label input").wait_for(timeout=PATIENCE_MS)
        assert_usable(page)
