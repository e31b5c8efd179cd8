"""A repository on the Hub as files: what is there, what differs from files here, and one commit that changes it.

It knows nothing of models, data sets or Spaces but their names. Files are compared by their hashes, which the Hub
lists, so that nothing is downloaded to find out that nothing changed.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants, get_token
from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, http_backoff

from audiocls.errors import HubError
from audiocls.hub_access import hub_reason
from audiocls.publishing.hub_calls import (
    HUB_FAILURES,
    ask_hub,
    explained,
    is_passing,
    patiently,
    progress_bars,
    status_of,
)

BLOCK_BYTES = 1 << 20
MISSING = (RepositoryNotFoundError, RevisionNotFoundError, EntryNotFoundError, UnicodeDecodeError)
THINGS = {"model": "model", "dataset": "data set", "space": "Space"}


def never(path: str) -> bool:
    """No file of the repository is ours to delete."""
    return False


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
    """A commit that was made: its id, its page, and the page of the pull request if it is one."""

    oid: str
    url: str
    pull_request: str | None = None


class Repository:
    """A model, data set or Space on the Hub, there or not yet.

    Args:
        repo_id: "owner/name".
        repo_type: "model", "dataset" or "space".
        token: of the Hub; the one of `hf auth login` or HF_TOKEN unless given.
        revision: the branch to write to and to compare with, made from the main branch at the first commit.
        create_pr: commits open a pull request and leave the branch alone.
        private: whether a new repository is seen by its owner only.
        space_sdk: of a new Space, such as "gradio".
        verbose: show huggingface_hub's progress bars.
    """

    def __init__(
        self,
        repo_id: str,
        repo_type: str = "model",
        *,
        token: str | None = None,
        revision: str | None = None,
        create_pr: bool = False,
        private: bool = False,
        space_sdk: str | None = None,
        verbose: bool = False,
    ) -> None:
        self.repo_id = repo_id
        self.repo_type = repo_type
        self.revision = revision
        self.create_pr = create_pr
        self.private = private
        self.space_sdk = space_sdk
        self.verbose = verbose
        self._token: str | bool = token or get_token() or False  # False: never another one than this
        self._api = HfApi(token=self._token, library_name="audiocls")

    @property
    def url(self) -> str:
        """The page of the repository."""
        return f"{self._api.endpoint}/{constants.REPO_TYPES_URL_PREFIXES.get(self.repo_type, '')}{self.repo_id}"

    @property
    def thing(self) -> str:
        """What it is, in words."""
        return THINGS[self.repo_type]

    def exists(self) -> bool:
        """Whether it is there, as far as this login can see.

        Raises:
            HubError: the Hub cannot be asked.
        """
        return self.info() is not None

    def info(self) -> Any | None:
        """What the Hub tells of it (`huggingface_hub.ModelInfo` and its like), at the branch or, if that is not there
        yet, at the main branch; None if the repository is not there.

        Raises:
            HubError: the Hub cannot be asked.
        """
        for revision in (self.revision, None):
            try:
                with explained(self.repo_id, self.repo_type, self.revision, MISSING):
                    return patiently(
                        partial(self._api.repo_info, self.repo_id, repo_type=self.repo_type, revision=revision)
                    )
            except RevisionNotFoundError:
                if revision is None:
                    raise HubError(f"{self.repo_id} has no main branch on the Hub") from None
            except GatedRepoError as error:
                raise HubError(hub_reason(error, self.repo_id, revision, self.repo_type)) from None
            except RepositoryNotFoundError:
                return None
        return None

    def text(self, path: str) -> str | None:
        """A text file as it is on the Hub now; None if it is not there.

        Raises:
            HubError: the Hub cannot be asked, or the file is no text.
        """
        info = self.info()
        return None if info is None else self._text(path, info.sha)

    def _text(self, path: str, commit: str) -> str | None:
        def get() -> bytes:
            url = f"{self.url}/resolve/{commit}/{quote(path)}"
            answer = http_backoff("GET", url, headers=build_hf_headers(token=self._token), follow_redirects=True)
            hf_raise_for_status(answer)
            return answer.content

        try:
            with explained(self.repo_id, self.repo_type, self.revision, MISSING):
                return get().decode("utf-8")
        except EntryNotFoundError:
            return None
        except UnicodeDecodeError:
            raise HubError(f"{self.repo_id}: {path} on the Hub is no text in UTF-8") from None

    def plan(self, files: Mapping[str, Path | bytes], owned: Callable[[str], bool] = never) -> Plan:
        """Compare files, {path in the repository: file or content}, with what is on the Hub.

        Args:
            owned: whether a file that is on the Hub, but not among `files`, is ours and so to be deleted.

        Raises:
            HubError: the Hub cannot be asked.
            OutputError: a file cannot be read.
        """
        info = self.info()
        there = {} if info is None else self._tree(info.sha)
        upload, unchanged = [], []
        for path, content in sorted(files.items()):
            if path in there and same(content, there[path]):
                unchanged.append(path)
            else:
                upload.append((path, size_of(content)))
        delete = sorted(path for path in there if path not in files and owned(path))
        return Plan(upload, delete, unchanged, None if info is None else info.sha, dict(files))

    def _tree(self, commit: str) -> dict[str, RepoFile]:
        def listing() -> list[Any]:
            try:
                return list(
                    self._api.list_repo_tree(self.repo_id, recursive=True, revision=commit, repo_type=self.repo_type)
                )
            except EntryNotFoundError:  # no file at all
                return []

        entries = ask_hub(listing, self.repo_id, self.repo_type, commit)
        return {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}

    def commit(self, plan: Plan, message: str) -> Commit | None:
        """Change what is on the Hub as planned, all of it or nothing; a repository that is missing is made first.

        Returns:
            The commit; None when there was nothing to change.

        Raises:
            HubError: it failed, or the repository was changed since it was compared. The line says what is there now.
        """
        if not plan.changes:
            return None
        made = plan.head is None
        head = self._create() if plan.head is None else plan.head
        try:
            if self.revision and not self.create_pr:
                self._make_branch(head)
            return self._commit(plan, head, message)
        except HubError as error:
            if made:
                raise HubError(f"{error}; the {self.thing} {self.repo_id} was made, and is empty") from None
            raise

    def _create(self) -> str:
        ask_hub(
            lambda: self._api.create_repo(
                self.repo_id, repo_type=self.repo_type, private=self.private, space_sdk=self.space_sdk
            ),
            self.repo_id,
            self.repo_type,
            repeat=False,
        )
        info = self.info()
        if info is None:
            raise HubError(f"the {self.thing} {self.repo_id} was made, but the Hub does not show it; run this again")
        return str(info.sha)

    def _make_branch(self, head: str) -> None:
        ask_hub(
            lambda: self._api.create_branch(
                self.repo_id, branch=str(self.revision), revision=head, repo_type=self.repo_type, exist_ok=True
            ),
            self.repo_id,
            self.repo_type,
            self.revision,
        )

    def _commit(self, plan: Plan, head: str, message: str) -> Commit:
        operations: list[Any] = []

        def send() -> Any:
            return self._api.create_commit(
                self.repo_id,
                operations,
                commit_message=message,
                repo_type=self.repo_type,
                revision=self.revision,
                create_pr=self.create_pr,
                parent_commit=head,
            )

        with explained(self.repo_id, self.repo_type, self.revision), progress_bars(self.verbose):
            operations += [CommitOperationAdd(path, plan.files[path]) for path, _ in plan.upload]
            operations += [CommitOperationDelete(path, is_folder=False) for path in plan.delete]
            try:
                made = patiently(send, repeat=False)
            except HUB_FAILURES as error:
                if status_of(error) in (409, 412):
                    raise HubError(
                        f"{self.repo_id} was changed on the Hub while this was uploaded; nothing of it was written: "
                        "run it again"
                    ) from None
                if is_passing(error) and (commit := self._arrived(plan, head)):
                    return commit
                raise
        return Commit(made.oid, made.commit_url, made.pr_url)

    def _arrived(self, plan: Plan, head: str) -> Commit | None:
        """The commit, if only its answer was lost."""
        if self.create_pr:
            return None
        try:
            now = self.plan({path: plan.files[path] for path, _ in plan.upload}, plan.delete.__contains__)
        except HubError:
            return None
        if now.head is None or now.head == head or now.changes:
            return None
        return Commit(now.head, f"{self.url}/commit/{now.head}")


def size_of(content: Path | bytes) -> int:
    """Bytes of a file or content."""
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def same(content: Path | bytes, there: RepoFile) -> bool:
    """Whether a file is the one the Hub lists: by size, then by the SHA-256 of large files or git's SHA-1 of others."""
    size = size_of(content)
    if size != (there.lfs.size if there.lfs else there.size):
        return False
    if there.lfs:
        return digest(content, hashlib.sha256()) == there.lfs.sha256
    return digest(content, hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)) == there.blob_id


def digest(content: Path | bytes, so_far: Any) -> str:
    """The hexadecimal digest of a file or content, read in blocks."""
    if isinstance(content, bytes):
        so_far.update(content)
        return str(so_far.hexdigest())
    with content.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            so_far.update(block)
    return str(so_far.hexdigest())
