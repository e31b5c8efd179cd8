"""Large files over Xet. (To come: uploads.)"""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from tests.hub_server.storage import Repository


class Xet:
    """The routes of Xet."""

    def __init__(self, hub: Any) -> None:
        self.hub = hub

    def routes(self) -> list[Route]:
        """Where what is answered."""
        return []

    def hash_of(self, sha256: str) -> str | None:
        """The Xet hash of a content."""
        return None

    def headers(self, request: Request, repository: Repository, sha256: str) -> dict[str, str]:
        """What an answer about a file says of Xet."""
        return {}
