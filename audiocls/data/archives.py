"""Opening a zip of a data set: safely, once for each content, into the cache."""

import os
import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath

from filelock import FileLock
from tqdm import tqdm

from audiocls.data.listing import shown
from audiocls.data.store import cache_folder, content_hash
from audiocls.errors import DataError, OutputError

LARGEST_RATIO = 200  # unpacked to packed; sound shrinks to a tenth at the very best, silence more
ALWAYS_ALLOWED_BYTES = 1 << 28  # below this a high ratio does no harm
MOST_FILES = 2_000_000


def unpacked(path: Path) -> Path:
    """The folder with the content of a zip, extracted now or by an earlier run.

    Raises:
        DataError: not a zip, damaged, encrypted, or one that would write outside its folder or fill the disk.
        OutputError: the cache cannot be written.
    """
    try:
        folder = cache_folder() / "zips" / content_hash(str(path))
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not folder.is_dir():
                _extract(path, folder)
    except OSError as error:
        if error.filename == str(path):
            raise DataError(f"{shown(str(path))}: the zip cannot be read: {error.strerror}") from error
        raise OutputError(f"{shown(str(path))}: cannot be unpacked: {error.strerror or error}") from error
    return folder


def _extract(path: Path, folder: Path) -> None:
    beside = folder.with_name(folder.name + ".partial")
    shutil.rmtree(beside, ignore_errors=True)  # of a run that was killed; the lock is ours
    try:
        with zipfile.ZipFile(path) as archive:
            members = _checked(path, archive)
            total = sum(member.file_size for member, _ in members)
            free = shutil.disk_usage(folder.parent).free
            if total > free:
                raise OutputError(f"{shown(str(path))}: needs {total >> 20} MB unpacked, {free >> 20} MB are free")
            for member, inside in tqdm(members, desc="Unpacking", unit="file", delay=1):
                target = beside.joinpath(*inside.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                # zipfile stops at the size the directory states, so a lying entry cannot write more than was checked
                with archive.open(member) as packed, open(target, "wb") as plain:
                    shutil.copyfileobj(packed, plain, 1 << 20)
        beside.mkdir(exist_ok=True)
        os.replace(beside, folder)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
        raise DataError(f"{shown(str(path))}: not a zip, or a damaged one ({error})") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _checked(path: Path, archive: zipfile.ZipFile) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """The files to extract and their places, after looking at every entry."""
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) > MOST_FILES:
        raise DataError(f"{shown(str(path))}: refused, {len(members)} files in one zip")
    chosen = []
    for member in members:
        name = member.filename.replace("\\", "/")
        inside = PurePosixPath(name)
        if inside.is_absolute() or ".." in inside.parts or (inside.parts and inside.parts[0].endswith(":")):
            raise DataError(f"{shown(str(path))}: refused, {shown(name)!r} would be written outside the data folder")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise DataError(f"{shown(str(path))}: refused, {shown(name)!r} is a link; pack the files themselves")
        if member.flag_bits & 1:
            raise DataError(f"{shown(str(path))}: {shown(name)!r} is protected by a password; pack without one")
        if not any(part == "__MACOSX" or part.startswith(".") for part in inside.parts):
            chosen.append((member, inside))
    total = sum(member.file_size for member, _ in chosen)
    packed = sum(member.compress_size for member, _ in chosen)
    if total > ALWAYS_ALLOWED_BYTES and total > LARGEST_RATIO * packed:
        raise DataError(
            f"{shown(str(path))}: refused, {packed >> 10} kB would unpack to {total >> 20} MB; no sound packs so well"
        )
    return chosen
