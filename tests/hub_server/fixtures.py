"""Pytest fixtures: a running hub with the clients of this process pointed at it.

    from tests.hub_server.fixtures import as_user, hub  # noqa: F401, in a conftest.py

    def test_something(hub, as_user):
        as_user("hf_me")             # HF_TOKEN of this process; None: nobody
        ...
        assert hub.files("me/sounds")["README.md"]

Tokens: "hf_me" writes as me, "hf_me_read" reads as me, "hf_other" writes as other; organisation "lab", where me may
write and other may read. For child processes: `hub_environment(hub, token, xet=False)`.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hub_server.client import forget_answers, hub_environment, pointed_at
from tests.hub_server.server import Hub, serve

__all__ = ["as_user", "hub", "hub_environment", "make_hub"]


@contextlib.contextmanager
def _running(folder: Path, settings: dict[str, object]) -> Iterator[Hub]:
    # huggingface_hub uploads files in a way that its own HTTP library warns of; here warnings are errors.
    # Pytest puts the filters back after each test.
    warnings.filterwarnings("ignore", "Use 'content=", DeprecationWarning)
    made = Hub(folder / "hub", **settings)
    with serve(made), pointed_at(made, folder / "hub_home"):
        yield made


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A running hub; nobody is logged in."""
    with _running(tmp_path, {}) as made:
        yield made


@pytest.fixture
def make_hub(tmp_path: Path) -> Iterator[Callable[..., Hub]]:
    """Start a hub with settings of its own: `make_hub(part_size=100_000)`. Once in a test, instead of `hub`."""
    with contextlib.ExitStack() as stack:
        yield lambda **settings: stack.enter_context(_running(tmp_path, settings))


@pytest.fixture
def as_user(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    """Act as the owner of a token, through the variable HF_TOKEN; None: as nobody."""

    def act(token: str | None) -> None:
        forget_answers()
        if token is None:
            monkeypatch.delenv("HF_TOKEN", raising=False)
        else:
            monkeypatch.setenv("HF_TOKEN", token)

    return act
