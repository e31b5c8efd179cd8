"""A repository on the Hub as files: what is there, what differs from files here, and one commit that changes it.

It knows nothing of models, data sets or Spaces but their names. Files are compared by their hashes, which the Hub
lists, so that nothing is downloaded to find out that nothing changed.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants, get_token
from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, http_backoff

from audiocls.errors import HubError
from audiocls.hub.calls import (
    HUB_FAILURES,
    explained,
    is_passing,
    patiently,
    progress_bars,
    status_of,
)
from audiocls.hub.failures import hub_reason
from audiocls.hub.hashes import same, size_of
from audiocls.hub.ids import THINGS
from audiocls.publishing.changes import Commit, LeftEmptyError, Plan, UnknownOutcomeError

MISSING = (RepositoryNotFoundError, RevisionNotFoundError, EntryNotFoundError, UnicodeDecodeError)


def never(path: str) -> bool:
    """No file of the repository is ours to delete."""
    return False


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
        self.seen: Any | None = None  # what the Hub told last
        self.request_url: str | None = None  # page of the pull request whose branch `revision` is
        self.token = token or get_token()
        self._api = HfApi(token=self.token or False, library_name="audiocls")  # False: no other one than this

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
                ask = partial(self._api.repo_info, self.repo_id, repo_type=self.repo_type, revision=revision)
                with self._explained(MISSING):
                    self.seen = patiently(ask)
                    return self.seen
            except RevisionNotFoundError:
                if revision is None:
                    raise HubError(f"{self.repo_id} has no main branch on the Hub") from None
            except GatedRepoError as error:
                raise HubError(hub_reason(error, self.repo_id, revision, self.repo_type, token=self.token)) from None
            except RepositoryNotFoundError:
                return None
        return None

    def text(self, path: str, commit: str | None = None) -> str | None:
        """A text file as it is on the Hub now, or was at a commit; None if it is not there.

        Raises:
            HubError: the Hub cannot be asked, or the file is no text.
        """
        if commit is None:
            info = self.info()
            if info is None:
                return None
            commit = info.sha

        url = f"{self.url}/resolve/{commit}/{quote(path)}"
        headers = build_hf_headers(token=self.token or False)
        try:
            with self._explained(MISSING):
                answer = http_backoff("GET", url, headers=headers, follow_redirects=True)
                hf_raise_for_status(answer)
                return str(answer.content.decode("utf-8"))
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

        with self._explained():
            entries = patiently(listing)
        return {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}

    def commit(self, plan: Plan, message: str) -> Commit | None:
        """Change what is on the Hub as planned, all of it or nothing; a repository that is missing is made first.

        Returns:
            The commit; None when there was nothing to change.

        Raises:
            HubError: it failed, or the repository was changed since it was compared. The line says what is there now.
        """
        if not plan.changes:
            if plan.head is not None and self._needs_branch():  # its files may be those of the main branch
                self._make_branch(plan.head)
            return None
        made = plan.head is None
        head = self._create() if plan.head is None else plan.head
        try:
            if self._needs_branch():
                self._make_branch(head)
            return self._commit(plan, head, message)
        except UnknownOutcomeError:
            raise
        except HubError as error:
            if made:
                told = f"{error}; the {self.thing} {self.url} was made, and is empty"
                raise LeftEmptyError(told) from None
            raise

    def _explained(self, but: tuple[type[BaseException], ...] = ()) -> AbstractContextManager[None]:
        return explained(self.repo_id, self.repo_type, self.revision, self.token, but)

    def _create(self) -> str:
        make = partial(self._api.create_repo, repo_type=self.repo_type, private=self.private, space_sdk=self.space_sdk)
        with self._explained():
            try:
                patiently(partial(make, self.repo_id), repeat=False)
            except HUB_FAILURES as error:
                if not (is_passing(error) and self._was_made(error)):
                    raise
        info = self.info()
        if info is None:
            raise HubError(f"the {self.thing} {self.repo_id} was made, but the Hub does not show it; run this again")
        return str(info.sha)

    def _was_made(self, error: Exception) -> bool:
        """Whether the repository is there, and only the answer to its making was lost."""
        try:
            return self.exists()
        except HubError:
            raise self._unknown(error, f"whether the {self.thing} was made") from None

    def _unknown(self, error: Exception, what: str) -> UnknownOutcomeError:
        reason = hub_reason(error, self.repo_id, self.revision, self.repo_type, token=self.token)
        return UnknownOutcomeError(f"{reason}; {what} is not known, the same again goes on from there")

    def _needs_branch(self) -> bool:
        """Whether a branch is written to, which is made if it is not there yet."""
        return bool(self.revision) and not str(self.revision).startswith("refs/") and not self.create_pr

    def _make_branch(self, head: str) -> None:
        make = partial(self._api.create_branch, repo_type=self.repo_type, revision=head, exist_ok=True)
        with self._explained():
            patiently(partial(make, self.repo_id, branch=str(self.revision)))

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

        with self._explained(), progress_bars(self.verbose):
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
                if is_passing(error) and (commit := self._arrived(plan, head, error)):
                    return commit
                raise
        return Commit(made.oid, made.commit_url, made.pr_url, made.pr_revision)

    def _arrived(self, plan: Plan, head: str, error: Exception) -> Commit | None:
        """The commit, if only its answer was lost."""
        if self.create_pr:
            raise self._unknown(error, "whether a pull request was opened")
        try:
            now = self.plan({path: plan.files[path] for path, _ in plan.upload}, plan.delete.__contains__)
        except HubError:
            raise self._unknown(error, "whether the commit was made") from None
        if now.head is None or now.head == head or now.changes:
            return None
        return Commit(now.head, f"{self.url}/commit/{now.head}")
