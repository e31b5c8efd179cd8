"""Names on the Hub: "user/name@revision" taken apart."""

import re
from dataclasses import dataclass

_ID = re.compile(r"(?P<repo_id>[\w.-]+(/[\w.-]+)?)(@(?P<revision>[^\s@]+))?")
# What git allows in no name of a branch or tag; among it all that leads out of a folder.
_NO_REVISION = re.compile(r"\.\.|[\\~^:?*\[]|//|^[/.-]|[/.]$|/\.|\.lock$")
THINGS = {"model": "model", "dataset": "data set", "space": "Space"}


@dataclass(frozen=True)
class HubId:
    """A repository of the Hub, and the branch, tag or commit of it (None: its main branch)."""

    repo_id: str
    revision: str | None = None

    def __str__(self) -> str:
        return self.repo_id if self.revision is None else f"{self.repo_id}@{self.revision}"


def parse_hub_id(text: str) -> HubId | None:
    """Take "user/name@revision" apart; None for what cannot be the name of a repository."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    found = _ID.fullmatch(text)
    if found is None or text.startswith((".", "~", "/")) or _NO_REVISION.search(found["revision"] or ""):
        return None
    try:
        validate_repo_id(found["repo_id"])
    except HFValidationError:
        return None
    return HubId(found["repo_id"], found["revision"])
