"""The Live tab in Chromium, with a microphone that plays real sounds between pauses."""

import numpy as np
import pytest
import soundfile

from audiocls.audio.decoding import decode
from tests.browsing import PATIENCE_MS, browser_hearing, opened_page, watched_page
from tests.small_models import LABELS, SOUNDS

RATE = 16000
SENT = "element => Number(element.querySelector('[data-moments]')?.dataset.moments || 0)"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    sound = decode(SOUNDS / "speech" / "speech_01.ogg", RATE)
    pause = np.random.default_rng(0).normal(0, 2e-4, RATE).astype(np.float32)
    soundfile.write(folder / "live.wav", np.concatenate([pause, 0.3 * sound / np.abs(sound).max(), pause]), RATE)
    with browser_hearing(folder / "live.wav", folder) as running:
        yield running


@pytest.fixture
def page(chromium, app):
    with watched_page(chromium, app.url, 390, 844) as page:
        page.goto(f"{app.url}?tab=live")
        page.get_by_role("button", name="Start listening").wait_for(timeout=PATIENCE_MS)
        yield page


def moments(page):
    return page.locator("#live-view").evaluate(SENT)


def start(page):
    page.get_by_role("button", name="Start listening").press("Enter")
    page.wait_for_function("document.querySelector('#live-view [data-moments]')", timeout=PATIENCE_MS)


def expected_labels(classifier):
    sound = decode(SOUNDS / "speech" / "speech_01.ogg", RATE)
    return {
        answer["label"]
        for seconds in (0.5, 0.8, 1.0)
        for answer in classifier((RATE, sound[: int(seconds * RATE)]))[:2]
    }


def test_labels_appear_and_the_minute_moves_until_it_is_stopped(page, classifier):
    start(page)
    page.wait_for_function(
        "labels => labels.includes(document.querySelector('#live-view .lv-label').textContent)",
        arg=LABELS,
        timeout=PATIENCE_MS,
    )
    assert page.locator(".lv-label").inner_text() in expected_labels(classifier) | {"Quiet", "None of these"}
    page.locator(".lv-counts li i").first.wait_for(timeout=PATIENCE_MS)
    now = "Number(document.querySelector('#live-view [data-now]').dataset.now)"
    before, sent = page.evaluate(now), moments(page)
    page.wait_for_timeout(1500)
    assert page.evaluate(now) > before + 0.5
    assert moments(page) > sent
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Not listening").first.wait_for()
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "queue/join" in request.url else None)
    page.wait_for_timeout(700)  # what was on its way arrives
    sent, still, number = moments(page), page.evaluate(now), len(asked)
    page.wait_for_timeout(1500)
    assert (moments(page), page.evaluate(now), len(asked)) == (sent, still, number)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    start(page)  # and again, from the beginning
    page.wait_for_function(f"n => ({SENT})(document.querySelector('#live-view')) < n", arg=max(sent, 2))


def test_who_leaves_the_tab_is_not_heard_any_more(page):
    start(page)
    page.get_by_role("tab", name="Classify").click()
    page.wait_for_timeout(1000)
    sent = moments(page)
    page.wait_for_timeout(1200)
    assert moments(page) == sent
    page.get_by_role("tab", name="Live").click()
    assert "this tab was left" in page.locator(".lv-problem").inner_text()
    page.get_by_role("button", name="Start listening").wait_for()


@pytest.mark.parametrize(("error", "told"), [("NotAllowedError", "did not allow"), ("NotFoundError", "No microphone")])
def test_a_microphone_that_is_refused_or_missing_is_explained(chromium, app, error, told):
    with opened_page(chromium, "about:blank", 1280, 720) as page:
        page.add_init_script(
            f"navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('', '{error}'); }}"
        )
        page.goto(f"{app.url}?tab=live")
        page.get_by_role("button", name="Start listening").click(timeout=PATIENCE_MS)
        page.locator(".lv-problem").get_by_text(told).wait_for(timeout=PATIENCE_MS)
        assert page.locator(".lv-label").inner_text() == "Not listening"
        page.get_by_role("button", name="Start listening").wait_for()


def test_a_lost_connection_is_told_and_one_can_listen_again(chromium, app):
    context = chromium.new_context()
    page = context.new_page()  # not watched: gradio's own scripts complain of the connection
    page.goto(f"{app.url}?tab=live")
    start(page)
    context.set_offline(True)
    page.locator(".lv-problem").get_by_text("does not answer").wait_for(timeout=PATIENCE_MS)
    context.set_offline(False)
    again = context.new_page()  # gradio loads the old one anew by itself, at a moment of its own
    again.goto(f"{app.url}?tab=live")
    start(again)
    again.get_by_role("button", name="Stop").click()
    context.close()
