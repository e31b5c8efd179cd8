"""One animal's calls against everything else: a binary set and recordings of it, made of sounds in a Debian package.

The calls are the wolves of the game Battle for Wesnoth; everything else are its other creatures, weapons and spells.
Takes 1 and 2 of a sound are for training, later takes and sounds that have a single take for the recordings, which lie
in the game's ambiences. Needs `apt-get` and `dpkg-deb`; nothing is installed; the sounds stay under their licences.
"""

import csv
import os
import re
import shutil
from pathlib import Path

import numpy as np
import soundfile

from audiocls.audio.decoding import decode
from audiocls.config import TrainConfig
from audiocls.data.backgrounds import Backgrounds
from audiocls.data.dataset import load_audio_data
from audiocls.data.mixtures import make_recording
from audiocls.data.noise import noise_of
from benchmarks.sound_sets import fetch

PACKAGE = "wesnoth-1.16-data"
CALLS = "wolf"
AMBIENCES = ("night", "ship", "campfire", "morning")
RATE = 16000
NUM_RECORDINGS, SECONDS, SNR_DB = 6, 120.0, (-3.0, 12.0)
PAUSE_SECONDS = (1.0, 7.0)


def prepare_calls(folder: Path) -> tuple[Path, Path]:
    """Make the set and the recordings where they are missing.

    Returns:
        The folder of clips, with parts train and test, and the folder of recordings, a table of events beside each.
    """
    clips, recordings = folder / "calls", folder / "calls_recordings"
    if not clips.is_dir():
        sounds = _sounds(folder)
        partial = folder / "calls.partial"
        shutil.rmtree(partial, ignore_errors=True)
        for file in sorted(sounds.glob("*.ogg")):
            label, take = _label(file.stem), re.search(r"-(\d+)$", file.stem)
            part = "train" if take and int(take[1]) <= 2 else "test"
            target = partial / part / label / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        os.replace(partial, clips)
    if not recordings.is_dir():
        _make_recordings(clips, _sounds(folder), recordings)
    return clips, recordings


def _sounds(folder: Path) -> Path:
    root = fetch((PACKAGE,), folder / "packages") / PACKAGE
    return next(root.rglob("core/sounds"))


def _label(name: str) -> str:
    return "call" if name.startswith(CALLS) else "other"


def _make_recordings(clips: Path, sounds: Path, folder: Path) -> None:
    audio = load_audio_data(str(clips), TrainConfig(sampling_rate=RATE, num_workers=1, allow_leaks=True))
    ambiences = [decode(str(sounds / "ambient" / f"{name}.ogg"), RATE) for name in AMBIENCES]
    backgrounds = Backgrounds(ambiences, noise_of(audio.train), "the game's ambiences")
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
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
