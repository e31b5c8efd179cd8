"""A change of a repository on the Hub: as it is planned, as it was made, and the ways in which it is left half way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from audiocls.errors import HubError


@dataclass(frozen=True)
class Plan:
    """What a commit would change: paths in the repository, and of those to upload their sizes in bytes.

    `head` is the commit it was compared with; None if the repository is not there yet.
    """

    upload: list[tuple[str, int]]
    delete: list[str]
    unchanged: list[str]
    head: str | None
    files: Mapping[str, Path | bytes] = field(repr=False)

    @property
    def total_bytes(self) -> int:
        return sum(size for _, size in self.upload)

    @property
    def changes(self) -> bool:
        return bool(self.upload or self.delete)


@dataclass(frozen=True)
class Commit:
    """A commit that was made: its id, its page, and of a pull request the page and branch."""

    oid: str
    url: str
    pull_request: str | None = None
    revision: str | None = None


class LeftEmptyError(HubError):
    """A new repository was made, but nothing could be written to it; it stays, empty."""


class UnknownOutcomeError(HubError):
    """The connection broke so that nobody can tell whether a change was made; the line says so."""
