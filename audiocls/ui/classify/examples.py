"""Sounds to try a model with: those that come with audiocls, else those in the model's own folder."""

from pathlib import Path

import soundfile

from audiocls.inference.classifier import AudioClassifier

BUNDLED_SOUNDS = Path(__file__).parents[3] / "data" / "everyday_sounds" / "test"
MOST_EXAMPLES = 12


def example_sounds(classifier: AudioClassifier) -> dict[str, Path]:
    """Sounds by what they are called: one bundled sound of each class that the model knows, else the model's own."""
    return bundled_sounds(classifier.labels) or own_sounds(classifier.folder)


def bundled_sounds(labels: list[str]) -> dict[str, Path]:
    """One bundled sound of each of these classes, as far as there are some."""
    folders = [BUNDLED_SOUNDS / label for label in labels if "/" not in label and "\\" not in label]
    first = {folder.name: next(iter(sorted(folder.glob("*.ogg"))), None) for folder in folders if folder.is_dir()}
    return {name: path for name, path in list(first.items())[:MOST_EXAMPLES] if path is not None}


def own_sounds(folder: Path | None) -> dict[str, Path]:
    """The clips in `examples/` of a model folder by their titles, else by their names."""
    found: dict[str, Path] = {}
    for path in sorted((folder / "examples").glob("*.flac")) if folder is not None else []:
        try:
            with soundfile.SoundFile(path) as sound:
                found[sound.title or path.stem] = path
        except (soundfile.LibsndfileError, OSError):
            continue  # not a sound: nothing to try
    return dict(list(found.items())[:MOST_EXAMPLES])
