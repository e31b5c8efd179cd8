"""`inspect`: the audit of a data set, from its files to a report on the terminal, as JSON and as a page."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from audiocls import __version__
from audiocls.config import TrainConfig
from audiocls.data.group_guess import GroupGuess, guess_groups
from audiocls.data.grouping import Groups, known_groups
from audiocls.data.listing import Item, Listing
from audiocls.data.negatives import mark_negatives
from audiocls.data.sources import find_source
from audiocls.data.splits import merge_groups
from audiocls.errors import DataError, OutputError
from audiocls.inspection.duplicates import Copies, find_duplicates
from audiocls.inspection.findings import find
from audiocls.inspection.page import page
from audiocls.inspection.problems import find_problems, usable
from audiocls.inspection.records import Columns
from audiocls.inspection.scan import measurements
from audiocls.inspection.shortcuts import Shortcut, find_shortcuts
from audiocls.inspection.summary import summarise, summarise_copies, summarise_groups, summarise_shortcuts
from audiocls.inspection.terminal import headline, report_text
from audiocls.whole_files import write_text

REPORT_HTML, REPORT_JSON = "report.html", "report.json"
KIND = "audiocls inspection"  # in report.json; tells a report from any other file of that name


def inspect(
    data: str | Path,
    output_dir: str | Path | None = None,
    *,
    label_regex: str | None = None,
    num_workers: int = 0,
    seed: int = 0,
    verbose: bool = False,
) -> dict[str, Any]:
    """Audit a data set: what is in it, what is wrong with it, and what a model could cheat with.

    Measurements are kept in the cache as they come: a second call, also after Ctrl-C or a crash, measures only what is
    new or changed.

    Args:
        data: a folder, a zip or a Hub data set id, as for `train`.
        output_dir: where to write report.html and report.json; an earlier report there is replaced.
        label_regex: as for `train`.
        num_workers: threads; 0 means one per core.
        seed: of the cross-validation behind the shortcuts.
        verbose: show progress and print the report.

    Returns:
        The report as report.json holds it; `findings` has what to mend, the gravest first.

    Raises:
        DataError: no such data, or nothing in it can be read.
        UsageError: label_regex is wrong.
        OutputError: output_dir holds something else, or it or the cache cannot be written.
    """
    folder = None if output_dir is None else Path(output_dir)
    if folder is not None:
        _check_folder(folder)
    listing = find_source(str(data), label_regex)
    items = listing.items
    negative = mark_negatives(listing, items)
    columns = measurements(listing, str(data), num_workers, verbose)
    problems = find_problems(columns)
    kept = usable(columns, problems)
    if not kept.any():
        kind = next(kind for kind in problems if problems[kind].clips[0] == 0)
        raise DataError(
            f"none of the {len(items)} files can be used; {items[0].file}: {kind}, {problems[kind].details[0]}"
        )
    known = known_groups(listing, items, TrainConfig())
    guesses = guess_groups([item.file for item in items], ["|".join(item.labels) for item in items])
    copies = find_duplicates(
        columns["content"], _fingerprints(columns, kept), columns["seconds"], [item.source for item in items]
    )
    shortcuts = _shortcuts(listing, columns, kept & ~negative, _sets(known, guesses, copies), seed)
    report: dict[str, Any] = {"kind": KIND, "audiocls": __version__, "data": str(data), "headline": "", "findings": []}
    report |= summarise(listing, columns, kept, negative, problems)
    if copies.unread:
        report["warnings"].append(
            f"so many long sounds are alike that {copies.unread} comparisons were left out: copies may be missed"
        )
    report["copies"] = summarise_copies(items, copies, known.names)
    report["groups"] = summarise_groups(items, known, guesses)
    report["shortcuts"] = summarise_shortcuts(shortcuts, report["classes"], listing.multi_label)
    report["findings"] = find(report)
    report["headline"] = headline(report)
    if verbose:
        print(report_text(report))
    if folder is not None:
        write_text(folder / REPORT_JSON, json.dumps(report, ensure_ascii=False, indent=1) + "\n")
        write_text(folder / REPORT_HTML, page(report))
        if verbose:
            print(f"\n{folder / REPORT_HTML}, and all numbers in {REPORT_JSON} beside it")
    return report


def _check_folder(folder: Path) -> None:
    """Refuse a folder with anything but an earlier report.

    Raises:
        OutputError: it is a file, or holds other things.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; choose another --output_dir")
    try:
        held = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        earlier = REPORT_JSON in held and KIND in (folder / REPORT_JSON).read_bytes()[:200].decode("utf-8", "replace")
    except OSError as error:
        raise OutputError(f"{folder}: cannot be read: {error.strerror}") from error
    if held and not earlier:
        raise OutputError(f"{folder} exists and holds no report of inspect; choose another --output_dir")


def _fingerprints(columns: Columns, kept: np.ndarray) -> list[bytes]:
    """Of usable clips; silence is no copy of silence."""
    still = columns["silence"] >= 1
    return [
        print_ if use and not silent else b""
        for print_, use, silent in zip(columns["fingerprint"], kept.tolist(), still.tolist(), strict=True)
    ]


def _sets(known: Groups, guesses: Sequence[GroupGuess], copies: Copies) -> np.ndarray:
    """What stays on one side of every fold: groups, known or else guessed, and copies."""
    names = known.names if known.origin is not None or not guesses else guesses[0].names
    last: dict[str, int] = {}
    pairs = list(copies.pairs)
    for clip, name in enumerate(names):
        if name is not None:
            if name in last:
                pairs.append((last[name], clip))
            last[name] = clip
    return merge_groups(len(names), pairs)


def _shortcuts(listing: Listing, columns: Columns, chosen: np.ndarray, sets: np.ndarray, seed: int) -> list[Shortcut]:
    clips = np.flatnonzero(chosen)
    items: list[Item] = [listing.items[clip] for clip in clips]
    labels = sorted({label for item in items for label in item.labels})
    if len(clips) == 0 or len(labels) < 2:
        return []
    index = {label: number for number, label in enumerate(labels)}
    targets = np.zeros((len(items), len(labels)), bool)
    for row, item in enumerate(items):
        targets[row, [index[label] for label in item.labels]] = True
    return find_shortcuts(
        columns.rows(clips), targets if listing.multi_label else targets.argmax(axis=1), sets[clips], seed
    )
