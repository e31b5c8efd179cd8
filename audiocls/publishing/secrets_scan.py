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

TOKEN = re.compile(rb"(?<![A-Za-z0-9_])hf_[A-Za-z0-9]{30,}")
# Folders of persons and of temporary files on any machine; not within an address such as https://site/home/x/.
_PATHS = re.compile(
    rb"(?<![\w.~%-])(?:/home/|/Users/)[^\s/\"'<>\\*?${}\[\]()]+(?=[/\"'\s]|$)"
    rb"|(?<![\w.~%-])(?:/private)?(?:/tmp|/var/tmp|/var/folders)/[\w.-]+"
    rb"|\b[A-Za-z]:(?:\\+|/)Users(?:\\+|/)[^\s\\/\"'<>]+"
)


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
    either = b"|".join(re.escape(each) for each in places)
    place = re.compile(rb"(?<![\w.~%-])(?:" + either + rb")(?![\w.-])") if places else None
    for number, (block, keep) in enumerate(_blocks(content)):
        if number == 0:
            is_text = b"\0" not in block[:65536]
        hits: list[tuple[int, str]] = [(at, "a token") for each in secrets if (at := block.find(each)) >= 0]
        hits += [
            (found.start(), "a token of the Hub") for found in TOKEN.finditer(block) if found.start() or not number
        ]
        if is_text:
            for pattern in (place, _PATHS):
                for found in pattern.finditer(block) if pattern else ():
                    if found.start() or not number:
                        hits.append((found.start(), f"a path of a machine ({_shown(found.group())})"))
        else:
            hits += [
                (at, f"a path of this machine ({_shown(each)})")
                for each in places
                if len(each) >= _SHORTEST and (at := block.find(each + os.sep.encode())) >= 0
            ]
        if hits:
            at, what = min(hits)
            return what, first_line + block.count(b"\n", 0, at) if is_text else None
        first_line += block.count(b"\n", 0, len(block) - keep)
    return None


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
