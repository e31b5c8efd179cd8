"""Small notes on data sets of the Hub, kept in the cache: which commit a revision was, which clip holds what."""

import hashlib
import json
from pathlib import Path

from audiocls.data.store import cache_folder
from audiocls.hub.ids import HubId
from audiocls.whole_files import write_text


def read_note(hub_id: HubId, about: str) -> dict[str, str]:
    """The note on a data set at a revision; empty if there is none that can be read."""
    try:
        found = json.loads(_path(hub_id, about).read_text(encoding="utf-8"))
        return {str(name): str(value) for name, value in found.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def write_note(hub_id: HubId, about: str, note: dict[str, str]) -> None:
    """Keep a note, in the place of an earlier one.

    Raises:
        OutputError: the cache cannot be written.
    """
    write_text(_path(hub_id, about), json.dumps(note))


def _path(hub_id: HubId, about: str) -> Path:
    from huggingface_hub import constants

    key = hashlib.sha256(f"{constants.ENDPOINT} {hub_id}".encode()).hexdigest()[:32]
    return cache_folder() / "hub" / f"{key}-{about}.json"
