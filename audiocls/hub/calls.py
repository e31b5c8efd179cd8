"""Asking the Hub: waiting where it says to wait, and its failures in one line."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import (
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)

from audiocls.errors import HubError
from audiocls.hub.failures import hub_reason, seconds_asked_for

T = TypeVar("T")

# What huggingface_hub raises: HTTP and network errors are OSErrors or derive from `HTTPError`, the base of its own
# error; names and YAML that it refuses are ValueErrors, failed uploads RuntimeErrors.
NETWORK: type[Exception] = HfHubHTTPError.__bases__[0]
HUB_FAILURES: tuple[type[Exception], ...] = (NETWORK, OSError, ValueError, RuntimeError)
LONGEST_WAIT_SECONDS = 60.0
TRIES = 3


def ask_hub(
    call: Callable[[], T],
    repo_id: str,
    repo_type: str = "model",
    *,
    token: str | None = None,
) -> T:
    """Make a request, again after the pause that a busy Hub asks for or after a failure of the way.

    huggingface_hub repeats uploads itself, but not these: who am I, what is there, create, commit.

    Args:
        call: makes the request with huggingface_hub; to make it twice must do no harm.

    Raises:
        HubError: it failed for good; one line says why.
    """
    with explained(repo_id, repo_type, token=token):
        return patiently(call)


def patiently(call: Callable[[], T], repeat: bool = True) -> T:
    """`ask_hub` for who handles huggingface_hub's own errors.

    Args:
        repeat: whether it does no harm to make a request twice whose answer was lost.

    Raises:
        HubError: the Hub wants to be left alone for longer than a minute; the line says how long.
        Exception: whatever huggingface_hub raised last.
    """
    waited = 0.0
    for attempt in range(1, TRIES + 1):
        try:
            return call()
        except HUB_FAILURES as error:
            pause = wait_asked_for(error)
            if pause is None:
                if not (repeat and is_passing(error)):
                    raise
                pause = float(attempt)
            elif waited + pause > LONGEST_WAIT_SECONDS:
                raise HubError(
                    f"the Hub takes no more requests for now; run the same again in {pause:.0f} seconds"
                ) from None
            if attempt == TRIES:
                raise
            time.sleep(pause)
            waited += pause
    raise AssertionError("every try returns or raises")


def is_passing(error: BaseException) -> bool:
    """Whether this failure may be gone in a moment: the network's, or the server's own."""
    status = status_of(error)
    if status is not None:
        return status >= 500
    return isinstance(error, NETWORK)


def is_refusal(error: BaseException) -> bool:
    """Whether the Hub has answered, and will answer the same again."""
    status = status_of(error)
    return status is not None and status < 500 and status != 429


def wait_asked_for(error: BaseException) -> float | None:
    """Seconds to wait after "too many requests" (429); None for any other failure."""
    if status_of(error) != 429:
        return None
    # there is a status, so there is an answer
    seconds = seconds_asked_for(error.response.headers)  # type: ignore[attr-defined]
    return 5.0 if seconds is None else seconds + 1.0


def status_of(error: BaseException) -> int | None:
    """The HTTP status of the answer that an error was made of."""
    response = getattr(error, "response", None)
    return None if response is None else int(response.status_code)


@contextmanager
def explained(
    repo_id: str,
    repo_type: str = "model",
    revision: str | None = None,
    token: str | None = None,
    but: tuple[type[BaseException], ...] = (),
) -> Iterator[None]:
    """Turn what huggingface_hub raises into one line, `but` for some of its errors, which go through.

    Raises:
        HubError: instead of its errors.
    """
    try:
        yield
    except HUB_FAILURES as error:
        if isinstance(error, but):
            raise
        raise HubError(hub_reason(error, repo_id, revision, repo_type, token=token)) from None


@contextmanager
def progress_bars(shown: bool) -> Iterator[None]:
    """Show huggingface_hub's progress bars on a terminal, or not; what the environment says of them is left alone."""
    shown = shown and sys.stderr is not None and sys.stderr.isatty()
    if shown or are_progress_bars_disabled() or constants.HF_HUB_DISABLE_PROGRESS_BARS is not None:
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()
