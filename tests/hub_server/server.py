"""`Hub`, one server's state and application, and `serve`, which runs it on loopback in a thread.

Many can run in one process; nothing is shared between them. All requests of one server are handled one after the
other on its thread, so that tests meet no races of the server's making.
"""

import asyncio
import contextlib
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from tests.hub_server.access import Access
from tests.hub_server.commits import Commits
from tests.hub_server.faults import Faults, Received, Recorder
from tests.hub_server.lfs import Lfs
from tests.hub_server.pull_requests import PullRequests
from tests.hub_server.reading import Reading
from tests.hub_server.requests import Refusal, Signer, decoded_path
from tests.hub_server.storage import BadName, Commit, Repository, Store
from tests.hub_server.writing import Writing
from tests.hub_server.xet import Xet

TOKENS = {"hf_me": ("me", "write"), "hf_me_read": ("me", "read"), "hf_other": ("other", "write")}
ORGANIZATIONS = {"lab": {"me": "write", "other": "read"}}


class Hub:
    """A hub under a folder: its repositories, what it was asked (`requests`) and what it shall break (`faults`).

    Args:
        root: where everything is stored; another Hub on the same folder finds it again.
        tokens: token to (user, "write" | "read" | "fineGrained").
        organizations: name to its members and their roles, "write" or "read".
        lfs_threshold: larger files (bytes) are large files whatever their name.
        part_size: larger uploads (bytes) come in parts of this size; None: never.
        storage_host: large files are fetched from here, a second name of this machine, without a token.
        page_size: entries on one page of a listing.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        tokens: Mapping[str, tuple[str, str]] = TOKENS,
        organizations: Mapping[str, Mapping[str, str]] = ORGANIZATIONS,
        lfs_threshold: int = 10 * 2**20,
        part_size: int | None = None,
        storage_host: str | None = None,
        page_size: int = 1000,
    ) -> None:
        self.root = Path(root)
        self.store = Store(self.root)
        self.access = Access(self.store, tokens, organizations)
        self.lfs_threshold = lfs_threshold
        self.part_size = part_size
        self.storage_host = storage_host
        self.page_size = page_size
        self.signer = Signer(secrets.token_bytes(16))
        self.faults = Faults()
        self.requests: list[Received] = []
        self.connections: dict[Any, Any] = {}
        self.xet = Xet(self)
        self.url = ""  # set while it is served
        self.waits: list[float] = []  # seconds that retries of this process wanted to wait

    def repository(self, repo_id: str, repo_type: str = "model") -> Repository:
        """A repository as it is stored. KeyError: there is none."""
        found = self.store.load(repo_type, repo_id)
        if found is None:
            raise KeyError(f"{repo_type} {repo_id}")
        return found

    def repositories(self, repo_type: str = "model") -> list[str]:
        """The ids of all repositories of a type."""
        return [repository.id for repository in self.store.all(repo_type)]

    def files(self, repo_id: str, repo_type: str = "model", revision: str = "main") -> dict[str, bytes]:
        """Every file of a revision, by its path. KeyError: no such repository or revision."""
        repository = self.repository(repo_id, repo_type)
        oid = repository.find(revision)
        if oid is None:
            raise KeyError(revision)
        return {path: self.store.read(file) for path, file in repository.commits[oid].files.items()}

    def commits(self, repo_id: str, repo_type: str = "model", revision: str = "main") -> list[Commit]:
        """The commits of a revision, newest first; the last is the one that made the repository."""
        repository = self.repository(repo_id, repo_type)
        return repository.history(repository.find(revision))

    def application(self) -> Recorder:
        """What uvicorn runs."""
        parts = (Reading(self), Writing(self), Commits(self), PullRequests(self), Lfs(self), self.xet)
        handlers = {Refusal: _refused, BadName: _bad_name, HTTPException: _no_route}
        starlette = Starlette(routes=[route for part in parts for route in part.routes()], exception_handlers=handlers)

        async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
            await starlette(scope | {"path": decoded_path(scope["raw_path"].decode("latin-1"))}, receive, send)

        return Recorder(application, self.faults, self.requests, self.connections)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error.answer()


async def _bad_name(request: Request, error: Exception) -> Response:
    return Refusal(400, str(error)).answer()


async def _no_route(request: Request, error: Exception) -> Response:
    """An address that this server does not know; for a repository without an owner, that it does not exist."""
    assert isinstance(error, HTTPException)
    parts = request.url.path.strip("/").split("/")
    if error.status_code == 404 and (parts[:2] in (["api", kind] for kind in ("models", "datasets", "spaces"))):
        return Refusal(404, "Repository not found", "RepoNotFound" if len(parts) == 3 else None).answer()
    return Refusal(error.status_code, f"This server does not know {request.method} {request.url.path}").answer()


@contextlib.contextmanager
def serve(hub: Hub, port: int = 0, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve a hub on loopback as long as the block lasts; gives its address. Port 0: any that is free."""

    class Connection(H11Protocol):
        """Lets a fault end the connection of its request."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            hub.connections[tuple(self.client or ())] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            hub.connections.pop(tuple(self.client or ()), None)
            super().connection_lost(exc)

    class Server(uvicorn.Server):
        """Ends when told, not at its next tenth of a second."""

        async def main_loop(self) -> None:
            loops.append((asyncio.get_running_loop(), stop := asyncio.Event()))
            ready.set()
            await stop.wait()

        async def shutdown(self, sockets: Any = None) -> None:
            for server in self.servers:
                server.close()
            for transport in list(hub.connections.values()):
                transport.abort()
            tasks = list(self.server_state.tasks)
            if tasks:  # those that only have a file left to close may do so
                await asyncio.wait(tasks, timeout=0.2)
            for task in tasks:
                task.cancel()
            await asyncio.sleep(0)

    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    ready = threading.Event()
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each answer waits 40 ms for its body
        listener.bind((host, port))
        config = uvicorn.Config(
            hub.application(), http=Connection, ws="none", lifespan="off", log_config=None, access_log=False
        )
        server = Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        if not ready.wait(10):
            raise RuntimeError("the server did not start")
        hub.url = f"http://{host}:{listener.getsockname()[1]}"
        try:
            yield hub.url
        finally:
            loop, stop = loops[0]
            loop.call_soon_threadsafe(stop.set)
            thread.join(10)
