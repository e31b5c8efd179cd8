"""No token and no path of this machine in what is published: files are read block by block, whatever their size."""

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from audiocls.errors import ModelError

BLOCK_BYTES = 4 << 20
OVERLAP_BYTES = 2048  # longer than anything that is looked for
_SHORTEST = 5  # bytes of a folder's name that chance does not write

# The patterns begin with a plain character, which makes them fast; what must not stand before it is looked at after.
TOKEN = re.compile(rb"hf_[A-Za-z0-9]{30,}")
# Folders of persons and of temporary files on any machine; not within an address such as https://site/home/x/.
_PATHS = re.compile(
    rb"/(?:home|Users)/[^\s/\"'<>\\*?${}\[\]()]+(?=[/\"'\s]|$)|/(?:private/)?(?:tmp|var/tmp|var/folders)/[\w.-]+"
)
_DRIVES = re.compile(rb":(?:\\+|/)Users(?:\\+|/)[^\s\\/\"'<>]+")
_NOT_BEFORE_A_TOKEN = re.compile(rb"[A-Za-z0-9_]")
_NOT_BEFORE_A_PATH = re.compile(rb"[\w.~%-]")


def check_no_secrets(files: Mapping[str, Path | bytes], folder: Path, tokens: Iterable[str] = ()) -> None:
    """Look for tokens (the given ones and what looks like one) and for folders of this machine.

    Args:
        files: what is published, {path in the repository: file or content}.
        folder: where it lies here, which must not be told either.
        tokens: whatever they look like.

    Raises:
        ModelError: something was found; the line names file and line, and never shows a token.
    """
    secrets = [token.encode() for token in tokens if token]
    places = list(_places(folder))
    for name, content in files.items():
        where = str(content) if isinstance(content, Path) else name
        try:
            found = scan(content, secrets, places)
        except OSError as error:
            raise ModelError(f"{where} cannot be read: {error.strerror or error}") from error
        if found:
            what, line = found
            at = f"{where}, line {line}" if line else where
            raise ModelError(f"{at} holds {what}, which would be public; take it out of the file")


def scan(content: Path | bytes, secrets: list[bytes], places: list[bytes]) -> tuple[str, int | None] | None:
    """What is found first in a file and on which line; None for nothing. The line is None in a file that is no text."""
    first_line, is_text = 1, True
    own = [each + os.sep.encode() for each in places if len(each) >= _SHORTEST]
    place = re.compile(rb"(?:" + b"|".join(map(re.escape, places)) + rb")(?![\w.-])")
    for number, (block, keep) in enumerate(_blocks(content)):
        if number == 0:
            is_text = b"\0" not in block[:65536]
        first = 0 if number == 0 else 1  # what begins a later block was in the one before, whole
        hits: list[tuple[int, str]] = [(at, "a token") for each in secrets if (at := block.find(each)) >= 0]
        hits += [(at, "a token of the Hub") for at, _ in _found(TOKEN, block, first, _NOT_BEFORE_A_TOKEN)]
        if is_text:
            paths = _found(place, block, first, _NOT_BEFORE_A_PATH) if places else []
            paths += _found(_PATHS, block, first, _NOT_BEFORE_A_PATH)
            paths += [hit for hit in _found(_DRIVES, block, first) if block[hit[0] - 1 : hit[0]].isalpha()]
            hits += [(at, f"a path of a machine ({text})") for at, text in paths]
        else:
            hits += [(at, f"a path of this machine ({_shown(each)})") for each in own if (at := block.find(each)) >= 0]
        if hits:
            at, what = min(hits)
            return what, first_line + block.count(b"\n", 0, at) if is_text else None
        first_line += block.count(b"\n", 0, len(block) - keep)
    return None


def _found(
    pattern: re.Pattern[bytes], block: bytes, first: int, not_before: re.Pattern[bytes] | None = None
) -> list[tuple[int, str]]:
    """Where a pattern is in a block, from the byte `first` on, and its text."""
    return [
        (found.start(), _shown(found.group()))
        for found in pattern.finditer(block)
        if found.start() >= first and not (not_before and found.start() and not_before.match(block, found.start() - 1))
    ]


def _blocks(content: Path | bytes) -> Iterator[tuple[bytes, int]]:
    """Blocks that begin with the end of the one before, and how many bytes of each the next one begins with."""
    if isinstance(content, bytes):
        yield content, 0
        return
    rest = b""
    with content.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            block = rest + block
            rest = block[-OVERLAP_BYTES:]
            yield block, len(rest)


def _places(folder: Path) -> Iterator[bytes]:
    """Folders of this machine as files may tell them: plain, with links resolved, and escaped as in JSON."""
    own = (Path.home(), Path.cwd(), folder, Path(tempfile.gettempdir()))
    for path in dict.fromkeys(form for each in own for form in (each.absolute(), each.resolve())):
        text = str(path).rstrip("/\\")
        if text not in ("", path.anchor.rstrip("/\\"), "/tmp"):  # of /tmp alone nothing is given away
            yield from dict.fromkeys((os.fsencode(text), os.fsencode(text.replace("\\", "\\\\"))))


def _shown(text: bytes) -> str:
    return text.decode("utf-8", "replace")
