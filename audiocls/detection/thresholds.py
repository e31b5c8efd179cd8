"""From which score on a class is heard: fitted with the model, one number, or a file of one for each class.

A file belongs to one model: it holds a fingerprint of the configuration and the weights.
"""

import csv
import hashlib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from audiocls.errors import UsageError
from audiocls.whole_files import write_text

if TYPE_CHECKING:
    from audiocls.detection.plan import Plan
    from audiocls.inference.classifier import AudioClassifier

DEFAULT_THRESHOLD = 0.4  # chosen as in docs/experiments.md: in noise a model is less sure
# Of a configuration, what may differ between a model in memory and the same one from its folder, or says nothing of it.
VOLATILE = {"transformers_version", "dtype", "torch_dtype", "architectures", "auto_map", "detection"}


def resolve_thresholds(classifier: "AudioClassifier", threshold: str | float) -> np.ndarray:
    """The threshold of each label, float32 (labels,).

    Args:
        threshold: "auto" for what was fitted when the model was trained, or else 0.4; a number from 0 to 1; or the path
            of a file as `write_thresholds` writes it, or of a CSV table with the columns label and threshold. Labels
            that a file leaves out are as with "auto".

    Raises:
        UsageError: a number out of range; a file that is missing, damaged, of another model, or names unknown labels.
    """
    labels = classifier.labels
    fitted = (getattr(classifier.model.config, "detection", None) or {}).get("thresholds") or {}
    chosen = {label: float(fitted.get(label, DEFAULT_THRESHOLD)) for label in labels}
    text = str(threshold)
    if text != "auto":
        number = _number(text)
        if number is not None:
            _check_range("threshold", number)
            chosen = dict.fromkeys(labels, number)
        else:
            chosen |= read_thresholds(Path(text), classifier)
    return np.array([chosen[label] for label in labels], np.float32)


def thresholds_origin(classifier: "AudioClassifier", threshold: str | float) -> str:
    """Where `resolve_thresholds` has its thresholds from, in a few words for people."""
    text = str(threshold)
    if text != "auto":
        return "as given" if _number(text) is not None else f"from {text}"
    fitted = getattr(classifier.model.config, "detection", None) or {}
    if not fitted.get("thresholds"):
        return f"the default of {DEFAULT_THRESHOLD:g}, since training chose none"
    return f"chosen in training on {fitted.get('fitted_on', 'unknown data')}"


def told_thresholds(plan: "Plan", origin: str) -> str:
    """A line on the thresholds of the labels that are reported, and where they are from."""
    used = {
        label: value
        for label, value, reported in zip(plan.labels, plan.thresholds.tolist(), plan.reported, strict=True)
        if reported
    }
    if len(set(used.values())) == 1:
        return f"threshold {plan.thresholds[plan.reported][0]:.2f}, {origin}"
    return f"thresholds {', '.join(f'{label} {value:.2f}' for label, value in used.items())}, {origin}"


def read_thresholds(path: Path, classifier: "AudioClassifier") -> dict[str, float]:
    """Thresholds by label from a JSON or CSV file.

    Raises:
        UsageError: as `resolve_thresholds`.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"threshold: there is no file {path}; give auto, a number from 0 to 1 or a file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"threshold: {path} cannot be read: {error}") from None
    found = _of_json(path, text, classifier) if text.lstrip().startswith("{") else _of_csv(path, text)
    unknown = [label for label in found if label not in classifier.labels]
    if unknown:
        raise UsageError(
            f"{path}: the model has no class {unknown[0]!r}; it has {', '.join(classifier.labels)}. The file is of "
            "another model"
        )
    for label, value in found.items():
        _check_range(f"{path}: the threshold of {label}", value)
    return found


def write_thresholds(
    path: Path, classifier: "AudioClassifier", thresholds: dict[str, float], **facts: str | float | None
) -> None:
    """Write a file for `--threshold`: JSON with the model's fingerprint; `facts` are for people ("fitted_on").

    Raises:
        OutputError: it cannot be written.
    """
    told = {
        "model": classifier.origin,
        "fingerprint": fingerprint(classifier),
        "labels": classifier.labels,
        "thresholds": {label: float(value) for label, value in thresholds.items()},
    }
    write_text(path, json.dumps(told | facts, indent=2, ensure_ascii=False) + "\n")


def fingerprint(classifier: "AudioClassifier") -> str:
    """16 hexadecimal digits that are another's for another model: a hash of its configuration and weights."""
    config = {
        name: value
        for name, value in classifier.model.config.to_dict().items()
        if name not in VOLATILE and not name.startswith("_")
    }
    digest = hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode())
    for name, tensor in sorted(classifier.model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def _of_json(path: Path, text: str, classifier: "AudioClassifier") -> dict[str, float]:
    try:
        told: Any = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}") from None
    values = told.get("thresholds")
    if not isinstance(values, dict):
        raise UsageError(f'{path}: "thresholds" must hold a number for each label')
    given = told.get("fingerprint")
    if given is not None and given != fingerprint(classifier):
        raise UsageError(
            f"{path} was made for another model ({told.get('model', 'unknown')}), whose scores mean something else; "
            "make one for this model with `audiocls evaluate MODEL RECORDINGS --events TRUTH.csv`"
        )
    return {str(label): _value(path, label, value) for label, value in values.items()}


def _of_csv(path: Path, text: str) -> dict[str, float]:
    rows = csv.DictReader(text.splitlines())
    if not {"label", "threshold"} <= set(rows.fieldnames or ()):
        raise UsageError(f"{path}: a file of thresholds is JSON, or a CSV table with the columns label and threshold")
    found: dict[str, float] = {}
    for row in rows:
        if row["label"] in found:
            raise UsageError(f"{path}: {row['label']} is there twice")
        found[row["label"]] = _value(path, row["label"], row["threshold"])
    if not found:
        raise UsageError(f"{path}: the table has no rows")
    return found


def _value(path: Path, label: str, value: Any) -> float:
    number = None if isinstance(value, bool) else _number(value)
    if number is None:
        raise UsageError(f"{path}: the threshold of {label} is {value!r}; it must be a number from 0 to 1")
    return number


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _check_range(field: str, value: float) -> None:
    if not (math.isfinite(value) and 0 <= value <= 1):
        raise UsageError(f"{field} is {value:g}; scores lie between 0 and 1, so it must, too")
