"""The models of the app: the one it was started with, the runs found here, and what a visitor trained or named."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from audiocls.errors import AudioclsError, ModelError
from audiocls.inference.classifier import AudioClassifier
from audiocls.model_folder import RUNS, WEIGHTS, model_folders
from audiocls.ui import texts
from audiocls.ui.limits import LOADED_MODELS
from audiocls.ui.serving.visitors import Visitor


class ModelShelf:
    """Models by the name that the picker shows. Each is loaded once and the last few are kept.

    Args:
        first: the model of the app. It stays loaded.
        name: what it is called in the picker.
        load: how a path or Hub id becomes a classifier.
        runs: whose model folders are offered; None for none.
    """

    def __init__(
        self,
        first: AudioClassifier,
        name: str | None = None,
        *,
        load: Callable[[str], AudioClassifier] = AudioClassifier.from_pretrained,
        runs: Path | None = RUNS,
    ) -> None:
        self.first = first
        self.first_name = name or _name_of(first)
        self._load = load
        self._runs = runs
        self._loaded: OrderedDict[tuple[str, float], AudioClassifier] = OrderedDict()
        self._own: dict[str, dict[str, Path]] = {}  # what a session trained, by session and name
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def choices(self, visitor: Visitor | None = None) -> list[str]:
        """What the picker offers, the app's own model first, then a visitor's own, then the newest."""
        own = self._own.get(visitor.session or "", {}) if visitor else {}
        runs = [str(folder) for folder in model_folders(self._runs)] if self._runs else []
        return list(dict.fromkeys([self.first_name, *reversed(own), *runs]))

    def add(self, visitor: Visitor, name: str, folder: Path) -> None:
        """Offer a model folder to one visitor alone."""
        with self._lock:
            self._own.setdefault(visitor.session or "", {})[name] = folder

    def forget(self, session: str | None) -> None:
        """Take what a session had off the shelf."""
        with self._lock:
            self._own.pop(session or "", None)

    def get(self, choice: str | None, visitor: Visitor) -> AudioClassifier:
        """The model of that name; the app's own for None or "".

        Only who sits at this machine may name any folder or id of the Hub; others choose from what is offered.

        Raises:
            ModelError: there is none, it cannot be loaded, or this visitor may not name it.
            AudioclsError: as `AudioClassifier.from_pretrained`.
        """
        choice = (choice or "").strip()
        if choice in ("", self.first_name):
            return self.first
        own = self._own.get(visitor.session or "", {}).get(choice)
        if own is None and not visitor.local and choice not in self.choices():
            raise ModelError(texts.MODEL_NOT_OFFERED.format(name=choice[:200]))
        source = str(own or choice)
        with self._lock:
            lock = self._locks.setdefault(source, threading.Lock())
        with lock:  # two visitors who choose it at once load it once
            key = (source, _stamp(Path(source)))
            with self._lock:
                found = self._loaded.get(key)
                if found is not None:
                    self._loaded.move_to_end(key)
                    return found
            try:
                classifier = self._load(source)
            except AudioclsError:
                raise
            except (OSError, RuntimeError, ValueError) as error:
                raise ModelError(texts.MODEL_BROKEN.format(name=choice[:200])) from error
            with self._lock:
                self._loaded[key] = classifier
                while len(self._loaded) > LOADED_MODELS:
                    self._loaded.popitem(last=False)
            return classifier


def _name_of(classifier: AudioClassifier) -> str:
    """Its folder as seen from here, such as "runs/my_sounds"; else its name, which says nothing of this machine."""
    folder = classifier.folder
    here = folder is not None and folder.resolve().is_relative_to(Path.cwd())
    return str(folder.resolve().relative_to(Path.cwd())) if folder is not None and here else classifier.name


def _stamp(folder: Path) -> float:
    """When the weights in a folder were written: a model trained again under its name is another one."""
    weights = folder / WEIGHTS
    return weights.stat().st_mtime if weights.is_file() else 0.0
