"""Labelled sounds from Debian packages, laid out as folders with a metadata.csv (file_name, label, group).

Needs `apt-get` and `dpkg-deb`; nothing is installed. The sounds stay under the licences of their packages.

    python benchmarks/sound_sets.py FOLDER     writes FOLDER/drums and FOLDER/tones
"""

import csv
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from pathlib import Path

DRUM_PACKAGES = ("hydrogen-drumkits", "hydrogen-data", "lmms-common", "sonic-pi-samples")
TONE_PACKAGES = ("gcin-voice",)

# Drum hits by name, first match wins; what matches none is left out (percussion, effects, loops).
DRUMS = (
    ("", r"rim|stick|click|roll|empty|sample:|bell|conga|bongo|djembe|fuzz|^drum|bass ?slap"),
    ("clap", r"clap"),
    ("hihat_open", r"(hh|hat|hihat|hi-hat).*(op|semi|ohh|free)|op\w* ?(hh|hat)|ohh|hi hat free|hihat_opened"),
    ("hihat_closed", r"\bhh|hat\b|hihat|hi-hat|hi hat|cymbal_(closed|pedal)"),
    ("kick", r"kick|bass ?drum|\bbd_|drum_bass|bassdrum"),
    ("snare", r"snare|\bsn_"),
    ("tom", r"(?<!cus)tom"),
    ("cymbal", r"crash|ride|splash|china|cymbal"),
)
# These kits share recordings, so they count as one.
SHARED_KITS = {"GMRockKit": "black_pearl", "The Black Pearl 1.0": "black_pearl", "Gimme A Hand 1.0": "black_pearl"}

Row = tuple[Path, str, str]  # file, label, group


def drum_label(name: str) -> str | None:
    for label, pattern in DRUMS:
        if re.search(pattern, name.lower()):
            return label or None
    return None


def drum_rows(root: Path) -> Iterable[Row]:
    """Hits of all drum kits under `root`, labelled by the instrument's name in the kit or in the file's name."""
    for kit in sorted(root.rglob("drumkit.xml")):
        text = re.sub(r'\sxmlns(:\w+)?="[^"]*"|\sxsi:\w+="[^"]*"', "", kit.read_text(errors="replace"))
        for instrument in ElementTree.fromstring(text).iter("instrument"):
            label = drum_label(instrument.findtext("name") or "")
            for file in (element.text for element in instrument.iter("filename")):
                if label and file and (kit.parent / file).is_file():
                    yield kit.parent / file, label, SHARED_KITS.get(kit.parent.name, kit.parent.name)
    for folder, group, pattern in (("drums", "lmms", "*.ogg"), ("samples", "sonic_pi", "*.flac")):
        for file in sorted(root.rglob(f"{folder}/{pattern}")):
            if group == "sonic_pi" and not re.match(r"bd_|sn_|drum_|elec_.*(snare|kick|cymbal)", file.name):
                continue
            label = drum_label(file.stem)
            if label:
                yield file, label, group


def tone_rows(root: Path) -> Iterable[Row]:
    """Mandarin syllables: the folder ends in its tone (2, 3, 4; none is the first), the file's name is the speaker."""
    for file in sorted(root.rglob("gcin-voice/ogg/*/*.ogg")):
        last = file.parent.name[-1]
        if last != "1":
            yield file, f"tone_{last if last in '234' else 1}", f"speaker_{file.stem}"


def write_set(rows: Iterable[Row], folder: Path) -> None:
    """Copy the files into `folder` and write metadata.csv; a file listed twice is kept once."""
    folder.mkdir(parents=True, exist_ok=True)
    seen: set[Path] = set()
    with open(folder / "metadata.csv", "w", newline="", encoding="utf-8") as table:
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(["file_name", "label", "group"])
        for file, label, group in rows:
            if file in seen:
                continue
            seen.add(file)
            name = f"{re.sub('[^A-Za-z0-9]+', '_', group)}_{len(seen):04}{file.suffix}"
            shutil.copyfile(file, folder / name)
            writer.writerow([name, label, group])


def fetch(packages: Iterable[str], folder: Path) -> Path:
    """Download and unpack Debian packages into `folder/<name>`, without installing them."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in packages:
        if not (folder / package).is_dir():
            quiet = {"cwd": folder, "check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            subprocess.run(["apt-get", "download", package], **quiet)
            archive = next(folder.glob(f"{package}_*.deb"))
            subprocess.run(["dpkg-deb", "-x", archive.name, package], **quiet)
    return folder


def prepare(root: Path) -> dict[str, Path]:
    """Both data sets under `root`, made where they are missing."""
    sets = {"drums": (DRUM_PACKAGES, drum_rows), "tones": (TONE_PACKAGES, tone_rows)}
    for name, (packages, rows) in sets.items():
        if not (root / name / "metadata.csv").is_file():
            partial = root / f"{name}.partial"
            write_set(rows(fetch(packages, root / "packages")), partial)
            os.replace(partial, root / name)
    return {name: root / name for name in sets}


if __name__ == "__main__":
    for set_name, made in prepare(Path(sys.argv[1])).items():
        print(set_name, made)
