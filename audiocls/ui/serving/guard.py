"""What stands before the app: it refuses what no page or program of a visitor's sends, and says who may frame the page.

It knows requests and sizes, no events; who may do what is said in `audiocls.ui.serving.visitors`.
"""

import asyncio
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, Response

from audiocls.ui.limits import (
    LARGEST_REQUEST_BYTES,
    LARGEST_UPLOAD_BYTES,
    LEAST_FREE_BYTES,
    LONGEST_UPLOAD_SILENCE_SECONDS,
    UPLOADS_AT_ONCE,
)
from audiocls.ui.texts import serving as texts

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Of every answer. Other sites may link to the page but not show it inside theirs, where they could lead clicks to it.
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "frame-ancestors 'self'",
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
UPLOAD = "/gradio_api/upload"
# What gradio's own login leaves open, and a page that is not logged in has no use for.
_LOGGED_IN = (
    "/gradio_api/heartbeat",
    "/gradio_api/stream",
    "/gradio_api/cancel",
    "/gradio_api/reset",
    "/gradio_api/vibe",
    "/gradio_api/runs",
    "/monitoring",
)
_FRAMING = 1 << 16  # of a form around a file


class Guard:
    """An ASGI middleware around the whole app.

    Args:
        login: whether visitors have to log in.
        uploads: where uploads go, to see how much room there is.
    """

    def __init__(self, app: "ASGIApp", *, login: bool = False, uploads: Callable[[], Path] = Path.cwd) -> None:
        self._app = app
        self._login = login
        self._uploads = uploads
        self._uploading = 0

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = self._refused(scope, headers)
        if refused is not None:
            await refused(scope, receive, _with_headers(send))
        elif scope["method"] == "POST" and _path(scope).startswith(UPLOAD):
            await self._upload(scope, headers, receive, _with_headers(send))
        else:
            await self._pass_on(scope, _Body(receive, LARGEST_REQUEST_BYTES), _with_headers(send))

    def _refused(self, scope: "Scope", headers: Headers) -> Response | None:
        path = _path(scope)
        changes = scope["method"] not in ("GET", "HEAD", "OPTIONS")
        if changes and not same_site(headers):
            return _told(403, texts.OTHER_SITE)
        if path.startswith(("/gradio_api/file=", "/gradio_api/proxy=")) and "://" in path.replace(":/", "://", 1):
            return _told(403, texts.NO_ADDRESS)
        if self._login and path.startswith(_LOGGED_IN) and not _is_logged_in(scope, headers):
            return _told(401, texts.LOGIN_FIRST)
        limit = LARGEST_UPLOAD_BYTES + _FRAMING if path.startswith(UPLOAD) else LARGEST_REQUEST_BYTES
        if changes and _length(headers) > limit:
            return _told(413, texts.TOO_LARGE.format(limit=limit / 1e6))
        return None

    async def _upload(self, scope: "Scope", headers: Headers, receive: "Receive", send: "Send") -> None:
        if self._uploading >= UPLOADS_AT_ONCE:
            await _told(503, texts.BUSY)(scope, receive, send)
            return
        if shutil.disk_usage(self._uploads()).free - _length(headers) < LEAST_FREE_BYTES:
            await _told(507, texts.NO_ROOM)(scope, receive, send)
            return
        self._uploading += 1
        whole = False
        try:
            whole = await self._pass_on(scope, _Body(receive, LARGEST_UPLOAD_BYTES + _FRAMING), send)
        finally:
            self._uploading -= 1
            if not whole:
                await asyncio.to_thread(remove_unfinished, self._uploads(), alone=self._uploading == 0)

    async def _pass_on(self, scope: "Scope", body: "_Body", send: "Send") -> bool:
        """Whether the request came whole and was answered with success. One that broke off is no mistake of ours."""
        statuses: list[int] = []

        async def noted(message: "Message") -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
            await send(message)

        try:
            await self._app(scope, body.receive, noted)
        except ClientDisconnect:
            if body.too_large and not statuses:
                await _told(413, texts.TOO_LARGE.format(limit=body.limit / 1e6))(scope, body.receive, noted)
        except RuntimeError as error:
            # of an event that nobody knows gradio says so twice: to who asked, and then, too late, to the log
            if not (statuses and isinstance(error.__cause__, HTTPException)):
                raise
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        return bool(statuses) and statuses[0] < 400


def remove_unfinished(uploads: Path, *, alone: bool) -> None:
    """Delete what is left of uploads that broke off; gradio does not.

    Args:
        uploads: gradio's folder; what is whole lies in folders of its own there.
        alone: nothing else is uploaded at the moment; else files that still grow are left.
    """
    oldest = time.time() - (0 if alone else 2 * LONGEST_UPLOAD_SILENCE_SECONDS)
    for path in uploads.glob("tmp*"):
        with suppress(OSError):
            if path.is_file() and path.stat().st_mtime < oldest:
                path.unlink()


def same_site(headers: Mapping[str, str]) -> bool:
    """Whether a request was not made by a page of another site. Programs say nothing of sites.

    A browser always says where a page that sends something is from, and no page can change that. Behind a proxy or a
    tunnel the address that the visitor sees may be in `x-forwarded-host`, which pages of other sites cannot set.
    """
    if headers.get("sec-fetch-site") in ("cross-site", "same-site"):  # same-site: another port of this machine
        return False
    origin = headers.get("origin")
    if origin is None:
        return True
    return urlsplit(origin).netloc in (headers.get("host"), headers.get("x-forwarded-host")) and "://" in origin


def _path(scope: "Scope") -> str:
    """Without a prefix under which a proxy shows the app, and without doubled slashes."""
    path = unquote(scope["path"]).removeprefix(scope.get("root_path", ""))
    return "/" + path.lstrip("/")


def _length(headers: Headers) -> int:
    """What the request says of its own size in bytes; 0 where it says nothing."""
    told = headers.get("content-length", "")
    return int(told) if told.isascii() and told.isdigit() else 0


def _told(status: int, message: str) -> Response:
    """In the form in which gradio's page and client show it."""
    if status in (413, 507):
        return PlainTextResponse(message, status)
    return JSONResponse({"detail": message, "error": message}, status)


def _is_logged_in(scope: "Scope", headers: Headers) -> bool:
    app = scope["app"]
    cookies = dict(each.strip().partition("=")[::2] for each in headers.get("cookie", "").split(";") if each.strip())
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    return any(app.tokens.get(cookies.get(name)) is not None for name in names)


class _Body:
    """A request as it comes in, ended when it is larger than it may be, or silent for too long."""

    def __init__(self, receive: "Receive", limit: int) -> None:
        self._receive = receive
        self._received = 0
        self._whole = False
        self.limit = limit

    @property
    def too_large(self) -> bool:
        return self._received > self.limit

    async def receive(self) -> "Message":
        if self._whole:  # what comes now is only whether somebody still waits for the answer
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), LONGEST_UPLOAD_SILENCE_SECONDS)
        except TimeoutError:
            return {"type": "http.disconnect"}
        self._received += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        return {"type": "http.disconnect"} if self.too_large else message


def _with_headers(send: "Send") -> "Send":
    async def sent(message: "Message") -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sent
