"""Requests that break on demand, and a list of what was asked.

    hub.faults.add("drop", at=3)                                   # the third request from now
    hub.faults.add("lost", method="POST", path=r"/commit/")        # once
    hub.faults.add(429, path=r"/resolve/", times=None, retry_after=2)   # always

| kind | what happens |
|---|---|
| "drop" | the connection ends before anything is done |
| "cut" | the work is done, the connection ends in the middle of the answer |
| "lost" | the work is done, the connection ends before the answer |
| "slow" | the work starts after `seconds` |
| a status | nothing is done, this is the answer; 429 and 503 with `Retry-After` |
"""

import asyncio
import contextlib
import re
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

Message = dict[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]
KINDS = ("drop", "cut", "lost", "slow")


@dataclass
class Received:
    """A request that came: what was asked, in what size, and what became of it. Never the value of a token."""

    method: str
    path: str  # as sent, escapes and all
    query: str
    host: str
    authorized: bool  # whether it brought a token
    user_agent: str
    range: str | None
    size: int = 0  # bytes of the body that was sent
    status: int | None = None  # None: no answer was begun
    answered: int = 0  # bytes of the body of the answer
    fault: str | int | None = None


@dataclass
class Fault:
    """One instruction to break requests."""

    kind: str | int
    at: int | None = None
    method: str | None = None
    path: str = ""
    times: int | None = 1
    seconds: float = 0.5
    retry_after: int = 1

    def hits(self, number: int, received: Received) -> bool:
        """Whether this request is to be broken."""
        if self.times == 0 or self.at not in (None, number) or self.method not in (None, received.method):
            return False
        return re.search(self.path, received.path) is not None


class Faults:
    """What is to be broken; requests are counted from 1 since the last `clear`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Break nothing more, count from the start."""
        with self.lock:
            self.count = 0
            self.waiting: list[Fault] = []
            self.broken: list[Received] = []

    def add(self, kind: str | int, **how: Any) -> None:
        """Break requests: the `at`-th, or `times` (None: all) of those with this `method` and `path` (a pattern)."""
        if kind not in KINDS and not isinstance(kind, int):
            raise ValueError(f"no such fault: {kind!r}")
        with self.lock:
            self.waiting.append(Fault(kind, **how))

    def next(self, received: Received) -> Fault | None:
        """Count a request; the fault that it meets."""
        with self.lock:
            self.count += 1
            fault = next((fault for fault in self.waiting if fault.hits(self.count, received)), None)
            if fault is not None:
                fault.times = None if fault.times is None else fault.times - 1
                received.fault = fault.kind
                self.broken.append(received)
            return fault


class Recorder:
    """Around the application: writes down every request and breaks those that are to be broken."""

    def __init__(self, app: App, faults: Faults, requests: list[Received], connections: dict[Any, Any]) -> None:
        self.app = app
        self.faults = faults
        self.requests = requests
        self.connections = connections

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        received = _received(scope)
        self.requests.append(received)
        fault = self.faults.next(received)

        async def counting_receive() -> Message:
            message: Message = await receive()
            received.size += len(message.get("body", b""))
            return message

        async def counting_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                received.status = message["status"]
            received.answered += len(message.get("body", b""))
            await send(message)

        kind = fault.kind if fault else None
        if fault is None:
            await self.app(scope, counting_receive, counting_send)
        elif kind == "slow":
            await asyncio.sleep(fault.seconds)
            await self.app(scope, counting_receive, counting_send)
        elif kind == "drop":
            await self.hang_up(scope)
        elif kind == "lost":
            await self.app(scope, counting_receive, _nowhere)
            await self.hang_up(scope)
        elif kind == "cut":
            await self.app(scope, counting_receive, _half(counting_send))
            await self.hang_up(scope)
        else:
            while (await counting_receive()).get("more_body"):
                pass
            await _refuse(int(fault.kind), fault.retry_after, counting_send)

    async def hang_up(self, scope: Message) -> None:
        """End the connection of a request; what was written before still goes out."""
        self.connections[tuple(scope["client"])].close()
        with contextlib.suppress(asyncio.CancelledError):  # the whole server ends
            await asyncio.sleep(0.01)  # it notices, and does not answer for us


async def _nowhere(message: Message) -> None:
    """Lose an answer."""


def _half(send: Callable[[Message], Awaitable[None]]) -> Callable[[Message], Awaitable[None]]:
    """Send the head of an answer and half of the first piece of its body, and lose the rest."""
    state = {"cut": False}

    async def cut(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
        elif not state["cut"]:
            state["cut"] = True
            body = message.get("body", b"")
            await send(message | {"body": body[: len(body) // 2], "more_body": True})

    return cut


async def _refuse(status: int, retry_after: int, send: Callable[[Message], Awaitable[None]]) -> None:
    body = b'{"error": "This request was told to fail"}'
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status in (429, 503):
        headers.append((b"retry-after", str(retry_after).encode()))
    if status == 429:
        headers.append((b"ratelimit", f'"api";r=0;t={retry_after}'.encode()))
        headers.append((b"ratelimit-policy", b'"fixed window";"api";q=500;w=300'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _received(scope: Message) -> Received:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return Received(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        host=headers.get("host", ""),
        authorized="authorization" in headers,
        user_agent=headers.get("user-agent", ""),
        range=headers.get("range"),
    )
