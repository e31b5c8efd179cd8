"""Take the pictures of the app, every tab in use, at two widths, light and dark.

    python docs/screenshots.py [--model RUN] [--tab NAME ...] [--output_dir docs/app]

Needs Chromium and playwright (requirements-dev.txt). Everything stays on this machine; its microphone plays a file.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile
from PIL import Image

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
SCHEMES = ("light", "dark")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
SOUNDS = Path(__file__).parents[1] / "data" / "everyday_sounds"
PATIENCE_MS = 120_000
COLOURS = 128  # of a picture: small files
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


class Material(NamedTuple):
    """What the app is given: a clip, several clips, a recording of sounds in faint noise, a zip of class folders."""

    clip: Path
    clips: list[Path]
    recording: Path
    zip: Path


def make_material(folder: Path) -> Material:
    """Written into `folder` from the bundled sounds."""
    clips = [sorted(each.glob("*.ogg"))[2] for each in sorted((SOUNDS / "test").iterdir())]
    rate, rng = 16000, np.random.default_rng(1)
    noise = 0.001 * rng.standard_normal(60 * rate)
    for number, clip in enumerate(clips * 2):
        sound, own_rate = soundfile.read(clip, dtype="float32")
        assert own_rate == rate, f"{clip} is not at {rate} Hz"
        start = round((1.5 + 4 * number) * rate)
        part = sound[: 2 * rate][: len(noise) - start]
        noise[start : start + len(part)] += part
    recording = folder / "morning.wav"
    soundfile.write(recording, noise, rate, subtype="PCM_16")
    chosen = folder / "my_sounds"
    for label in ("drum", "speech", "water"):
        (chosen / label).mkdir(parents=True)
        for clip in sorted((SOUNDS / "train" / label).glob("*.ogg"))[:12]:
            shutil.copy(clip, chosen / label)
    packed = Path(shutil.make_archive(str(chosen), "zip", chosen))
    return Material(clips[0], clips, recording, packed)


def show_classify(page: Any, material: Material) -> None:
    page.locator("#sound").get_by_label("Upload file").click()
    page.locator("#sound input[type=file]").set_input_files(str(material.clip))
    page.locator("#answer .confidence-set").first.wait_for(timeout=PATIENCE_MS)
    page.locator("#explanation", has_text="Zeiler").wait_for(timeout=PATIENCE_MS)


def show_live(page: Any, material: Material) -> None:
    page.locator(".lv-button").click()
    page.wait_for_timeout(15_000)


def show_recording(page: Any, material: Material) -> None:
    page.locator("#recording-upload input[type=file]").set_input_files(str(material.recording))
    page.locator("#recording-given", has_text=material.recording.name).wait_for(timeout=PATIENCE_MS)
    page.locator("#recording-find").click()
    page.locator("#recording-results").wait_for(timeout=PATIENCE_MS)


def show_batch(page: Any, material: Material) -> None:
    page.locator("#batch-files input[type=file]").set_input_files([str(path) for path in material.clips])
    page.locator("#batch-files", has_text=material.clips[-1].stem).wait_for(timeout=PATIENCE_MS)
    page.locator("#batch-start").click()
    page.locator("#batch-download").wait_for(timeout=PATIENCE_MS)


def show_train(page: Any, material: Material) -> None:
    page.locator("#train-source").get_by_label("A zip of class folders").check()
    page.locator("#train-zipped input[type=file]").set_input_files(str(material.zip))
    page.locator("#train-zipped", has_text=material.zip.stem).wait_for(timeout=PATIENCE_MS)
    page.locator("#train-look").click()
    page.locator("#train-button:not([disabled])").wait_for(timeout=PATIENCE_MS)


def show_model(page: Any, material: Material) -> None:
    page.locator("#model-matrix button").first.wait_for(timeout=PATIENCE_MS)


def show_publish(page: Any, material: Material) -> None:
    page.locator("#publish-button").wait_for(timeout=PATIENCE_MS)


SCENES: dict[str, Callable[[Any, Material], None]] = {
    "classify": show_classify,
    "live": show_live,
    "recording": show_recording,
    "batch": show_batch,
    "train": show_train,
    "model": show_model,
    "publish": show_publish,
}


def save_small(picture: Path) -> None:
    """With few colours, as pictures of a page have."""
    with Image.open(picture) as image:
        small = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(picture, optimize=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Take the pictures of the app that README and docs show.")
    parser.add_argument("--model", help="model folder [the newest in runs/]")
    parser.add_argument("--tab", nargs="+", choices=list(SCENES), default=list(SCENES), help="which tabs [all]")
    parser.add_argument("--output_dir", type=Path, default=Path(__file__).parent / "app", help="where to [docs/app]")
    parser.add_argument("--port", type=int, default=7871)
    arguments = parser.parse_args()

    from audiocls.inference.classifier import AudioClassifier
    from audiocls.model_folder import newest_run
    from audiocls.ui.app import AppOptions, launch
    from audiocls.ui.serving.temporary import temporary_folder

    model = arguments.model or newest_run()
    if model is None:
        print("there is no trained model in runs/; train one first", file=sys.stderr)
        return 1
    arguments.output_dir.mkdir(parents=True, exist_ok=True)
    os.environ["HF_HUB_OFFLINE"] = "1"  # the Publish tab asks nobody who is logged in
    with tempfile.TemporaryDirectory() as folder, temporary_folder():
        material = make_material(Path(folder))
        with browser(material.recording) as chromium:
            blocks = launch(AudioClassifier.from_pretrained(model), AppOptions(port=arguments.port))
            for tab in arguments.tab:
                for size, (width, height) in SIZES.items():
                    for scheme in SCHEMES:
                        page = chromium.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
                        page.goto(f"{blocks.local_url}?tab={tab}")
                        page.wait_for_function("window.audioclsArrived", timeout=PATIENCE_MS)
                        SCENES[tab](page, material)
                        page.wait_for_timeout(1500)  # players draw their waveforms, toasts fade
                        path = arguments.output_dir / f"{tab}_{size}_{scheme}.png"
                        page.screenshot(path=str(path), full_page=True)
                        page.close()
                        save_small(path)
                        print(f"wrote {path}")
            blocks.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
