"""Take the pictures of the app that the README shows.

    python docs/screenshots.py [--model RUN] [--sound FILE] [--output_dir docs]

Needs Chromium and playwright (requirements-dev.txt). Everything stays on this machine.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WIDTHS = {"app.png": (1440, 900), "app_phone.png": (390, 844)}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
DEFAULT_SOUND = Path(__file__).parent.parent / "data" / "everyday_sounds" / "test" / "animal" / "animal_00.ogg"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def find_browser() -> str:
    """The path of an installed Chromium.

    Raises:
        FileNotFoundError: there is none; the message names the package.
    """
    for name in BROWSERS:
        if path := shutil.which(name):
            return path
    raise FileNotFoundError("no Chromium found; install it, on Debian with: apt-get install chromium")


@contextmanager
def browser(microphone: Path | None = None) -> Iterator[Any]:
    """Headless Chromium; its microphone plays a WAV file, over and over, if one is given."""
    from playwright.sync_api import sync_playwright

    flags = list(FLAGS)
    if microphone is not None:
        flags += [
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-audio-capture={microphone}",
        ]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_browser(), args=flags)
        try:
            yield chromium
        finally:
            chromium.close()


def classify_file(page: Any, sound: Path) -> None:
    """Give a file to the open page and wait for label bars and picture."""
    page.locator("#sound").get_by_label("Upload file").click()
    page.locator("#sound input[type=file]").set_input_files(str(sound))
    page.locator("#answer .confidence-set").first.wait_for(timeout=30_000)
    page.locator("#picture img").wait_for(timeout=30_000)
    page.wait_for_timeout(1000)  # the player draws its waveform, toasts fade


def main() -> int:
    parser = argparse.ArgumentParser(description="Take the pictures of the app that the README shows.")
    parser.add_argument("--model", help="model folder [the newest in runs/]")
    parser.add_argument("--sound", type=Path, default=DEFAULT_SOUND, help="the sound it is shown")
    parser.add_argument("--output_dir", type=Path, default=Path(__file__).parent, help="where to write [docs]")
    parser.add_argument("--port", type=int, default=7871)
    parser.add_argument("--dark", action="store_true", help="with a dark page")
    parser.add_argument("--card", action="store_true", help="with the model card opened")
    arguments = parser.parse_args()

    from audiocls.inference.classifier import AudioClassifier
    from audiocls.model_folder import newest_run
    from audiocls.ui.app import AppOptions, UploadFolder, launch

    model = arguments.model or newest_run()
    if model is None:
        print("there is no trained model in runs/; train one first", file=sys.stderr)
        return 1
    with UploadFolder(), browser() as chromium:
        blocks = launch(AudioClassifier.from_pretrained(model), AppOptions(port=arguments.port))
        for name, (width, height) in WIDTHS.items():
            page = chromium.new_page(
                viewport={"width": width, "height": height}, color_scheme="dark" if arguments.dark else "light"
            )
            page.goto(blocks.local_url)
            classify_file(page, arguments.sound)
            if arguments.card:
                page.locator("#about button").first.click()
                page.wait_for_timeout(1000)
            path = arguments.output_dir / name
            page.screenshot(path=str(path), full_page=True)
            page.close()
            print(f"wrote {path}")
        blocks.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
