"""Who asks: somebody at this machine, to whom its files and its login belong, or a visitor from elsewhere."""

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import gradio as gr

# What a proxy or tunnel adds; behind one, a request that comes from this machine was made elsewhere.
_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "cf-connecting-ip")
_SESSION = re.compile(r"[\w-]{1,64}", re.ASCII)


@dataclass(frozen=True)
class Visitor:
    """session: the page that asks, as gradio names it; None for programs without one. local: sits at this machine."""

    session: str | None
    local: bool


@dataclass(frozen=True)
class Rights:
    """What whoever started the app allows.

    local: only this machine can reach the app. publish, train: visitors from elsewhere may, too.
    """

    local: bool = False
    publish: bool = False
    train: bool = False

    def visitor(self, request: "gr.Request") -> Visitor:
        """Who makes a request."""
        session = request.session_hash
        safe = session if session and _SESSION.fullmatch(session) else None
        return Visitor(safe, self.local and sent_from_here(request))

    def may_train(self, visitor: Visitor) -> bool:
        return visitor.local or self.train

    def may_publish(self, visitor: Visitor) -> bool:
        return visitor.local or self.publish


def is_loopback(host: str | None) -> bool:
    """Whether a name or address can only be reached from this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def sent_from_here(request: "gr.Request") -> bool:
    """Whether a request was made on this machine, by the app's own page or a program, not by a page of another site."""
    headers = request.headers
    host, origin = headers.get("host", ""), headers.get("origin")
    return (
        is_loopback(getattr(request.client, "host", None))
        and is_loopback(urlsplit(f"//{host}").hostname)
        and (origin is None or urlsplit(origin).netloc == host)
        and not any(name in headers for name in _FORWARDED)
    )
