"""Which recordings are meant: files, folders, patterns and lists of paths, in a fixed order; nothing is opened."""

import glob
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from audiocls.data.listing import shown
from audiocls.data.tree import AUDIO_EXTENSIONS, audio_files
from audiocls.errors import DataError

STDIN = "-"
KEPT_LIST = "AUDIOCLS_INPUT_LIST"  # a file that holds what standard input held, for processes that have none


def find_recordings(inputs: Iterable[str | os.PathLike], stdin: BinaryIO | None = None) -> list[str]:
    """The paths of all recordings that the inputs name: sorted, each once, relative or absolute as they were given.

    Args:
        inputs: files; folders, which are searched throughout; patterns such as `site*/**/*.wav`; and "-" for a list of
            such on standard input, a line each or with NUL between them.
        stdin: read instead of standard input.

    A file that is only named in the list need not exist: a long list is not refused for one line.

    Raises:
        DataError: a name is missing, a folder holds no audio, a pattern fits none, or there is nothing at all.
    """
    found: dict[str, None] = {}
    for given in inputs:
        if os.fspath(given) == STDIN:
            for name in _listed(stdin):
                found |= dict.fromkeys([os.path.normpath(name)] if _is_missing(name) else _named(name))
        else:
            found |= dict.fromkeys(_named(os.fspath(given)))
    if not found:
        raise DataError("no recordings were named; give files, folders or patterns")
    return sorted(found, key=os.fsencode)


@contextmanager
def kept_stdin(inputs: Iterable[str | os.PathLike]) -> Iterator[None]:
    """If the inputs ask for the list on standard input, keep it for processes started inside: these cannot read it."""
    if STDIN not in [os.fspath(given) for given in inputs]:
        yield
        return
    with tempfile.NamedTemporaryFile(prefix="audiocls-") as file:
        file.write(sys.stdin.buffer.read())
        file.flush()
        os.environ[KEPT_LIST] = file.name
        try:
            yield
        finally:
            del os.environ[KEPT_LIST]


def shown_path(path: str) -> str:
    """A path as the tables hold it: with "/", bytes that are no UTF-8 as escapes such as \\xff."""
    return os.fsencode(Path(path).as_posix()).decode("utf-8", "backslashreplace")


def _listed(stdin: BinaryIO | None) -> list[str]:
    if stdin is None and KEPT_LIST in os.environ:
        text = Path(os.environ[KEPT_LIST]).read_bytes()
    else:
        text = (stdin or sys.stdin.buffer).read()
    lines = text.split(b"\0") if b"\0" in text else text.splitlines()
    return [os.fsdecode(line) for line in lines if line.strip()]


def _is_missing(name: str) -> bool:
    return not os.path.lexists(name) and not glob.has_magic(name)


def _named(name: str) -> list[str]:
    """The recordings that one name stands for."""
    if not os.path.exists(name):
        name = os.path.expanduser(name)  # a pattern in quotes reaches us as it was written
    if os.path.isdir(name):
        inside = [os.path.normpath(path) for path in audio_files(Path(name))]
        if not inside:
            raise DataError(f"{shown(name)}: the folder holds no audio files")
        return inside
    if os.path.lexists(name):
        return [os.path.normpath(name)]
    if not glob.has_magic(name):
        raise DataError(f"{shown(name)}: there is no such file or folder")
    matches: list[str] = []
    for match in glob.glob(name, recursive=True):
        if os.path.isdir(match):
            # "**" itself matches all folders, whose files it matches too
            matches += [] if name.endswith("**") else map(str, audio_files(Path(match)))
        elif Path(match).suffix.lower() in AUDIO_EXTENSIONS:
            matches.append(match)
    if not matches:
        raise DataError(f"{shown(name)}: no audio file fits this pattern")
    return [os.path.normpath(match) for match in matches]
