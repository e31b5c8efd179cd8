"""A browser whose microphone plays a real recording, and pages that are watched for what they ask for."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from docs.screenshots import browser

PATIENCE_MS = 30_000


@contextmanager
def browser_hearing(file: Path, folder: Path) -> Iterator[Any]:
    """Headless Chromium whose microphone plays a file over and over."""
    microphone = folder / "playing.wav"
    waveform, rate = soundfile.read(file, dtype="float32")
    soundfile.write(microphone, np.tile(soxr.resample(waveform, rate, 48000), 3), 48000, subtype="PCM_16")
    with browser(microphone) as running:
        yield running


@contextmanager
def watched_page(chromium: Any, url: str, width: int, height: int) -> Iterator[Any]:
    """The app's page, and a check that it asked nobody but the app for anything and that no script failed."""
    page = chromium.new_page(viewport={"width": width, "height": height})
    asked, failed = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.goto(url)
    page.locator("#sound").get_by_role("button", name="Record", exact=True).wait_for(timeout=PATIENCE_MS)
    yield page
    page.close()
    assert [url_ for url_ in asked if not url_.removeprefix("blob:").startswith(("data:", url))] == []
    assert failed == []
