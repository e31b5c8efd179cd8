"""Copies among the clips of a data set: found once, remembered beside the decoded clips, told to the user."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from audiocls.data.listing import Item, some
from audiocls.data.same_recording import find_copies
from audiocls.data.store import Store

Pairs = list[tuple[int, int]]


def copies(store: Store, rows: np.ndarray) -> tuple[Pairs, Pairs]:
    """Pairs of clips with identical content, and pairs that are the same recording by ear.

    Args:
        store: the decoded clips.
        rows: int (clips,), the row of each clip; identical files share one.

    Returns:
        Two lists of (first, second), numbers of clips with first < second.
    """
    first_of: dict[int, int] = {}
    identical = [
        (first_of[row], clip) for clip, row in enumerate(rows.tolist()) if first_of.setdefault(row, clip) != clip
    ]
    both = [(first_of[a], first_of[b]) for a, b in _similar_rows(store, sorted(first_of))]
    return identical, sorted((min(pair), max(pair)) for pair in both)


def note_copies(pairs: Pairs, items: Sequence[Item], groups: list[str | None], warnings: list[str]) -> None:
    """Name copies that no known group holds together, and copies whose labels contradict each other."""
    new = [(a, b) for a, b in pairs if groups[a] is None or groups[a] != groups[b]]
    if new:
        told = some([f"{items[a].file} = {items[b].file}" for a, b in new])
        clips = len({b for _, b in new})
        warnings.append(f"{clips} clips are copies of another one (the same recording): {told}")
    conflicts = [(a, b) for a, b in pairs if set(items[a].labels) != set(items[b].labels)]
    if conflicts:
        told = some([f"{items[a].file} = {items[b].file}" for a, b in conflicts])
        warnings.append(f"copies with different labels, one of them wrong: {told}")


def _similar_rows(store: Store, rows: list[int]) -> Pairs:
    """Pairs of rows that are copies, by content hash in a file beside the store: its rows never change.

    What was found among some rows says nothing of others.
    """
    path = store.path.with_suffix(".copies.json")
    try:
        known = json.loads(path.read_text())
        if not {store.contents[row] for row in rows} <= set(known["of"]):
            raise ValueError("of other rows")
        pairs = [(store.rows[a], store.rows[b]) for a, b in known["pairs"]]
    except (OSError, ValueError, KeyError, TypeError):
        found = find_copies(
            [store.fingerprint(row) for row in rows],
            store.lengths[rows],
            store.sampling_rate,
            lambda i, start, stop: store.waveform(rows[i], start, stop),
        )
        pairs = [(rows[a], rows[b]) for a, b in found]
        _remember(
            path, [store.contents[row] for row in rows], [(store.contents[a], store.contents[b]) for a, b in pairs]
        )
    usable = set(rows)
    return [(a, b) for a, b in pairs if a in usable and b in usable]


def _remember(path: Path, of: list[str], pairs: list[tuple[str, str]]) -> None:
    beside = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        beside.write_text(json.dumps({"of": of, "pairs": pairs}))
        os.replace(beside, path)
    except OSError:  # only time is lost: they are found again
        beside.unlink(missing_ok=True)
