"""From settings to command-line flags and back: every field of `TrainConfig` is a flag and a recipe key."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import Field
from pathlib import Path
from typing import Any

from audiocls.config import TrainConfig, settings
from audiocls.errors import UsageError
from audiocls.settings import base_type, parse_image_size

GROUPS = {
    "model": "model",
    "features": "features (the model's first layer)",
    "data": "data and split",
    "training": "training",
    "field": "for noise and long recordings",
    "honesty": "how sure (after training)",
    "finetune": "finetune (beside those of training)",
}


def add_settings(parser: argparse.ArgumentParser, without: tuple[str, ...] = ()) -> None:
    """Add a flag for every setting, and --config for a recipe.

    Flags that are not given stay out of the result, so the recipe can fill them.
    """
    parser.add_argument("--config", metavar="FILE.yaml", help="recipe: a YAML file of settings; flags win over it")
    for group, title in GROUPS.items():
        chosen = {n: spec for n, spec in settings().items() if spec.metadata["group"] == group and n not in without}
        add_fields(parser.add_argument_group(title), chosen)


def add_fields(arguments: argparse._ActionsContainer, chosen: Mapping[str, Field]) -> None:
    """Add a flag for each of some settings, by name; those that are not given stay out of the result."""
    for name, spec in chosen.items():
        options: dict[str, Any] = {"default": argparse.SUPPRESS, "dest": name}
        kind, default = base_type(spec), spec.default
        if kind is bool:
            options["action"] = argparse.BooleanOptionalAction if default else "store_true"
            shown = "on" if default else "off"
        else:
            options["type"] = parse_image_size if kind is tuple else kind
            if isinstance(spec.metadata["metavar"], tuple):  # several numbers
                options |= {"type": float, "nargs": len(spec.metadata["metavar"])}
            options["choices"] = spec.metadata["choices"]
            options["metavar"] = None if spec.metadata["choices"] else spec.metadata["metavar"]
            shown = "" if default is None else f"{default:g}" if kind is float else str(default)
        options["help"] = spec.metadata["help"].replace("%", "%%") + (f" [{shown}]" if shown else "")
        arguments.add_argument(f"--{name}", **options)


def read_settings(arguments: argparse.Namespace) -> TrainConfig:
    """Settings from the recipe, if any, with the given flags over it.

    Raises:
        UsageError: a value is out of range or the recipe is wrong.
    """
    recipe = load_recipe(arguments.config) if arguments.config else {}
    return TrainConfig.from_dict({**recipe, **given_fields(arguments, settings())}, source="settings")


def given_fields(arguments: argparse.Namespace, chosen: Mapping[str, Field]) -> dict[str, Any]:
    """The values of those settings that were given as flags."""
    return {name: value for name, value in vars(arguments).items() if name in chosen}


def load_recipe(path: str | Path) -> dict[str, Any]:
    """Read a recipe: a YAML (or JSON) file of setting names and values.

    Raises:
        UsageError: the file is missing, is no YAML mapping, or names an unknown setting.
    """
    import yaml

    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: the recipe cannot be read: {error.strerror}") from error
    try:
        values = json.loads(text) if str(path).endswith(".json") else yaml.safe_load(text)
    except (yaml.YAMLError, json.JSONDecodeError) as error:
        raise UsageError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise UsageError(f"{path}: a recipe is a list of lines such as 'num_epochs: 40'")
    TrainConfig.from_dict(values, source=str(path))
    return values


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=34, width=110)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, and which takes flags in full only."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_Formatter, **options)

    def error(self, message: str) -> Any:
        raise UsageError(f"{message} (see {self.prog} --help)")
