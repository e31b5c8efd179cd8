"""What a setting is: a dataclass field with its group, help, choices and limits; and how its values are checked.

It knows no setting by name; `config` defines them.
"""

import math
from dataclasses import Field, field, fields
from types import NoneType
from typing import Any, get_args, get_origin

from audiocls.errors import UsageError


def setting(
    default: Any,
    group: str,
    help: str,
    choices: tuple[str, ...] | None = None,
    metavar: str | tuple[str, ...] | None = None,
    limits: tuple[float, float] | None = None,
) -> Any:
    """A dataclass field that also carries what `--help` says about it and the lowest and highest value it may have."""
    told = {"group": group, "help": help, "choices": choices, "metavar": metavar, "limits": limits}
    return field(default=default, metadata=told)


def is_optional(spec: Field) -> bool:
    """Whether None is a value of the setting."""
    return NoneType in get_args(spec.type)


def base_type(spec: Field) -> type:
    """The type of a setting without its `| None`: str, int, float, bool or tuple."""
    annotation: Any = spec.type
    kinds = [kind for kind in get_args(annotation) if kind is not NoneType] if is_optional(spec) else [annotation]
    return get_origin(kinds[0]) or kinds[0]


def check_value(spec: Field, value: Any) -> None:
    """Check a value against the choices and limits of its setting.

    Raises:
        UsageError: the message names the setting, the value and what is allowed.
    """
    choices, limits = spec.metadata["choices"], spec.metadata["limits"]
    if choices and value not in choices:
        raise UsageError(f"{spec.name} is {value!r}; choose one of {', '.join(choices)}")
    if limits and value is not None and not (math.isfinite(value) and limits[0] <= value <= limits[1]):
        raise UsageError(f"{spec.name} is {value}; it must lie between {limits[0]:g} and {limits[1]:g}")


def coerce(spec: Field, value: Any, source: str) -> Any:
    """Check one plain value against the type of its setting; integers serve as floats and "1e-3" as a number.

    Raises:
        UsageError: a value of another type; the message begins with `source`.
    """
    kind, name = base_type(spec), spec.name
    if (value is None and is_optional(spec)) or kind is tuple:
        return value
    if kind is float and isinstance(value, str):  # YAML 1.1 reads 1e-3 as text
        try:
            value = float(value)
        except ValueError:
            raise UsageError(f"{source}: {name} is {value!r}; it must be a number") from None
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise UsageError(f"{source}: {name} is {value!r}; it must be of type {kind.__name__}")
    return value


def parse_image_size(text: str) -> tuple[int, int]:
    """Read "128x128" as (bands, frames)."""
    bands, separator, frames = text.lower().partition("x")
    if not separator or not bands.isdigit() or not frames.isdigit():
        raise UsageError(f"image_size is {text!r}; write it as BANDSxFRAMES, such as 128x128")
    return int(bands), int(frames)


def fields_by_name(options: Any) -> dict[str, Field]:
    """The settings of a dataclass or of one of its objects, in the order of `--help`."""
    return {spec.name: spec for spec in fields(options)}


def check_fields(options: Any) -> None:
    """Check all values of a dataclass of settings.

    Raises:
        UsageError: as `check_value`.
    """
    for name, spec in fields_by_name(options).items():
        check_value(spec, getattr(options, name))


def checked_span(name: str, value: Any) -> tuple[float, float]:
    """A pair of numbers, the lower one first.

    Raises:
        UsageError: it is none.
    """
    try:
        low, high = (float(each) for each in value)
    except (TypeError, ValueError):
        raise UsageError(f"{name} is {value!r}; give two numbers, the lowest and the highest") from None
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise UsageError(f"{name} goes from {low:g} to {high:g}; the lowest must come first")
    return low, high
