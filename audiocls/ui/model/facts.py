"""What a model is, in rows of a name and a value, and what is not known of it. Plain text; no page."""

import datetime
from typing import Any

from audiocls.card.text import counted
from audiocls.text_layout import size
from audiocls.ui.model.files import ModelFiles
from audiocls.ui.texts import model as texts


def fact_rows(files: ModelFiles) -> list[tuple[str, str]]:
    """Name and value of what is known, in the order of the page; the labels are shown apart."""
    found = {
        "name": files.classifier.name,
        "kind": kind(files),
        "answer": _answer(files),
        "licence": (files.licence or texts.UNKNOWN_LICENCE) if files.metadata else None,
        "weights": _weights(files),
        "rate": texts.RATE.format(rate=files.classifier.sampling_rate, nyquist=files.classifier.sampling_rate / 2),
        "window": _window(files),
        "trained_on": _trained_on(files),
        "device": _device(files),
        "made": _made(files),
    }
    return [(texts.FACT_NAMES[key], value) for key, value in found.items() if value]


def missing(files: ModelFiles) -> str:
    """What does not lie in the folder, as a sentence; empty where all is there."""
    absent = [name for name in ("README.md", "metrics.json", "training_config.json") if files.path(name) is None]
    absent += [name for name in ("predictions.csv", "reliability.png", "curves.png") if files.path(name) is None]
    told = [texts.MISSING_FILES[name] for name in absent]
    return texts.MISSING.format(files=", ".join(told)) if told else ""


def kind(files: ModelFiles) -> str:
    """The kind of model as it was trained, else its architecture; with the model it stands on."""
    config, training = files.classifier.model.config, files.training
    settings = training.get("settings")
    named: Any = training.get("chosen") or (settings.get("model") if isinstance(settings, dict) else None)
    members = getattr(config, "members", None)
    if not isinstance(named, str):
        named = getattr(config, "architecture", None) or config.model_type
        if isinstance(members, list):
            named = texts.ENSEMBLE.format(number=len(members))
    base = files.metadata.get("base_model") or training.get("base_model")
    base = ", ".join(map(str, base)) if isinstance(base, list) else base
    short = str(base).rsplit("/", 1)[-1]
    return texts.BASE.format(kind=named, base=base) if isinstance(base, str) and short not in str(named) else str(named)


def _answer(files: ModelFiles) -> str:
    if files.classifier.multi_label:
        return texts.SEVERAL_ANSWERS
    return texts.ONE_ANSWER if files.classifier.known_threshold is None else texts.NONE_TOO


def _weights(files: ModelFiles) -> str | None:
    written = files.weights_bytes()
    if written is None:
        return None
    parameters = sum(each.numel() for each in files.classifier.model.parameters())
    return texts.WEIGHTS.format(size=size(written), parameters=f"{parameters:,}")


def _window(files: ModelFiles) -> str:
    seconds = files.classifier.window_length / files.classifier.sampling_rate
    settings = files.training.get("settings")
    trained = settings.get("clip_seconds") if isinstance(settings, dict) else None
    if isinstance(trained, int | float) and abs(trained - seconds) > 0.01 and not files.training.get("base_model"):
        return texts.WINDOW_TRAINED.format(seconds=seconds, trained=trained)
    return texts.WINDOW.format(seconds=seconds)


def _trained_on(files: ModelFiles) -> str | None:
    data, clips = files.training.get("data"), files.training.get("clips")
    if not isinstance(data, str):
        datasets = files.metadata.get("datasets")
        return ", ".join(map(str, datasets)) if isinstance(datasets, list) else None
    parts = clips.items() if isinstance(clips, dict) else ()
    told = [texts.PARTS.format(number=n, part=part) for part, n in parts if isinstance(n, int) and n]
    return texts.DATA.format(name=data, clips=", ".join(told)) if told else data


def _device(files: ModelFiles) -> str | None:
    version, device = files.training.get("audiocls_version"), files.training.get("device")
    return texts.DEVICE.format(version=version, device=device) if version and device else None


def _made(files: ModelFiles) -> str | None:
    """When the model was written; of one of the Hub that is only when it was fetched."""
    config = files.path("config.json")  # as old as the weights, which may be too large for `path`
    if config is None or files.of_the_hub:
        return None
    written = datetime.datetime.fromtimestamp(config.stat().st_mtime)
    return f"{written.day} {written:%B %Y, %H:%M}"


def labels_title(files: ModelFiles) -> str:
    return counted(len(files.classifier.labels), "label")
