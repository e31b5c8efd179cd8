"""A model card as the Hub wants it, checked without asking the Hub: its metadata, key by key."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard

from audiocls.card.front_matter import divided
from audiocls.card.model_card import TASK
from audiocls.errors import ModelError

LIBRARY = "transformers"
_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]*")
_LISTS = ("tags", "datasets", "metrics", "base_model", "language", "license_name")


def card_metadata(path: Path) -> dict[str, Any]:
    """The metadata at the top of a card.

    Raises:
        ModelError: it is no text, or what is at its top is no valid YAML; the line names file and line.
    """
    try:
        card = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ModelError(f"{path} is no text in UTF-8; save it as such") from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error
    return dict(divided(card, str(path))[0].values)


def check_card(path: Path) -> None:
    """Check that a card has what the Hub reads, in the form it accepts.

    Raises:
        ModelError: it has not; the line names the key and what it must be.
    """
    values = card_metadata(path)
    if not values:
        raise ModelError(f"{path} has no metadata (YAML between two lines of ---) at its top; write the card anew")
    for key, wanted in (("library_name", LIBRARY), ("pipeline_tag", TASK)):
        if values.get(key) != wanted:
            raise ModelError(f"{path}: {key} is {values.get(key)!r}; it must be {wanted}, so that the model is found")
    for key in _LISTS:
        _check_words(values, key, path)
    for key in ("datasets", "base_model"):
        for name in _listed(values.get(key)):
            if not _ID.fullmatch(name):
                raise ModelError(f"{path}: {key} names {name!r}, which cannot be a name on the Hub; correct it there")
    licence = values.get("license")
    for each in _listed(licence) if licence is not None else ():
        if not _LICENCE.fullmatch(each):
            raise ModelError(
                f"{path}: license is {each!r}; it must be an identifier such as apache-2.0, cc-by-4.0 or other"
            )
    _check_results(values, path)


def _listed(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [] if value is None else [str(value)]


def _check_words(values: Mapping[str, Any], key: str, path: Path) -> None:
    value = values.get(key)
    if value is None or isinstance(value, str):
        return
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ModelError(f"{path}: {key} is {value!r}; it must be a word or a list of words")


def _check_results(values: Mapping[str, Any], path: Path) -> None:
    """`model-index` as huggingface_hub reads it."""
    if "model-index" not in values:
        return
    index = values["model-index"]
    try:
        for model in index:
            if not model["name"] or not isinstance(model["results"], list):
                raise ValueError("each model needs a name and a list of results")
        ModelCard(path.read_text(encoding="utf-8"), ignore_metadata_errors=False)
    except (ValueError, TypeError, KeyError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error).splitlines()[0]
        raise ModelError(f"{path}: model-index cannot be read as scores: {reason}; write the card anew") from error
