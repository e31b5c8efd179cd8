"""Opening zips safely: `unpacked` one of a data set, once for each content, into the cache; `unpack` any, anywhere."""

import lzma
import os
import shutil
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from filelock import FileLock
from tqdm import tqdm

from audiocls.data.listing import shown
from audiocls.data.store import cache_folder, content_hash
from audiocls.errors import DataError, OutputError

LARGEST_RATIO = 200  # unpacked to packed; sound shrinks to a tenth at the very best, silence more
ALWAYS_ALLOWED_BYTES = 1 << 28  # below this a high ratio does no harm
MOST_FILES = 2_000_000
LONGEST_ENTRY_BYTES = 1024  # in the list of files that a zip ends with, on average


@dataclass(frozen=True)
class ZipLimits:
    """How much a zip may hold: files, and bytes when unpacked; None for as many as the disk has room for."""

    files: int = MOST_FILES
    total_bytes: int | None = None


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
                unpack(path, folder)
    except OSError as error:
        if error.filename == str(path):
            raise DataError(f"{shown(str(path))}: the zip cannot be read: {error.strerror}") from error
        raise OutputError(f"{shown(str(path))}: cannot be unpacked: {error.strerror or error}") from error
    return folder


def unpack(
    path: Path, folder: Path, limits: ZipLimits | None = None, *, name: str | None = None, quiet: bool = False
) -> None:
    """Extract a zip into a new folder, which is there whole or not at all.

    Hidden files and what a Mac adds are left out.

    Args:
        folder: its parent is there, the folder itself is not.
        name: what messages call the zip; its path unless given.
        quiet: no bar on the terminal.

    Raises:
        DataError: not a zip, damaged, encrypted, over the limits, or one that would write outside its folder or fill
            the disk. Nothing of it stays.
        OutputError: there is not enough room.
        OSError: it cannot be read, or the folder cannot be written.
    """
    name = shown(name or str(path))
    beside = folder.with_name(folder.name + ".partial")
    shutil.rmtree(beside, ignore_errors=True)  # of a run that was killed
    try:
        with open(path, "rb") as file:
            _check_list(name, file, limits := limits or ZipLimits())
            with zipfile.ZipFile(file) as archive:
                members = _checked(name, archive, limits)
                total = sum(member.file_size for member, _ in members)
                free = shutil.disk_usage(folder.parent).free
                if total > free:
                    raise OutputError(f"{name}: needs {total >> 20} MB unpacked, {free >> 20} MB are free")
                bar = tqdm(members, desc="Unpacking", unit="file", delay=1, disable=quiet)
                for member, inside in bar:
                    target = beside.joinpath(*inside.parts)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    # zipfile stops at the size the directory states, so a lying entry cannot write more than was
                    # checked
                    with archive.open(member) as packed, open(target, "wb") as plain:
                        shutil.copyfileobj(packed, plain, 1 << 20)
        beside.mkdir(exist_ok=True)
        os.replace(beside, folder)
    except (
        zipfile.BadZipFile,
        EOFError,
        NotImplementedError,
        FileExistsError,  # a name that is a file and a folder
        IsADirectoryError,
        NotADirectoryError,
        zipfile.zlib.error,  # type: ignore[attr-defined]
        lzma.LZMAError,
    ) as error:
        raise DataError(f"{name}: not a zip, or a damaged one ({_reason(error)})") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def check_zip(path: Path, limits: ZipLimits, *, name: str | None = None) -> None:
    """See that a zip keeps limits and would write nowhere else, from its list of files alone.

    Raises:
        DataError: not a zip, encrypted, over the limits, or one that would write outside its folder or fill the disk.
        OSError: it cannot be read.
    """
    name = shown(name or str(path))
    try:
        with open(path, "rb") as file:
            _check_list(name, file, limits)
            with zipfile.ZipFile(file) as archive:
                _checked(name, archive, limits)
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise DataError(f"{name}: not a zip, or a damaged one ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    """Without the path that an OSError tells."""
    return "two of its entries have one name" if isinstance(error, OSError) else shown(str(error))


def _check_list(name: str, file: BinaryIO, limits: ZipLimits) -> None:
    """Look at how long the list of files is before it is read: Python's zipfile makes an object of each at once."""
    end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
    if end is not None and end[zipfile._ECD_SIZE] > limits.files * LONGEST_ENTRY_BYTES:  # type: ignore[attr-defined]
        raise DataError(f"{name}: refused, too many files in one zip; at most {limits.files} are taken")


def _checked(name: str, archive: zipfile.ZipFile, limits: ZipLimits) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """The files to extract and their places, after looking at every entry."""
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) > limits.files:
        raise DataError(f"{name}: refused, {len(members)} files in one zip; at most {limits.files} are taken")
    chosen = []
    for member in members:
        entry = member.filename.replace("\\", "/")
        inside = PurePosixPath(entry)
        if inside.is_absolute() or ".." in inside.parts or (inside.parts and inside.parts[0].endswith(":")):
            raise DataError(f"{name}: refused, {shown(entry)!r} would be written outside the data folder")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise DataError(f"{name}: refused, {shown(entry)!r} is a link; pack the files themselves")
        if member.flag_bits & 1:
            raise DataError(f"{name}: {shown(entry)!r} is protected by a password; pack without one")
        if not any(part == "__MACOSX" or part.startswith(".") for part in inside.parts):
            chosen.append((member, inside))
    total = sum(member.file_size for member, _ in chosen)
    packed = sum(member.compress_size for member, _ in chosen)
    if limits.total_bytes is not None and total > limits.total_bytes:
        most = limits.total_bytes >> 20
        raise DataError(f"{name}: refused, {total >> 20} MB when unpacked; at most {most} MB are taken")
    if total > ALWAYS_ALLOWED_BYTES and total > LARGEST_RATIO * packed:
        raise DataError(f"{name}: refused, {packed >> 10} kB would unpack to {total >> 20} MB; no sound packs so well")
    return chosen
