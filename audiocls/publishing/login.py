"""Who publishes, and whether this login may write under a name: found out before anything is sent."""

import re
from dataclasses import dataclass, field
from typing import Any

from huggingface_hub import HfApi, get_token

from audiocls.errors import HubError
from audiocls.hub.calls import ask_hub, status_of
from audiocls.hub.failures import scrubbed, token_source

NO_TOKEN = "there is no token of the Hub: log in with `hf auth login`, or set HF_TOKEN, or pass --token-stdin"
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_LONGEST_NAME = 96
_WRITING_ROLES = ("write", "admin", "contributor")


@dataclass(frozen=True)
class Login:
    """Who is logged in, the full id of the repository to write to, and the token (never shown)."""

    user: str
    repo_id: str
    token: str = field(repr=False)


def login(repo_id: str, token: str | None = None, *, create_pr: bool = False) -> Login:
    """Check the name, the token, and the right to write there. A name alone is the login's own.

    Args:
        repo_id: "owner/name" or "name".
        token: of the Hub; that of `hf auth login` or HF_TOKEN unless given.
        create_pr: a pull request is to be opened, which may be under names of others.

    Raises:
        HubError: the name cannot be one, nobody is logged in, or this login may not write there; one line.
    """
    check_name(repo_id)
    token = token or get_token()
    if not token:
        raise HubError(NO_TOKEN)
    told = who_am_i(token, repo_id)
    user = str(told.get("name"))
    full = repo_id if "/" in repo_id else f"{user}/{repo_id}"
    owner = full.split("/")[0]
    access = (told.get("auth") or {}).get("accessToken") or {}
    role = access.get("role")
    if role == "read":
        raise HubError(
            f"{token_source(token)} may only read; make one that may write at https://huggingface.co/settings/tokens"
        )
    if role == "fineGrained" and not create_pr and not _fine_grained_writes(access.get("fineGrained"), owner, full):
        raise HubError(
            f"{token_source(token)} may not write to repositories of {owner}; "
            "change what it may at https://huggingface.co/settings/tokens"
        )
    if owner.lower() != user.lower() and not create_pr:
        _check_organisation(told.get("orgs") or [], owner, user, full)
    return Login(user, full, token)


def check_name(repo_id: str) -> None:
    """Check that a name can be one of the Hub's.

    Raises:
        HubError: it cannot; the line says why.
    """
    parts = repo_id.split("/")
    if "@" in repo_id:
        raise HubError(
            f"{repo_id!r} cannot be a name on the Hub: it has no @ (a branch is named apart, with the option revision)"
        )
    if len(parts) > 2 or not all(parts):
        raise HubError(f"{repo_id!r} cannot be a name on the Hub; it must be user/name, or a name alone for your own")
    for part in parts:
        if not _NAME.fullmatch(part):
            wrong = "".join(dict.fromkeys(c for c in part if not _NAME.fullmatch(c)))
            raise HubError(f"{repo_id!r} cannot be a name on the Hub: {wrong!r} is not allowed, only A-Z a-z 0-9 - _ .")
        if part[0] in "-." or part[-1] in "-." or "--" in part or ".." in part or part.endswith(".git"):
            raise HubError(
                f"{repo_id!r} cannot be a name on the Hub: it must not begin or end with - or ., "
                "hold -- or .., or end with .git"
            )
    if len(repo_id) > _LONGEST_NAME:
        raise HubError(f"{repo_id!r} cannot be a name on the Hub: it is longer than {_LONGEST_NAME} characters")


def who_am_i(token: str, repo_id: str) -> dict[str, Any]:
    """What the Hub tells of the owner of a token.

    Raises:
        HubError: the token is not valid, or the Hub cannot be asked.
    """

    def ask() -> dict[str, Any]:
        try:
            return HfApi(token=token, library_name="audiocls").whoami()
        except OSError as error:
            if status_of(error) == 401:
                raise HubError(
                    f"the Hub does not know {token_source(token)}, or it has expired; make one at "
                    "https://huggingface.co/settings/tokens, or log in again with `hf auth login`"
                ) from None
            raise

    told = ask_hub(ask, repo_id, token=token)
    if not isinstance(told, dict) or not told.get("name"):
        raise HubError(f"{repo_id}: the Hub does not say whose {token_source(token)} is")
    return told


def _check_organisation(organisations: list[dict[str, Any]], owner: str, user: str, full: str) -> None:
    mine = [each for each in organisations if str(each.get("name", "")).lower() == owner.lower()]
    if not mine:
        names = [user, *(str(each.get("name")) for each in organisations)]
        raise HubError(
            scrubbed(
                f"{full}: {owner} is neither you nor an organisation of yours; you may write to {', '.join(names)}"
            )
        )
    role = mine[0].get("roleInOrg")
    if role is not None and role not in _WRITING_ROLES:
        raise HubError(f"{full}: you may only read in the organisation {owner} (your role there is {role})")


def _fine_grained_writes(rights: Any, owner: str, full: str) -> bool:
    """Whether a fine-grained token may write; where it is not told, the Hub will say when asked to."""
    if not isinstance(rights, dict) or not isinstance(rights.get("scoped"), list):
        return True
    names = {owner.lower(), full.lower()}
    return any(
        str((scope.get("entity") or {}).get("name", "")).lower() in names
        and "repo.write" in (scope.get("permissions") or [])
        for scope in rights["scoped"]
        if isinstance(scope, dict)
    )
