"""Which recording a table means by a name: a path, or the end of one, with or without the ending of the file's name."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePath

from audiocls.data.listing import shown, some
from audiocls.errors import DataError

Names = dict[tuple[str, ...], set[str]]


def recording_names(recordings: Sequence[str]) -> Names:
    """The recordings by every end of their path, with and without extension."""
    known: Names = defaultdict(set)
    for name in recordings:
        path = PurePath(name)
        for parts in (path.parts, path.with_suffix("").parts, Path(name).resolve().parts):
            for first in range(len(parts)):
                known[parts[first:]].add(name)
    return known


def named_recording(known: Names, name: str, where: str) -> str | None:
    """The recording that a table's row names by its path or the end of it; None if there is none.

    Raises:
        DataError: it could be any of several.
    """
    parts = PurePath(name.replace("\\", "/")).parts
    parts = parts[1:] if parts[:1] == (".",) else parts
    for first in range(len(parts)):  # a path of another machine: by its end
        found = known.get(parts[first:])
        if found and len(found) > 1:
            raise DataError(
                f"{where}: recording {shown(name)} could be any of {some(sorted(found))}; write more of its path"
            )
        if found:
            return next(iter(found))
    return None
