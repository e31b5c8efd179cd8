"""Whether the times of recordings can be trusted: what is odd about a recorder's clock, in a few words a recording."""

import itertools
import os
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from audiocls.corpus.recording_times import name_without_time

# Clocks that were never set begin here; a recorder in use before 2001 is less likely.
UNSET_YEARS = (1970, 1980, 2000)
SLACK = timedelta(seconds=2)  # names give whole seconds, and recorders round
FUTURE = timedelta(days=1)


@dataclass(frozen=True)
class Timed:
    """A recording, when it began by its recorder's clock, and how long it is."""

    path: str
    start: datetime
    seconds: float


def clock_notes(recordings: Iterable[Timed], now: datetime | None = None) -> dict[str, str]:
    """What is odd about the times, by path; recordings with nothing odd are left out.

    Recordings of one folder whose names differ in digits alone are taken for those of one recorder. Its clock was not
    set (1970, 1980, 2000), lies in the future, goes back from one file to the next, or has two recordings at once.
    """
    now = now or datetime.now()
    recorders: dict[tuple[str, str], list[Timed]] = defaultdict(list)
    notes: dict[str, list[str]] = defaultdict(list)
    for one in recordings:
        if one.start.year in UNSET_YEARS:
            notes[one.path].append(f"the clock was not set ({one.start.year})")
        elif one.start > now + FUTURE:
            notes[one.path].append(f"recorded in the future ({one.start:%Y-%m-%d})")
        recorders[os.path.dirname(one.path), name_without_time(one.path)].append(one)
    for group in recorders.values():
        for path, note in [*_steps_back(group), *_overlaps(group)]:
            notes[path].append(note)
    return {path: "; ".join(told) for path, told in notes.items()}


def _steps_back(group: list[Timed]) -> list[tuple[str, str]]:
    """Recordings that began before the one that comes before them by name."""
    in_order = sorted(group, key=lambda one: _natural(one.path))
    return [
        (later.path, f"the clock goes back by {_told(earlier.start - later.start)}")
        for earlier, later in itertools.pairwise(in_order)
        if later.start < earlier.start
    ]


def _overlaps(group: list[Timed]) -> list[tuple[str, str]]:
    """Recordings that began before one that began earlier was over."""
    found = []
    end, last = None, ""
    for one in sorted(group, key=lambda one: (one.start, _natural(one.path))):
        if end is not None and one.start + SLACK < end:
            found.append((one.path, f"overlaps {os.path.basename(last)} by {_told(end - one.start)}"))
        own_end = one.start + timedelta(seconds=one.seconds)
        if end is None or own_end > end:
            end, last = own_end, one.path
    return found


def _natural(path: str) -> list[tuple[int, str]]:
    """A key that sorts names with numbers as people count: REC9 before REC10."""
    parts = re.split(r"(\d+)", os.path.basename(path))
    return [(int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in parts]


def _told(span: timedelta) -> str:
    seconds = span.total_seconds()
    for unit, length in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
