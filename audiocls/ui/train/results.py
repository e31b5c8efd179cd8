"""A finished training: its scores, and its model folder as a zip."""

import json
import zipfile
from pathlib import Path
from typing import Any

from audiocls.comparison.leaderboard import seconds_text
from audiocls.model_folder import explained
from audiocls.ui.card import escaped, score_line
from audiocls.ui.texts import train as texts


def result_text(folder: Path, seconds: float) -> str:
    """How good the model is, in Markdown."""
    metrics = read_metrics(folder)
    scores = score_line(metrics) if metrics else texts.NO_SCORES
    return texts.DONE.format(name=escaped(folder.name), elapsed=seconds_text(seconds), scores=scores)


def read_metrics(folder: Path) -> dict[str, Any] | None:
    """metrics.json of a model folder, None where there is none."""
    try:
        found = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def zipped(folder: Path, place: Path) -> Path:
    """The files of a model folder below its name, as `place`/<name>.zip; weights do not shrink and are only stored.

    Raises:
        OutputError: it cannot be written.
    """
    path = place / f"{folder.name}.zip"
    with explained(path):
        place.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for file in sorted(folder.rglob("*")):
                if file.is_file():
                    archive.write(file, f"{folder.name}/{file.relative_to(folder).as_posix()}")
    return path
