"""What a request names (repository, revision, path), refusals as the client understands them, signed addresses;
what a part of the server that answers requests starts with.

Revisions and paths come with their slashes escaped ("refs%2Fpr%2F1"); `decoded_path` keeps such a slash apart from
those that divide the address until the route is found, and `Escaped` turns it back.
"""

import hashlib
import hmac
import re
from typing import Any
from urllib.parse import unquote

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import JSONResponse

PREFIXES = {"model": "", "dataset": "datasets/", "space": "spaces/"}
_TYPES = {"models": "model", "datasets": "dataset", "spaces": "space"}
_SLASH = "\ue000"  # stands for an escaped slash; a character for private use, which no path holds


class Refusal(Exception):
    """A request that is answered with an error: status, message, the Hub's error code, further headers."""

    def __init__(self, status: int, message: str, code: str | None = None, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(self) -> JSONResponse:
        """What is sent."""
        headers = self.headers | {"X-Error-Message": re.sub(r"[^\x20-\x7e]", " ", self.message)}
        if self.code:
            headers["X-Error-Code"] = self.code
        return JSONResponse({"error": self.message}, self.status, headers)


class Plural(Convertor[str]):
    """One of "models", "datasets", "spaces"; gives the type of repository."""

    regex = "models|datasets|spaces"

    def convert(self, value: str) -> str:
        return _TYPES[value]

    def to_string(self, value: str) -> str:
        return value + "s"


class Escaped(Convertor[str]):
    """One part of an address, in which slashes may be escaped."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return value.replace(_SLASH, "/")

    def to_string(self, value: str) -> str:
        return value


class Rest(Escaped):
    """Everything to the end of an address."""

    regex = ".*"


register_url_convertor("plural", Plural())
register_url_convertor("escaped", Escaped())
register_url_convertor("rest", Rest())


def decoded_path(raw_path: str) -> str:
    """The address with its parts decoded one by one, escaped slashes kept apart."""
    return "/".join(unquote(part).replace("/", _SLASH) for part in raw_path.split("/"))


def repository_of(request: Request) -> tuple[str, str]:
    """Type and id of the repository that a request names."""
    named = request.path_params
    return named.get("type", "model"), f"{named['owner']}/{named['name']}"


def base_url(request: Request) -> str:
    """The server's address as this client sees it, without a slash at its end."""
    return str(request.base_url).rstrip("/")


def page_url(request: Request, repo_type: str, repo_id: str) -> str:
    """The page of a repository."""
    return f"{base_url(request)}/{PREFIXES[repo_type]}{repo_id}"


def is_true(request: Request, name: str) -> bool:
    """Whether a parameter of the query says yes."""
    return request.query_params.get(name, "").lower() in ("1", "true")


class Part:
    """A part of the server that answers some of the requests: what the routes of every part use."""

    def __init__(self, hub: Any) -> None:
        self.hub = hub
        self.store = hub.store
        self.access = hub.access


class Signer:
    """Signs addresses that are used without a token, as those of uploads and of the storage behind the Hub."""

    def __init__(self, secret: bytes) -> None:
        self.secret = secret

    def sign(self, text: str) -> str:
        """The signature of a text."""
        return hmac.new(self.secret, text.encode(), hashlib.sha256).hexdigest()[:32]

    def check(self, request: Request, text: str) -> None:
        """Refuse a request whose address is not signed for this text."""
        if not hmac.compare_digest(request.query_params.get("signature", ""), self.sign(text)):
            raise Refusal(403, "The signature of this address is wrong")
