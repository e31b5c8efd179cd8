"""Who may enter an app that asks for a login: a file of `user:password` lines, which the app reads once."""

import base64
import hmac
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

from audiocls.errors import UsageError
from audiocls.ui.texts import starting as texts

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


def login_check(path: str | Path) -> Callable[[str, str], bool]:
    """Read the accounts; the function tells whether a name and a password belong together.

    Empty lines and lines that begin with # are left out. A password may hold colons, a name may not.

    Raises:
        UsageError: the file cannot be read, or a line is no account; no password is repeated.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(texts.NO_ACCOUNTS_FILE.format(path=path, reason=reason)) from error
    accounts: dict[str, bytes] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, password = line.partition(":")
        if not colon or not name.strip() or not password:
            raise UsageError(texts.BAD_ACCOUNT.format(path=path, number=number))
        if name.strip() in accounts:
            raise UsageError(texts.SAME_ACCOUNT.format(path=path, number=number))
        accounts[name.strip()] = password.encode()
    if not accounts:
        raise UsageError(texts.NO_ACCOUNT.format(path=path))

    def fits(name: str, password: str) -> bool:
        """Takes as long for a name that is not there."""
        expected = accounts.get(name, b"")
        return hmac.compare_digest(expected, password.encode()) and name in accounts

    return fits


class ToolsLogin:
    """Asks for name and password (HTTP Basic) where gradio's own login does not look: at the tools for MCP.

    An ASGI middleware; `fits` is what `login_check` gave.
    """

    def __init__(self, app: "ASGIApp", fits: Callable[[str, str], bool]) -> None:
        self._app = app
        self._fits = fits

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == "http" and "/mcp" in scope["path"] and not self._may(Headers(scope=scope)):
            answer = PlainTextResponse(texts.LOGIN, 401, {"WWW-Authenticate": 'Basic realm="audiocls"'})
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _may(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        try:
            name, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except ValueError:
            return False
        return scheme.lower() == "basic" and self._fits(name, password)
