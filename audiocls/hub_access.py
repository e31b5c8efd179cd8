"""Names and failures of the Hub: "user/name@revision" taken apart, and its many errors told in a few words."""

import re
from dataclasses import dataclass

_ID = re.compile(r"(?P<repo_id>[\w.-]+(/[\w.-]+)?)(@(?P<revision>[^\s@]+))?")


@dataclass(frozen=True)
class HubId:
    """A repository of the Hub, and the branch, tag or commit of it (None: its main branch)."""

    repo_id: str
    revision: str | None = None


def parse_hub_id(text: str) -> HubId | None:
    """Take "user/name@revision" apart; None for what cannot be the name of a repository."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    found = _ID.fullmatch(text)
    if found is None or text.startswith((".", "~", "/")):
        return None
    try:
        validate_repo_id(found["repo_id"])
    except HFValidationError:
        return None
    return HubId(found["repo_id"], found["revision"])


def hub_reason(error: BaseException, repo_id: str, revision: str | None = None, repo_type: str = "model") -> str:
    """What went wrong with a repository, for a person: one line that names it, says why and what to do."""
    from huggingface_hub import errors

    thing = {"model": "model", "dataset": "data set", "space": "Space"}[repo_type]
    if isinstance(error, errors.GatedRepoError):
        return f"{repo_id} is gated: ask for access on its page, then log in with `hf auth login`"
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{repo_id} has no revision {revision!r} on the Hub"
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"there is no {thing} {repo_id} on the Hub (a private one needs `hf auth login`)"
    text = str(error).strip()
    return f"{repo_id}: {text.splitlines()[0] if text else type(error).__name__}"
