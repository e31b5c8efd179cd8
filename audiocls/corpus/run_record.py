"""The output folder of `detect`: whether it is free, and whether what it holds belongs to the run at hand.

detection.json says which model and which settings the results come from.
"""

import contextlib
import dataclasses
import json
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import torch

from audiocls import __version__
from audiocls.corpus.parts import PARTS
from audiocls.corpus.places import LABELS, TIMELINES
from audiocls.corpus.tables import EVENTS_CSV, EVENTS_JSON, RESULTS_CSV, SCORES_PARQUET
from audiocls.detection.detector import Detector
from audiocls.detection.options import DetectOptions
from audiocls.detection.thresholds import fingerprint, thresholds_origin
from audiocls.errors import OutputError, UsageError
from audiocls.inference.classifier import AudioClassifier
from audiocls.model_folder import explained
from audiocls.whole_files import write_text

DETECTION_JSON, SUMMARY_PNG = "detection.json", "summary.png"
KIND = "audiocls detect"
OWN_FILES = (DETECTION_JSON, EVENTS_CSV, EVENTS_JSON, RESULTS_CSV, SCORES_PARQUET, SUMMARY_PNG)
OWN_FOLDERS = (PARTS, LABELS, TIMELINES)
_MOST_TOLD = 3  # differences


def run_record(classifier: AudioClassifier, detector: Detector, options: DetectOptions) -> dict[str, Any]:
    """What detection.json holds: `settings` are compared, all else is for people."""
    return {
        "kind": KIND,
        "audiocls": __version__,
        "model": classifier.origin,
        "settings": {"model": fingerprint(classifier), **_plan(detector)},
        "options": dataclasses.asdict(options),
        "thresholds_origin": thresholds_origin(classifier, options.threshold),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }


def open_folder(folder: Path, record: dict[str, Any], overwrite: bool) -> None:
    """Make the folder ready for a run, empty or with the results of a run of the same model and settings.

    Args:
        overwrite: forget what other runs of `detect` left there.

    Raises:
        UsageError: it holds results of another model or of other settings.
        OutputError: it is a file, holds other things, or cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; choose another --output_dir")
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        held = {path.name for path in folder.iterdir()}
        earlier = _earlier(folder)
        if held - {PARTS} and earlier is None and DETECTION_JSON not in held:
            raise OutputError(f"{folder} exists and holds no results of detect; choose another --output_dir")
        if overwrite:
            for name in OWN_FILES:
                (folder / name).unlink(missing_ok=True)
            for name in OWN_FOLDERS:
                _empty(folder / name)
        elif any((folder / PARTS).glob("*.json")):
            told = _differences(earlier, record)
            if told:
                raise UsageError(
                    f"{folder} holds results of another run: {told}; choose another --output_dir, or pass --overwrite "
                    "to replace them"
                )
        for room in (folder, *(folder / name for name in OWN_FOLDERS)):  # what a killed run was writing
            for path in room.glob(".*.partial") if room == folder else room.rglob(".*.partial"):
                path.unlink(missing_ok=True)
        (folder / PARTS).mkdir(exist_ok=True)
    write_text(folder / DETECTION_JSON, json.dumps(record, indent=2, ensure_ascii=False) + "\n")


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Keep other runs out of the folder.

    Raises:
        UsageError: another run is writing there.
        OutputError: the folder cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; choose another --output_dir")
    made = not folder.exists()
    with explained(folder):
        (folder / PARTS).mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / PARTS / ".lock", blocking=False)
    with explained(folder), contextlib.suppress(NotImplementedError):  # a file system without locks
        try:
            lock.acquire()
        except filelock.Timeout:
            raise UsageError(
                f"{folder}: another detect is writing there; wait for it, or choose another --output_dir"
            ) from None
    try:
        yield
    finally:
        lock.release()
        if made and not (folder / DETECTION_JSON).exists():  # nothing came of it
            shutil.rmtree(folder, ignore_errors=True)


def _plan(detector: Detector) -> dict[str, Any]:
    """The resolved options as JSON can hold them, arrays over labels by label."""
    plan = {}
    for name, value in dataclasses.asdict(detector.plan).items():
        if isinstance(value, np.ndarray):
            value = dict(zip(detector.plan.labels, value.tolist(), strict=True))
        plan[name] = list(value) if isinstance(value, tuple) else value
    return plan


def _earlier(folder: Path) -> dict[str, Any] | None:
    """The record of the run whose results the folder holds; None if there is none, or it is damaged."""
    try:
        record = json.loads((folder / DETECTION_JSON).read_bytes())
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and record.get("kind") == KIND else None


def _differences(earlier: dict[str, Any] | None, record: dict[str, Any]) -> str:
    """What differs between two runs, in a few words; "" if nothing."""
    if earlier is None:
        return f"{DETECTION_JSON} is missing or damaged"
    before, now = earlier.get("settings") or {}, record["settings"]
    if before.get("model") != now["model"]:
        return f"the model was {earlier.get('model')} and is {record['model']} now" + (
            ", with other weights" if earlier.get("model") == record["model"] else ""
        )
    told = []
    for name in [*now, *(name for name in before if name not in now)]:
        was, now_is = before.get(name), now.get(name)
        if was == now_is:
            continue
        if isinstance(was, dict) and isinstance(now_is, dict):
            key = next((key for key in now_is if was.get(key) != now_is[key]), "")
            name, was, now_is = f"{name} of {key}", was.get(key), now_is.get(key)
        told.append(f"{name} was {_shown(was)} and is {_shown(now_is)} now")
    more = f", and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
    return ", ".join(told[:_MOST_TOLD]) + more


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _empty(folder: Path) -> None:
    """Remove what is in a folder of ours, but the lock that is held in it."""
    if folder.is_dir():
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name != ".lock":
                path.unlink()
