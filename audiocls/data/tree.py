"""Walking a folder tree for audio files: fixed order, links followed but not in circles, nothing lost in silence."""

import os
from collections.abc import Iterator
from pathlib import Path

from audiocls.data.listing import Listing, Skipped, relative_name, shown

_AUDIO = """
    wav wave flac mp3 mp2 mpga ogg oga opus aif aiff aifc au snd caf w64 rf64 m4a m4b aac mp4 mov 3gp webm weba mka mkv
    wma asf amr ac3 avi ape wv
"""
# Files that often lie beside sounds and are ignored without a word; any other kind is counted in a warning.
_QUIET = """
    txt csv tsv json jsonl md rst pdf html xml yaml yml png jpg jpeg gif svg webp py ipynb npy npz pkl parquet arrow log
    ini db lab textgrid mid asd zip cue m3u gitattributes
"""
AUDIO_EXTENSIONS = frozenset("." + name for name in _AUDIO.split())
UNSORTED = "unsorted"  # a folder of clips without a class, as `audiocls segment` writes it
QUIET_EXTENSIONS = frozenset("." + name for name in _QUIET.split())
QUIET_NAMES = ("thumbs", "desktop", "licence", "license", "readme", "authors", "copying", "makefile", "attribution")


def audio_files(folder: Path, listing: Listing | None = None, root: Path | None = None) -> Iterator[Path]:
    """All audio files at any depth, in a fixed order; links are followed, circles of links are not.

    With a `listing`, folders that cannot be read and unknown kinds of file are noted there, named from `root`.
    """
    yield from _walk(folder, frozenset(), listing, root or folder)


def _walk(folder: Path, above: frozenset, listing: Listing | None, root: Path) -> Iterator[Path]:
    try:
        status = os.stat(folder)
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        if listing is not None:
            name = relative_name(folder, root) + "/"
            listing.skipped.append(Skipped(name, f"the folder cannot be read: {(error.strerror or 'error').lower()}"))
        return
    here = (status.st_dev, status.st_ino)
    if here in above:
        if listing is not None:
            listing.warnings.append(
                f"{shown(relative_name(folder, root))}: a link back to a folder above; not followed"
            )
        return
    for entry in found:
        if _is_hidden(entry.name):
            continue
        path = folder / entry.name
        extension = path.suffix.lower()
        if _is_folder(entry) and entry.name == UNSORTED and listing is not None:
            name = shown(relative_name(path, root))
            listing.warnings.append(f"{name}: left out, for its clips are still to be sorted into folders by class")
        elif _is_folder(entry):
            yield from _walk(path, above | {here}, listing, root)
        elif extension in AUDIO_EXTENSIONS:
            yield path
        elif listing is not None and extension not in QUIET_EXTENSIONS and path.stem.lower() not in QUIET_NAMES:
            listing.unknown.append(relative_name(path, root))


def subfolders(folder: Path) -> Iterator[Path]:
    """The visible folders directly below, in a fixed order; none when the folder cannot be read."""
    try:
        names = sorted(os.listdir(folder), key=os.fsencode)
    except OSError:
        return  # the walk over the files reports it
    yield from (folder / name for name in names if not _is_hidden(name) and (folder / name).is_dir())


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"
