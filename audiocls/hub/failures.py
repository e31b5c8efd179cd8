"""Failures of the Hub: its many errors told in a few words.

No text made here holds a token. It imports huggingface_hub where that is needed, for it is not quick to import.
"""

import errno
import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

from audiocls.hub.ids import THINGS, HubId
from audiocls.text_layout import size

_ASK_SECONDS = 5.0  # for what is asked only to tell a failure better
_MOST_NAMES = 5  # branches and tags told
_LONGEST = 200  # characters of what others wrote

# Innocent words that begin as tokens of the Hub do.
_TOKEN = re.compile(r"\bhf_(?!(?:xet|hub|home|token|endpoint|transfer|datasets|hub_\w+)\b)[\w.-]+|\bapi_org_\w+")
_BEARER = re.compile(r"\b(Bearer|Basic|token)[ =:]+[\w.~+/=-]{6,}", re.IGNORECASE)
_PASSWORD = re.compile(r"(?<=://)[^/\s@]+@")
_NOISE = re.compile(r"\(Request ID:[^)]*\)|\bfor url:?\s*\S+|\b[Uu]rl:\s*\S+|https?://\S+|For more details,.*")


def hub_reason(
    error: BaseException,
    repo_id: str,
    revision: str | None = None,
    repo_type: str = "model",
    *,
    token: str | None = None,
    needed_bytes: int | None = None,
) -> str:
    """What went wrong with a repository, for a person: one line that names it, says why and what to do.

    Of a repository or revision that is missing the Hub is asked, for some seconds at most, what there is instead.

    Args:
        error: whatever huggingface_hub, the network or the disk raised.
        repo_type: "model", "dataset" or "space".
        token: that was used, if it is not the login's.
        needed_bytes: room that a download takes, for when the disk is full.
    """
    told = None
    for cause in _causes(error):
        told = (
            _disk_reason(cause, repo_id, needed_bytes)
            or _answer_reason(cause, repo_id, revision, repo_type, token)
            or _way_reason(cause, repo_id, revision)
        )
        if told:
            break
    return scrubbed(told or f"{repo_id}: {in_short(error)}", token)


def scrubbed(text: str, token: str | None = None) -> str:
    """The text as one line, without tokens and passwords: the given one, the login's, and what looks like one."""
    from huggingface_hub import get_token

    with suppress(OSError):
        for secret in {token, get_token()} - {None, ""}:
            text = text.replace(str(secret), "***")
    text = _PASSWORD.sub("***@", _BEARER.sub(r"\1 ***", _TOKEN.sub("hf_***", text)))
    return " ".join(text.split())


def in_short(error: BaseException) -> str:
    """What others wrote of a failure, without addresses and numbers of requests, in at most 200 characters."""
    text = str(getattr(error, "server_message", None) or error)
    text = " ".join(_NOISE.sub(" ", text).split()).strip(" .:")
    return text if 0 < len(text) <= _LONGEST else f"{text[:_LONGEST]}..." if text else type(error).__name__


def token_source(token: str | None = None) -> str:
    """Where the token comes from that is used: in words, never the token."""
    from huggingface_hub import constants, get_token

    if token and token != get_token():
        return "the token given"
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if os.environ.get(name):
            return f"the token in {name}"
    return f"the token of `hf auth login` ({constants.HF_TOKEN_PATH})"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came of, outermost first."""
    cause: BaseException | None = error
    for _ in range(20):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _kinds(error: BaseException) -> set[str]:
    """Names of its classes. Which HTTP library raises them has changed; what they are called has not."""
    return {kind.__name__ for kind in type(error).__mro__}


def _disk_reason(error: BaseException, repo_id: str, needed_bytes: int | None) -> str | None:
    from huggingface_hub import constants

    number = getattr(error, "errno", None)
    text = str(error)
    cache = Path(constants.HF_HUB_CACHE)
    folder = Path(os.fsdecode(getattr(error, "filename", None) or cache))
    folder = cache if cache in (folder, *folder.parents) else folder
    if number in (errno.ENOSPC, errno.EDQUOT) or "os error 28" in text or "No space left" in text:
        needed = f", {size(needed_bytes)} are needed" if needed_bytes else ""
        return (
            f"{repo_id}: the disk of {folder} is full{needed}; free some room, or set HF_HOME to a folder that has it "
            "(what came whole is kept)"
        )
    if (
        number in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)
        or "os error 13" in text
        or "os error 30" in text
    ):
        return f"{repo_id}: {folder} cannot be written; make it writable, or set HF_HOME to another folder"
    return None


def _answer_reason(
    error: BaseException, repo_id: str, revision: str | None, repo_type: str, token: str | None
) -> str | None:
    """What an answer of the Hub means."""
    response = getattr(error, "response", None)
    if response is None:
        return None
    kinds, status = _kinds(error), int(response.status_code)
    hub, host = _hub()
    request = getattr(response, "_request", None)
    known = request is not None and "authorization" in request.headers  # the Hub was told who asks
    said = in_short(error) if getattr(error, "server_message", None) else ""
    page = f"{hub}/{'' if repo_type == 'model' else repo_type + 's/'}{repo_id}"
    if "GatedRepoError" in kinds:
        return f"{repo_id} is gated: {_gate(str(error).lower(), page, known)}"
    if status == 401 and known:
        expired = " (it has expired)" if "expired" in str(error).lower() else ""
        return (
            f"{repo_id}: the Hub refuses {token_source(token)}{expired}; make a new one at "
            f"{hub}/settings/tokens and log in with `hf auth login`"
        )
    if "RevisionNotFoundError" in kinds:
        return f"{repo_id} has no revision {revision!r} on the Hub{_what_revisions(repo_id, repo_type, token)}"
    if "RemoteEntryNotFoundError" in kinds:
        file = urlsplit(str(request.url)).path.rpartition("/")[2] if request is not None else "such file"
        return f"{repo_id} has no {file} on the Hub"
    if "RepositoryNotFoundError" in kinds:
        other = _other_type(repo_id, repo_type, token)
        if other:
            return f"{repo_id} is a {THINGS[other]} on the Hub, no {THINGS[repo_type]}"
        seen = f"or {token_source(token)} has no access to it" if known else "a private one needs `hf auth login`"
        return f"there is no {THINGS[repo_type]} {repo_id} on the Hub ({seen})"
    if status == 404 and "X-Error-Code" not in response.headers and not said:
        return f"{repo_id}: what answers at {host} is not the Hub; see HF_ENDPOINT"
    if status == 429:
        wait = seconds_asked_for(response.headers)
        when = "some minutes" if wait is None else f"{wait} seconds"
        return f"{repo_id}: the Hub takes no more requests for now (429); try again in {when}"
    if status >= 500:
        return f"{repo_id}: the Hub is out of order ({status}); try again later"
    if "DisabledRepoError" in kinds:
        return f"{repo_id} was disabled by the Hub"
    if status == 403:
        who = f"; {token_source(token)} may lack the right" if known else "; log in with `hf auth login`"
        return f"{repo_id}: the Hub forbids it ({said or 403}){who}"
    if status == 412:
        return f"{repo_id} has changed on the Hub meanwhile; run the same again"
    if status == 413:
        return f"{repo_id}: it is more than the Hub takes at once ({said or 413})"
    return f"{repo_id}: the Hub answers {status}{': ' + said if said else ''}"


def _way_reason(error: BaseException, repo_id: str, revision: str | None) -> str | None:
    """What went wrong on the way to the Hub, or instead of it."""
    from huggingface_hub import constants

    kinds, text = _kinds(error), str(error)
    hub, host = _hub()
    if "OfflineModeIsEnabled" in kinds or ("LocalEntryNotFoundError" in kinds and constants.is_offline_mode()):
        name = HubId(repo_id, revision)
        return f"{name} is not in the cache, and HF_HUB_OFFLINE keeps from asking the Hub; unset it once"
    if "LocalTokenNotFoundError" in kinds:
        return f"{repo_id}: there is no token of the Hub here; log in with `hf auth login`, or set HF_TOKEN"
    if "ProxyError" in kinds:
        return f"{repo_id}: the Hub cannot be reached: the proxy fails ({in_short(error)}); see HTTPS_PROXY"
    if "TimeoutException" in kinds or isinstance(error, TimeoutError):
        return f"{repo_id}: the Hub cannot be reached: {host} does not answer in time"
    if "ConnectError" in kinds:
        if "CERTIFICATE" in text.upper():
            why = f"the certificate of {host} is not trusted (if a proxy changes it, set SSL_CERT_FILE)"
        elif re.search(r"name resolution|not known|nodename|getaddrinfo", text, re.IGNORECASE):
            why = f"no network, or nobody knows the address of {host}"
        else:
            proxy = getproxies().get(hub.partition(":")[0])
            through = "" if not proxy or proxy_bypass(host) else f" through the proxy {scrubbed(proxy)}"
            why = f"no connection to {host}{through} ({in_short(error)})"
        return f"{repo_id}: the Hub cannot be reached: {why}"
    if kinds & {"NetworkError", "RemoteProtocolError"}:
        return f"{repo_id}: the connection to the Hub broke off; run the same again, what came whole is kept"
    if "Consistency check failed" in text:
        return f"{repo_id}: a file came incomplete or damaged; run the same again, what came whole is kept"
    if isinstance(error, json.JSONDecodeError) or "FileMetadataError" in kinds:
        return f"{repo_id}: what answers at {host} is not the Hub; see HF_ENDPOINT, or log in to the network"
    if "LocalEntryNotFoundError" in kinds and error.__cause__ is None:
        return f"{HubId(repo_id, revision)} is not in the cache, and the Hub cannot be reached"
    return None


def _gate(text: str, page: str, known: bool) -> str:
    if "awaiting" in text or "pending" in text:
        return "you have asked for access, and its owners have not answered yet"
    if "rejected" in text:
        return "its owners have refused you access"
    if "fine-grained" in text:
        return "your token may not read gated repositories; allow it in the token's settings"
    return f"ask for access on {page}{'' if known else ', then log in with `hf auth login`'}"


def _what_revisions(repo_id: str, repo_type: str, token: str | None) -> str:
    refs = _ask(f"{repo_type}s/{repo_id}/refs", token)
    names = [ref["name"] for kind in ("branches", "tags") for ref in (refs or {}).get(kind) or []]
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"; it has {', '.join(names[:_MOST_NAMES])}{more}" if names else ""


def _other_type(repo_id: str, repo_type: str, token: str | None) -> str | None:
    return next((kind for kind in THINGS if kind != repo_type and _ask(f"{kind}s/{repo_id}", token)), None)


def _ask(path: str, token: str | None) -> Any:
    """A further question to the Hub that has just answered; None if it will not say."""
    from huggingface_hub import constants
    from huggingface_hub.utils import build_hf_headers, get_session

    with suppress(Exception):  # it only makes a message better
        url = f"{constants.ENDPOINT}/api/{quote(path)}"  # never where an answer came from: a token goes along
        answer = get_session().get(url, headers=build_hf_headers(token=token), timeout=_ASK_SECONDS)
        if answer.status_code == 200:
            return answer.json()
    return None


def _hub() -> tuple[str, str]:
    """The address of the Hub and its host, as they may be shown."""
    from huggingface_hub import constants

    host = urlsplit(constants.ENDPOINT).netloc.rpartition("@")[2]
    return _PASSWORD.sub("", constants.ENDPOINT), host


def seconds_asked_for(headers: Any) -> int | None:
    """How long a Hub that takes no more requests wants to be left alone; None if it does not say."""
    from huggingface_hub.utils import parse_ratelimit_headers

    limit = parse_ratelimit_headers(headers)
    if limit is not None and limit.remaining == 0:
        return int(limit.reset_in_seconds)
    after = headers.get("Retry-After", "").strip()
    return int(after) if after.isdigit() else None
