"""Labels as names of folders: what a file system or the search for classes could not take is replaced, and said."""

import os
import re
from collections.abc import Iterable

from audiocls.data.listing import folded_name, shown

LONGEST_BYTES = 80
# Control characters, what Windows refuses, the separator of several labels; a dot or blank at an end.
_UNFIT = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")


def class_folders(labels: Iterable[str], existing: Iterable[str] = ()) -> tuple[dict[str, str], list[str]]:
    """A folder for each label; labels that differ only in case, blanks or Unicode form share one.

    Args:
        existing: folders that are there already; labels like their names go into them.

    Returns:
        The folders by label, and what is to be said about labels that are called otherwise.
    """
    taken = {folded_name(name): name for name in sorted(existing)}
    owner: dict[str, str] = {}  # of each folder, by folded name: a folded label
    folders: dict[str, str] = {}
    notes = []
    for label in sorted(set(labels), key=lambda label: (_safe(label) != label, label)):
        folder = _safe(label)
        number = 2
        while owner.get(folded_name(folder), folded_name(label)) != folded_name(label):
            folder = f"{_safe(label)}-{number}"
            number += 1
        owner[folded_name(folder)] = folded_name(label)
        folders[label] = folder = taken.setdefault(folded_name(folder), folder)
        if folder != label:
            notes.append(f"label '{shown(label)}' goes into the folder {shown(folder)}")
    return folders, notes


def safe_name(name: str) -> str:
    """A recording's name without what file systems refuse, short enough to have a time put behind it."""
    return _safe(name).replace(" ", "_")


def _safe(label: str) -> str:
    name = _UNFIT.sub("-", os.fsencode(label).decode("utf-8", "replace")).strip().strip(".").strip()
    while len(name.encode()) > LONGEST_BYTES:
        name = name[:-1].rstrip(" .")
    if not name.strip("-"):
        name = "unnamed"
    return f"{name}_" if _RESERVED.match(name) else name
