"""A browser whose microphone plays a real recording, pages that are watched, and how a person gives and reads them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from axe_playwright_python.sync_playwright import Axe

from docs.screenshots import browser

PATIENCE_MS = 30_000
# What gradio's plots say when the page changes its width just as they go.
OF_GRADIOS_PLOTS = "Cannot read properties of null (reading 'offsetWidth')"


@contextmanager
def browser_hearing(file: Path, folder: Path) -> Iterator[Any]:
    """Headless Chromium whose microphone plays a file over and over."""
    microphone = folder / "playing.wav"
    waveform, rate = soundfile.read(file, dtype="float32")
    soundfile.write(microphone, np.tile(soxr.resample(waveform, rate, 48000), 3), 48000, subtype="PCM_16")
    with browser(microphone) as running:
        yield running


@contextmanager
def opened_page(chromium: Any, url: str, width: int, height: int, **more: Any) -> Iterator[Any]:
    """A page, and a check that none of its scripts failed; `more` is for `chromium.new_page`.

    The url "about:blank" gives one that is prepared before it goes to the app.
    """
    failed: list[str] = []
    with chromium.new_page(viewport={"width": width, "height": height}, **more) as page:
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: failed.append(str(error)))
        page.goto(url)
        yield page
    failed = [message for message in failed if OF_GRADIOS_PLOTS not in message]
    assert failed == [], f"scripts of the page failed: {failed}"


@contextmanager
def watched_page(chromium: Any, url: str, width: int, height: int) -> Iterator[Any]:
    """The app's page, and a check that it asked nobody but the app for anything and that no script failed."""
    asked: list[str] = []
    with opened_page(chromium, "about:blank", width, height) as page:
        page.on("request", lambda request: asked.append(request.url))
        page.goto(url)
        page.locator("#sound").get_by_role("button", name="Record", exact=True).wait_for(timeout=PATIENCE_MS)
        yield page
    foreign = [address for address in asked if not address.removeprefix("blob:").startswith(("data:", url))]
    assert foreign == [], f"the page asked somebody else: {foreign}"


def assert_usable(page: Any, schemes: Sequence[str] = ("light", "dark")) -> None:
    """What is on the page now can be used by everybody: no serious finding of axe-core, nothing wider than it."""
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function("dark => document.body.classList.contains('dark') === dark", arg=scheme == "dark")
        page.wait_for_timeout(700)  # colours fade over
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        serious = [
            (each["id"], [node["html"][:200] for node in each["nodes"][:4]])
            for each in found
            if each["impact"] in ("serious", "critical")
        ]
        assert serious == [], f"{page.url}, {scheme}: {serious}"
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= page.viewport_size["width"], f"{page.url} is {width} px wide"


def give_file(page: Any, path: Path) -> None:
    """Upload a sound in the Classify tab."""
    page.locator("#sound").get_by_label("Upload file").click()
    page.locator("#sound input[type=file]").set_input_files(str(path))


def assert_shown(page: Any, expected: list[dict[str, Any]]) -> None:
    """The bars are the classifier's answer, best first, and the heading its best label."""
    page.locator("#answer meter").first.wait_for(timeout=PATIENCE_MS)
    meters = page.locator("#answer meter").all()
    assert [meter.get_attribute("aria-label") for meter in meters] == [entry["label"] for entry in expected]
    values = [float(meter.get_attribute("value")) for meter in meters]
    np.testing.assert_allclose(values, [entry["score"] for entry in expected], atol=1e-4)
    assert page.get_by_test_id("label-output-value").inner_text() == expected[0]["label"]


def likeness(recording: Path, reference: Path) -> float:
    """Largest normalised correlation of a recording with any stretch of the reference, played over and over."""
    played, rate = soundfile.read(reference, dtype="float32")
    waveform, recorded_rate = soundfile.read(recording, dtype="float32", always_2d=True)
    heard = soxr.resample(waveform.mean(1), recorded_rate, rate)
    size = 1 << 18
    repeated = np.tile(played, 3)
    correlation = np.fft.irfft(np.fft.rfft(repeated, size) * np.conj(np.fft.rfft(heard, size)))
    start = int(correlation[: len(played)].argmax())
    stretch = repeated[start : start + len(heard)]
    return float(stretch @ heard / np.linalg.norm(stretch) / np.linalg.norm(heard))
