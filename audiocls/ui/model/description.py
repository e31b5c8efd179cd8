"""What a model is, for a program: facts and figures without a page around them."""

from collections.abc import Mapping
from typing import Any

from audiocls.inference.classifier import AudioClassifier
from audiocls.ui.limits import LARGEST_SOUND_BYTES, LONGEST_RECORDING_SECONDS, LONGEST_SOUND_SECONDS, MOST_BATCH_FILES
from audiocls.ui.model.files import ModelFiles

SCORES = ("accuracy", "balanced_accuracy", "macro_f1", "micro_f1", "mean_average_precision")


def description(classifier: AudioClassifier) -> dict[str, Any]:
    """Labels, sampling rate (Hz), window (s), test scores, licence and the limits of the app.

    `scores` is None for a model without test scores; else it has the split, the number of clips and a list of {name,
    value, interval}, where interval is [low, high] or None, at the level `interval_level`.
    """
    return {
        "name": classifier.name,
        "labels": classifier.labels,
        "multi_label": classifier.multi_label,
        "tells_none_of_these": classifier.known_threshold is not None,
        "sampling_rate": classifier.sampling_rate,
        "window_seconds": round(classifier.window_length / classifier.sampling_rate, 3),
        "scores": _scores(classifier.metrics),
        "licence": ModelFiles(classifier).licence,
        "limits": {
            "sound_seconds": LONGEST_SOUND_SECONDS,
            "sound_bytes": LARGEST_SOUND_BYTES,
            "recording_seconds": LONGEST_RECORDING_SECONDS,
            "files": MOST_BATCH_FILES,
        },
    }


def _scores(metrics: Any) -> dict[str, Any] | None:
    if not isinstance(metrics, Mapping):
        return None
    intervals = metrics.get("intervals")
    told = [
        {"name": name, "value": metrics[name], "interval": (intervals if isinstance(intervals, dict) else {}).get(name)}
        for name in SCORES
        if isinstance(metrics.get(name), int | float)
    ]
    if not told:
        return None
    return {
        "split": metrics.get("split"),
        "size": metrics.get("size"),
        "interval_level": metrics.get("interval_level", 0.95) if intervals else None,
        "scores": told,
    }
