"""What a search may choose from: for each setting a list of choices or a range, read from YAML or by kind of model.

It checks every value against the setting it belongs to. It knows nothing of trials.
"""

import difflib
import json
import math
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from audiocls.config import TrainConfig, settings
from audiocls.data.listing import some
from audiocls.errors import UsageError
from audiocls.settings import base_type, check_value, coerce

SEARCHES = ("tpe", "random", "grid")
DEFAULT = "default"
RANGE_KEYS = ("low", "high", "log", "step")
# These decide what is measured, and with what, rather than how well the model does.
NOT_SEARCHED = (
    *("model", "seed", "budget_minutes", "mixed_precision", "gradient_checkpointing"),
    *("noise_snr_db", "background_folder"),  # on clean clips none would win
)
MOST_COMBINATIONS = 1_000_000

_NETWORK: dict[str, Any] = {
    "learning_rate": {"low": 5e-4, "high": 1e-2, "log": True},
    "mixup": [0.0, 0.2, 0.4, 0.8],
    "clip_seconds": [1.0, 2.0, 3.0, 5.0],
    "n_mels": [40, 64, 96],
    "label_smoothing": [0.0, 0.05, 0.1],
}
_TREES: dict[str, Any] = {
    "features": [
        "mfcc",
        "pitch",
        "mfcc+chroma+spectral_contrast+pitch",
        "log_mel+chroma+spectral_contrast",
        "log_mel+mfcc+chroma+spectral_contrast",
    ],
    "n_mels": [40, 64, 128],
    "n_mfcc": [13, 20, 40],
}
DEFAULT_SPACES: dict[str, dict[str, Any]] = {
    "cnn": _NETWORK,
    "cnn1d": {**{k: v for k, v in _NETWORK.items() if k != "n_mels"}, "n_mfcc": [13, 20, 40]},
    "crnn": {**_NETWORK, "rnn": ["lstm", "gru"]},
    "forest": _TREES,
    "boosting": _TREES,
    "probe": {"clip_seconds": [1.0, 2.0, 3.0, 5.0, 10.0]},
    "finetune": {
        "learning_rate": {"low": 5e-6, "high": 1e-4, "log": True},
        "num_epochs": [4, 8, 12],
        "freeze_layers": [0, 1, 2],
        "layer_decay": [0.6, 0.8, 1.0],
        "probe_share": [0.3, 0.5, 0.7],
    },
}
# For an exhaustive search: fewer settings, each with a few values.
DEFAULT_GRIDS: dict[str, dict[str, Any]] = {
    "cnn": {"learning_rate": [1e-3, 2e-3, 4e-3], "mixup": [0.0, 0.4], "clip_seconds": [1.0, 3.0]},
    "cnn1d": {"learning_rate": [1e-3, 2e-3, 4e-3], "mixup": [0.0, 0.4], "n_mfcc": [20, 40]},
    "crnn": {"learning_rate": [1e-3, 2e-3, 4e-3], "mixup": [0.0, 0.4], "rnn": ["lstm", "gru"]},
    "finetune": {"learning_rate": [1e-5, 3e-5, 1e-4], "num_epochs": [4, 8], "freeze_layers": [0, 2]},
}


@dataclass(frozen=True)
class Choices:
    """Some values of a setting."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Range:
    """All values of a setting from low to high: evenly, by their logarithm, or in steps from low."""

    low: float
    high: float
    log: bool = False
    step: float | None = None
    whole: bool = False  # integers only


Space = dict[str, Choices | Range]


def read_space(space: str | Path | Mapping[str, Any], config: TrainConfig, search: str = "tpe") -> Space:
    """A space to search: the one that suits `config.kind`, that of a YAML file, or one given as plain values.

    Args:
        space: "default", a file, or a mapping: for each setting a list of values or {low, high, log, step}.
        config: the settings that stay; of the default space, what differs from the usual stays as it is.
        search: "grid" turns ranges into the values at their steps.

    Raises:
        UsageError: the file cannot be read; an unknown setting (with the nearest), one that cannot be searched, a
            value that the setting cannot have, an empty list or range; or a range without steps in a grid.
    """
    if space == DEFAULT:
        source, values = "the default space", _default_values(config, search)
    elif isinstance(space, Mapping):
        source, values = "space", dict(space)
    else:
        source, values = str(space), _read_yaml(Path(space))
    if not values:
        raise UsageError(f"{source}: nothing to search; write lines such as 'n_mels: [40, 64]'")
    return {name: _dimension(name, value, source, search) for name, value in values.items()}


def grid_size(space: Space) -> int:
    """How many combinations a space of choices has."""
    return math.prod(len(dimension.values) for dimension in space.values() if isinstance(dimension, Choices))


def plain_space(space: Space) -> dict[str, Any]:
    """The space as JSON holds it."""
    return {
        name: list(dimension.values) if isinstance(dimension, Choices) else asdict(dimension)
        for name, dimension in space.items()
    }


def _default_values(config: TrainConfig, search: str) -> dict[str, Any]:
    spaces = {**DEFAULT_SPACES, **DEFAULT_GRIDS} if search == "grid" else DEFAULT_SPACES
    usual = TrainConfig(model=config.model)
    values = {
        name: value for name, value in spaces[config.kind].items() if getattr(config, name) == getattr(usual, name)
    }
    if not values:
        raise UsageError(
            f"the default space of {config.kind} has only {some(sorted(spaces[config.kind]))}, which you fixed; "
            "leave them out, or name a --space of your own"
        )
    return values


def _read_yaml(path: Path) -> dict[str, Any]:
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: the space cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if values is not None and not isinstance(values, dict):
        raise UsageError(f"{path}: a space is a list of lines such as 'n_mels: [40, 64]'")
    return values or {}


def _dimension(name: str, value: Any, source: str, search: str) -> Choices | Range:
    known = settings()
    if name not in known:
        meant = difflib.get_close_matches(str(name), known, n=1)
        hint = f"did you mean {meant[0]}?" if meant else "see --help for the names"
        raise UsageError(f"{source}: there is no setting {name!r}; {hint}")
    if name in NOT_SEARCHED or known[name].metadata["group"] == "data":
        raise UsageError(
            f"{source}: {name} decides what the trials are measured on, so it cannot be searched; give it as --{name}"
        )
    if isinstance(value, list | tuple):
        return _choices(known[name], value, source)
    if isinstance(value, Mapping):
        dimension = _range(known[name], value, source)
        return _steps(name, dimension, source) if search == "grid" else dimension
    raise UsageError(f"{source}: {name} is {value!r}; write a list, [{value}], or a range, {{low: 1, high: 2}}")


def _choices(spec: Field, values: list | tuple, source: str) -> Choices:
    if not values:
        raise UsageError(f"{source}: {spec.name} has an empty list; name at least one value")
    checked: list[Any] = []
    for value in values:
        one = _checked(spec, value, source)
        if one in checked:
            raise UsageError(f"{source}: {spec.name} names {value!r} twice")
        checked.append(one)
    return Choices(tuple(checked))


def _checked(spec: Field, value: Any, source: str) -> Any:
    """A value as the setting holds it, if the setting can have it; sizes of two sides as text such as 128x128."""
    if base_type(spec) is tuple and isinstance(value, list | tuple):
        value = "x".join(map(str, value))
    if base_type(spec) is tuple and value is not None and not isinstance(value, str):
        raise UsageError(f"{source}: {spec.name} is {value!r}; write it as 128x128")
    value = coerce(spec, value, source)
    try:
        check_value(spec, value)
        if spec.name in ("features", "image_size"):  # what these may hold is checked by the whole configuration
            TrainConfig.from_dict({spec.name: value})
    except UsageError as error:
        raise UsageError(f"{source}: {error}") from None
    return value


def _range(spec: Field, given: Mapping[str, Any], source: str) -> Range:
    name, kind = spec.name, base_type(spec)
    unknown = [key for key in given if key not in RANGE_KEYS]
    if unknown or "low" not in given or "high" not in given:
        what = f"has {unknown[0]!r}" if unknown else "lacks low or high"
        raise UsageError(f"{source}: the range of {name} {what}; a range is {{low, high}}, and log: true or step")
    if kind not in (int, float):
        raise UsageError(f"{source}: {name} is no number; write a list of its values")
    low, high = (_checked(spec, given[key], source) for key in ("low", "high"))
    log = given.get("log", False)
    if low is None or high is None or not low < high:
        raise UsageError(f"{source}: {name} goes from {low} to {high}; low must be less than high")
    if not isinstance(log, bool):
        raise UsageError(f"{source}: log of {name} is {log!r}; write true or false")
    if log and low <= 0:
        raise UsageError(f"{source}: {name} goes from {low:g}; a logarithmic range must begin above 0")
    if given.get("step") is None:
        return Range(low, high, log, None, kind is int)
    try:
        step = coerce(spec, given["step"], source)
    except UsageError:
        step = -1
    if log or not 0 < step <= high - low:
        why = "a logarithmic range has no steps" if log else f"it must lie above 0 and within {high - low:g}"
        raise UsageError(f"{source}: step of {name} is {given['step']!r}; {why}")
    # Decimal, because 0.3 is no whole number of steps of 0.1 in binary.
    exact = [Decimal(str(value)) for value in (low, high, step)]
    last = exact[0] + (exact[1] - exact[0]) // exact[2] * exact[2]
    return Range(low, kind(last), False, step, kind is int)


def _steps(name: str, dimension: Range, source: str) -> Choices:
    """The values of a range at its steps."""
    if dimension.step is None:
        raise UsageError(f"{source}: {name} is a range without steps; a grid needs a step, or a list of values")
    low, high, step = (Decimal(str(value)) for value in (dimension.low, dimension.high, dimension.step))
    count = int((high - low) / step) + 1
    if count > MOST_COMBINATIONS:
        raise UsageError(f"{source}: {name} has {count} steps; a grid can have {MOST_COMBINATIONS} combinations")
    kind = int if dimension.whole else float
    return Choices(tuple(kind(low + number * step) for number in range(count)))


def shown_settings(chosen: Mapping[str, Any]) -> str:
    """Chosen settings in one line: `learning_rate=0.002 n_mels=64`."""
    return " ".join(f"{name}={shown_value(value)}" for name, value in chosen.items())


def shown_value(value: Any) -> str:
    """A value as short as YAML has it."""
    if isinstance(value, float):
        return f"{value:.3g}"
    return value if isinstance(value, str) else json.dumps(value)
