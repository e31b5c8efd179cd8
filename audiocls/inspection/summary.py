"""The numbers of an audit, as plain values that JSON holds: what was counted, measured and found, without judgement."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from audiocls.data.group_guess import GroupGuess
from audiocls.data.grouping import Groups
from audiocls.data.listing import Item, Listing
from audiocls.inspection.duplicates import Copies
from audiocls.inspection.problems import Problem
from audiocls.inspection.records import Columns
from audiocls.inspection.shortcuts import PROPERTIES, TOGETHER, Shortcut

# What is told as quantiles: measure, unit.
SPREADS = {
    "duration": "s", "loudness": "LUFS", "peak": "dBFS", "background": "dBFS", "silence": "share", "leading": "s",
    "trailing": "s", "bandwidth": "Hz", "offset": "full scale",
}  # fmt: skip
QUANTILES = {"lowest": 0.0, "5%": 0.05, "25%": 0.25, "median": 0.5, "75%": 0.75, "95%": 0.95, "highest": 1.0}
BY_CLASS = {"duration": "seconds", **{name: name for name in ("loudness", "bandwidth", "silence", "background")}}
NO_CLASS = "(no class)"


def summarise(
    listing: Listing,
    columns: Columns,
    usable: np.ndarray,
    negative: np.ndarray,
    problems: dict[str, Problem],
) -> dict[str, Any]:
    """Counts, durations, rates and levels over all clips and by class.

    Args:
        usable: bool (clips,), clips that can be trained on; measures are told of these.
        negative: bool (clips,), clips of no class.
    """
    items = listing.items
    seconds = np.where(usable, columns["seconds"], 0.0)
    members: dict[str, list[int]] = {label: [] for label in sorted(listing.labels)}
    for clip, item in enumerate(items):
        for label in [NO_CLASS] if negative[clip] else item.labels:
            members.setdefault(label, []).append(clip)
    classes = {}
    for label, clips in members.items():
        kept = [clip for clip in clips if usable[clip]]
        classes[label] = {
            "clips": len(clips),
            "usable": len(kept),
            "seconds": float(seconds[kept].sum()),
            **{name: _quantiles(columns[measure][kept]) for name, measure in BY_CLASS.items() if kept},
        }
    chosen = columns.rows(np.flatnonzero(usable))
    upsampled = problems["upsampled"].clips if "upsampled" in problems else []
    parts = Counter(item.part or "" for item in items)
    return {
        "name": listing.name,
        "clips": len(items),
        "usable": int(usable.sum()),
        "seconds": float(seconds.sum()),
        "multi_label": listing.multi_label,
        "classes": classes,
        "parts": {} if set(parts) <= {""} else {name or "no part": count for name, count in sorted(parts.items())},
        "sampling_rates": _counts(chosen["sampling_rate"].tolist()),
        "original_rates": _counts([columns["original_rate"][i] for i in upsampled]),
        "channels": _counts(chosen["channels"].tolist()),
        "formats": _counts(chosen["format"]),
        "levels": {
            name: {"unit": unit, **_quantiles(chosen[BY_CLASS.get(name, name)])}
            for name, unit in SPREADS.items()
            if len(chosen)
        },
        "problems": {
            kind: [
                {"file": items[i].file, "detail": detail} for i, detail in zip(found.clips, found.details, strict=True)
            ]
            for kind, found in problems.items()
        },
        "passed_over": [{"file": skipped.file, "reason": skipped.reason} for skipped in listing.skipped],
        "warnings": list(listing.warnings),
    }


def summarise_copies(items: Sequence[Item], copies: Copies, groups: Sequence[str | None]) -> dict[str, Any]:
    """Sets of copies: whether their labels differ, and whether they lie in several parts or known groups."""
    members: dict[int, list[int]] = defaultdict(list)
    for clip, number in enumerate(copies.sets.tolist()):
        members[number].append(clip)
    sets = sorted((clips for clips in members.values() if len(clips) > 1), key=lambda clips: (-len(clips), clips[0]))
    told = []
    for clips in sets:
        labels = {frozenset(items[i].labels) for i in clips}
        parts = {items[i].part or "" for i in clips}
        told.append(
            {
                "files": [items[i].file for i in clips],
                "labels": ["|".join(items[i].labels) for i in clips],
                "parts": [items[i].part for i in clips],
                "conflict": len(labels) > 1,
                "across_parts": len(parts) > 1,
                "across_groups": len({groups[i] for i in clips if groups[i] is not None}) > 1,
            }
        )
    return {
        "identical_pairs": len(copies.identical),
        "similar_pairs": len(copies.similar),
        "sets": told,
        "superfluous_clips": sum(len(clips) - 1 for clips in sets),
        "conflicts": sum(1 for one in told if one["conflict"]),
        "across_parts": sum(1 for one in told if one["across_parts"]),
        "across_groups": sum(1 for one in told if one["across_groups"]),
    }


def summarise_groups(items: Sequence[Item], known: Groups, guesses: Sequence[GroupGuess]) -> dict[str, Any]:
    """Groups that are known, likely ones in file names, and how many lie on both sides of a split."""

    def spanning(names: Sequence[str | None]) -> int:
        parts: dict[str, set[str]] = defaultdict(set)
        for item, name in zip(items, names, strict=True):
            if name is not None:
                parts[name].add(item.part or "")
        return sum(1 for found in parts.values() if len(found) > 1)

    return {
        "origin": known.origin,
        "num_groups": len(set(known.names) - {None}),
        "across_parts": spanning(known.names),
        "guesses": [
            {
                "regex": guess.regex,
                "meaning": guess.meaning,
                "num_groups": guess.num_groups,
                "examples": _examples(items, guess),
                "across_parts": spanning(guess.names),
            }
            for guess in guesses
        ],
    }


def summarise_shortcuts(
    shortcuts: Sequence[Shortcut], classes: dict[str, Any], multi_label: bool
) -> list[dict[str, Any]]:
    """Each shortcut, with the classes at both ends of what it stands on."""
    told = []
    for one in shortcuts:
        entry: dict[str, Any] = {
            "property": one.name, "accuracy": one.accuracy, "interval": list(one.interval), "chance": one.chance,
            "skill": one.skill, "num_sets": one.num_sets,
        }  # fmt: skip
        measure = "" if one.name == TOGETHER else "duration" if one.name == "duration" else PROPERTIES[one.name][0]
        medians = {label: found[measure]["median"] for label, found in classes.items() if measure in found}
        medians.pop(NO_CLASS, None)
        if len(medians) > 1 and measure in SPREADS and not multi_label:
            low, high = min(medians, key=lambda k: medians[k]), max(medians, key=lambda k: medians[k])
            entry["ends"] = [[low, medians[low]], [high, medians[high]]]
            entry["unit"] = SPREADS[measure]
        told.append(entry)
    return told


def _examples(items: Sequence[Item], guess: GroupGuess) -> list[list[str]]:
    """A few files with the group the expression finds in them, of different groups."""
    found: dict[str, str] = {}
    for item, name in zip(items, guess.names, strict=True):
        if name is not None:
            found.setdefault(name, item.file)
        if len(found) == 3:
            break
    return [[file, name] for name, file in found.items()]


def _counts(values: Sequence[Any]) -> dict[str, int]:
    return {str(value): count for value, count in Counter(values).most_common()}


def _quantiles(values: np.ndarray) -> dict[str, float]:
    found = np.quantile(values, list(QUANTILES.values()))
    return {name: round(float(value), 6) for name, value in zip(QUANTILES, found, strict=True)}
