"""`config.json` of a model, looked at before anything is built from it: what kind it is, and that its numbers are sane.

Whoever wrote it may be mistaken or hostile: a number with too many digits must end in one line, not in a machine that
has run out of memory. The limits are far above what any audio classifier has.
"""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from audiocls.errors import ModelError

OWN_TYPES = ("audiocls", "audiocls_ensemble")  # model types that take the waveform itself
INPUT_FILES = ("preprocessor_config.json", "processor_config.json")
_LARGEST_FILE_BYTES = 20_000_000
_MOST_LABELS = 100_000
_LARGEST_NUMBER = 10_000_000
_LONGEST_LIST = 100_000
_MOST_LAYERS = 1000  # of whatever is built one by one
_LARGEST = {  # what arrays are made of when a model hears
    "sampling_rate": 1_000_000,
    "window_seconds": 3600,
    "n_fft": 2**18,
    "n_mels": 2**13,
    "num_mel_bins": 2**13,
    "feature_size": 2**13,
}
_MOST_FEATURES = 10**8  # numbers in the features of a window
_SPARE_WEIGHTS = 20_000_000  # that a model may have beyond what its files hold, such as tables it computes


def read_config(folder: Path, name: str) -> dict[str, Any]:
    """The model's `config.json`.

    Raises:
        ModelError: it is missing, no JSON object, or describes what no audio classifier is like.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise ModelError(
            f"{name} is no model folder: it has no config.json (a model folder holds config.json, "
            "model.safetensors and preprocessor_config.json)"
        )
    config = _read(path)
    if not isinstance(config, dict):
        raise ModelError(f"{path} is no model configuration: it must be a JSON object")
    for other in INPUT_FILES:
        if (folder / other).is_file():
            _check_numbers(f"{name}: {other}", _read(folder / other))
    _check_numbers(f"{name}: config.json", config)
    _check_words(f"{name}: config.json", config)
    _check_labels(f"{name}: config.json", config)
    _check_features(f"{name}: config.json", config)
    return config


def check_kind(config: dict[str, Any], name: str, trust_remote_code: bool, code: Sequence[str] = ()) -> None:
    """See whether a model of other types than ours is an audio classifier, and whether it may run code of its own.

    Args:
        code: the names of files of code that came with it.

    Raises:
        ModelError: it is not, or may not.
    """
    from transformers.models.auto.modeling_auto import MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES as KNOWN

    model_type = config.get("model_type")
    architecture = (config.get("architectures") or [model_type or "unknown"])[0]
    if model_type in KNOWN:
        if not str(architecture).endswith(("ForAudioClassification", "ForSequenceClassification")):
            raise ModelError(f"{name} holds a {architecture}, which is no audio classification model")
        return
    auto_map = config.get("auto_map") or {}
    if "AutoModelForAudioClassification" not in auto_map:
        raise ModelError(f"{name} holds a model of type {model_type}, which is no audio classification model")
    elsewhere = next((str(value) for value in auto_map.values() if "--" in str(value)), None)
    if elsewhere:
        raise ModelError(
            f"{name} takes its code from another repository ({elsewhere.partition('--')[0]}); only code that comes "
            "with a model is ever run, for that can be read beside it"
        )
    if not trust_remote_code:
        raise ModelError(
            f"{name} comes with its own code (type {model_type}); read {', '.join(code) or 'it'}, and if you trust it "
            "pass trust_remote_code=True (--trust_remote_code)"
        )


def check_weights(model: Any, folder: Path, files: Sequence[str], name: str) -> None:
    """See that files can hold the weights of a model, which was built on the meta device and so has none.

    transformers makes up what a file lacks, however much that is.

    Raises:
        ModelError: they cannot by far.
    """
    described = sum(math.prod(tensor.shape) for tensor in (*model.parameters(), *model.buffers()))
    held = sum((folder / file).stat().st_size for file in files)  # of four bits or more each
    if described > 2 * held + _SPARE_WEIGHTS:
        raise ModelError(
            f"{name} is no complete audio classification model: its config.json describes {described:,} weights, and "
            f"its files have {held:,} bytes"
        )


def _read(path: Path) -> Any:
    try:
        if path.stat().st_size > _LARGEST_FILE_BYTES:
            raise ModelError(f"{path} is larger than any configuration")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not valid JSON: {str(error).splitlines()[0]}") from error


def _walk(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """All values of a configuration, each with the name it goes by."""
    remaining = [(key, value)]
    while remaining:
        key, value = remaining.pop()
        yield key, value
        if isinstance(value, dict):
            remaining += [(str(name), inner) for name, inner in value.items()]
        elif isinstance(value, list):
            remaining += [(key, inner) for inner in value]


def _check_numbers(where: str, config: Any) -> None:
    for key, value in _walk(config):
        if isinstance(value, list) and len(value) > _LONGEST_LIST:
            raise ModelError(f"{where}: {key} has {len(value)} entries; no audio classifier has so many")
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        built = any(part in key for part in ("layers", "blocks", "depth", "stages", "_heads"))
        limit = _MOST_LAYERS if built else _LARGEST.get(key, _LARGEST_NUMBER if isinstance(value, int) else math.inf)
        if abs(value) > limit:
            shown = str(value) if isinstance(value, float) or abs(value) < 10**15 else "a number of many digits"
            raise ModelError(f"{where}: {key} is {shown}; no audio classifier has more than {limit}")


def _check_words(where: str, config: dict[str, Any]) -> None:
    kinds = {
        "model_type": (str, "a name"),
        "architectures": (list, "a list of names"),
        "auto_map": (dict, "an object"),
        "network": (dict, "an object"),
        "members": (list, "a list"),
    }
    for field, (kind, told) in kinds.items():
        value = config.get(field)
        if value is not None and not isinstance(value, kind):
            raise ModelError(f"{where}: {field} must be {told}")
    for value in (config.get("network") or {}).values():
        if isinstance(value, list) and len(value) > _MOST_LAYERS:
            raise ModelError(f"{where}: network has a list of {len(value)}; no audio classifier has so many layers")


def _check_labels(where: str, config: dict[str, Any]) -> None:
    number = config.get("num_labels")
    if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
        raise ModelError(f"{where}: num_labels must be a whole number from 1 up")
    labels = config.get("id2label")
    if labels is None and (number or 0) <= _MOST_LABELS:
        return
    if not isinstance(labels, dict) or not labels:
        raise ModelError(f"{where}: id2label must map numbers to labels, at most {_MOST_LABELS} of them")
    if max(len(labels), number or 0) > _MOST_LABELS:
        raise ModelError(f"{where}: it has more than {_MOST_LABELS} labels")
    if set(labels) != {str(index) for index in range(len(labels))}:
        raise ModelError(f"{where}: id2label must number its {len(labels)} labels from 0 to {len(labels) - 1}")
    for label in labels.values():
        if not isinstance(label, str | int | float):
            raise ModelError(f"{where}: id2label must map numbers to labels")


def _check_features(where: str, config: dict[str, Any]) -> None:
    """The size of the features that our own models make of a window."""
    if config.get("model_type") not in OWN_TYPES:
        return
    for each in [config, *(member.get("config") for member in config.get("members") or [] if isinstance(member, dict))]:
        each = each if isinstance(each, dict) else {}
        defaults = (("window_seconds", 3.0), ("sampling_rate", 16000), ("n_mels", 64), ("hop_length", 256))
        values: list[Any] = [each.get(*pair) for pair in defaults]
        if any(not isinstance(value, int | float) or value <= 0 for value in values):
            continue  # the model's own configuration refuses it
        if math.prod(values[:3]) / values[3] > _MOST_FEATURES:
            raise ModelError(f"{where}: a window would have more than {_MOST_FEATURES} features")
