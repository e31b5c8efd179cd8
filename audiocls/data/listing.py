"""What a data source holds before anything is read: clips with names, labels, parts and groups."""

import os
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}


@dataclass(frozen=True)
class Skipped:
    """One file that is not used, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class Item:
    """One clip as found. `source` is a path, or a function that gives the encoded bytes."""

    file: str  # path below the data's root with "/", as shown to people
    source: str | Callable[[], bytes]
    labels: tuple[str, ...]
    part: str | None = None  # train, validation or test when the data says so
    group: str | None = None


@dataclass
class Listing:
    """All clips found, before any is read. `root` is the folder, None for the Hub."""

    items: list[Item] = field(default_factory=list)
    multi_label: bool = False
    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)  # also those of class folders without a clip
    root: Path | None = None
    name: str = ""  # of the data set, for people
    dataset_id: str | None = None  # "user/name" of a data set on the Hub, and the commit of it that was listed
    dataset_revision: str | None = None
    streamed: bool = False  # the sounds are read from the Hub, and cheap to read in their order only
    attribution: str | None = None  # where the clips come from, if what was listed says so itself
    unknown: list[str] = field(default_factory=list)  # files of kinds that are neither audio nor known companions


def shown(text: str) -> str:
    """A file or class name on one line: control characters and undecodable bytes escaped."""
    text = os.fsencode(text).decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def some(files: Sequence[str], most: int = 3) -> str:
    """A few names and how many there are in all, on one line."""
    told = ", ".join(shown(file) for file in files[:most])
    return f"{told} and {len(files) - most} more" if len(files) > most else told


def relative_name(path: Path, root: Path) -> str:
    """The path below the root with "/", bytes that are no UTF-8 made visible."""
    return os.fsencode(path.relative_to(root).as_posix()).decode("utf-8", "backslashreplace")


def class_name(name: str) -> str:
    """A class as it is called from now on: without outer blanks, undecodable bytes made visible."""
    return os.fsencode(name).decode("utf-8", "backslashreplace").strip()


def folded_name(name: str) -> str:
    """What two spellings of one class have in common: case, blanks and Unicode form do not count."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
