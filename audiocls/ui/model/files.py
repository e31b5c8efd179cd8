"""What lies in a model's folder, read for a page: settings, metadata, pictures. Anybody's model may be opened, so
every file may hold anything; what is not as it should be counts as missing."""

import base64
import io
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from audiocls.card.front_matter import divided
from audiocls.errors import AudioclsError
from audiocls.inference.classifier import AudioClassifier
from audiocls.ui.limits import LARGEST_MODEL_PAPER_BYTES

SUFFIXES = (".safetensors", ".bin")


class ModelFiles:
    """The papers beside the weights of a model.

    folder: None for a model in memory.
    """

    def __init__(self, classifier: AudioClassifier) -> None:
        self.classifier = classifier
        self.folder: Path | None = classifier.folder

    def path(self, name: str) -> Path | None:
        """A file of the folder that is there and no larger than a page can take."""
        path = self.folder / name if self.folder is not None else None
        try:
            return path if path and path.is_file() and path.stat().st_size <= LARGEST_MODEL_PAPER_BYTES else None
        except OSError:
            return None

    def text(self, name: str) -> str | None:
        path = self.path(name)
        try:
            return path.read_text(encoding="utf-8") if path else None
        except (OSError, ValueError):
            return None

    def table(self, name: str) -> Mapping[str, Any]:
        """A JSON file; empty where there is none, or it is no object."""
        try:
            found = json.loads(self.text(name) or "{}")
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @cached_property
    def metrics(self) -> Mapping[str, Any]:
        return self.table("metrics.json")

    @cached_property
    def training(self) -> Mapping[str, Any]:
        return self.table("training_config.json")

    @cached_property
    def metadata(self) -> Mapping[str, Any]:
        """What is written at the top of the card."""
        try:
            return dict(divided(self.text("README.md") or "", "README.md")[0].values)
        except (AudioclsError, ValueError, TypeError, AttributeError):
            return {}

    @property
    def licence(self) -> str | None:
        """As the card's metadata names it; None where it names none."""
        named = self.metadata.get("license")
        return named if isinstance(named, str) and named != "unknown" else None

    @property
    def of_the_hub(self) -> bool:
        """Whether it lies in the Hub's cache and not in a folder of its own."""
        return self.folder is not None and self.folder.parent.name == "snapshots"

    def weights_bytes(self) -> int | None:
        """Of all files with weights; None for a model in memory."""
        if self.folder is None:
            return None
        try:
            return sum(path.stat().st_size for path in self.folder.iterdir() if path.suffix in SUFFIXES) or None
        except OSError:
            return None

    def picture(self, name: str) -> str | None:
        """A PNG as a data address; None where it is not there or is no picture."""
        path = self.path(name)
        if path is None:
            return None
        try:
            content = path.read_bytes()
            with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
                image.verify()
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return None
        return f"data:image/png;base64,{base64.b64encode(content).decode('ascii')}"
