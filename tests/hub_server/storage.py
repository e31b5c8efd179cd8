"""What the Hub stores: blobs by their SHA-256, and repositories as JSON files with their commits and references.

    ROOT/blobs/<sha256>                      contents, of all repositories together
    ROOT/repositories/<type>/<owner>/<name>.json

It knows nothing of requests or of who may do what. Changes go through `Store.change`, under one lock.
"""

import contextlib
import dataclasses
import hashlib
import json
import re
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

TYPES = ("model", "dataset", "space")
_NAME = re.compile(r"[\w-][\w.-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class BadName(ValueError):
    """A name that cannot be that of a repository, an owner or a blob."""


@dataclass(frozen=True)
class StoredFile:
    """A file of a commit: its content by SHA-256, its git object id; large files also have a pointer in git."""

    sha256: str
    size: int
    oid: str
    pointer_size: int | None = None

    @property
    def is_large(self) -> bool:
        """Whether git holds a pointer only (LFS or Xet)."""
        return self.pointer_size is not None

    @property
    def etag(self) -> str:
        """What the Hub calls the version of this file."""
        return self.sha256 if self.is_large else self.oid


@dataclass(frozen=True)
class Commit:
    """The whole content of a repository at one time."""

    oid: str
    parent: str | None
    title: str
    description: str
    date: str
    author: str
    files: dict[str, StoredFile]


@dataclass
class PullRequest:
    """A pull request or, without a reference, a discussion."""

    number: int
    title: str
    description: str
    author: str
    date: str
    is_pull_request: bool = True
    status: str = "open"
    merge_commit: str | None = None
    comments: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Repository:
    """A repository: references by full name ("refs/heads/main", "refs/tags/v1", "refs/pr/1") to its commits."""

    type: str
    id: str
    created: str
    private: bool = False
    gated: str | bool = False
    granted: list[str] = field(default_factory=list)
    sdk: str | None = None
    hardware: str | None = None
    secret_names: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    pull_requests: list[PullRequest] = field(default_factory=list)

    @property
    def owner(self) -> str:
        """The user or organisation it belongs to."""
        return self.id.split("/")[0]

    def find(self, revision: str) -> str | None:
        """The commit that a branch, a tag, a full reference or a commit id (whole, or its start) means."""
        for name in (f"refs/heads/{revision}", f"refs/tags/{revision}", revision):
            if name in self.refs:
                return self.refs[name]
        if re.fullmatch(r"[0-9a-f]{7,40}", revision):
            return next((oid for oid in self.commits if oid.startswith(revision)), None)
        return None

    def add_commit(self, ref: str, files: dict[str, StoredFile], title: str, author: str, description: str = "") -> str:
        """Put a commit on top of a reference (made if missing); its id."""
        parent = self.refs.get(ref)
        oid = secrets.token_hex(20)
        self.commits[oid] = Commit(oid, parent, title, description, now(), author, dict(sorted(files.items())))
        self.refs[ref] = oid
        return oid

    def history(self, oid: str | None) -> list[Commit]:
        """A commit and those before it, newest first."""
        found = []
        while oid:
            found.append(self.commits[oid])
            oid = found[-1].parent
        return found


class Store:
    """The folder of one server."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lock = threading.RLock()
        for name in ("blobs", "incoming", "repositories"):
            (root / name).mkdir(parents=True, exist_ok=True)

    def blob(self, sha256: str) -> Path:
        """Where a content lies, or would lie."""
        if not _SHA256.fullmatch(sha256):
            raise BadName(f"not a SHA-256: {sha256!r}")
        return self.root / "blobs" / sha256

    def read(self, file: StoredFile) -> bytes:
        """The content of a file."""
        return self.blob(file.sha256).read_bytes()

    def put(self, content: bytes) -> StoredFile:
        """Store a content as an ordinary git file."""
        sha256 = hashlib.sha256(content).hexdigest()
        if not self.blob(sha256).exists():
            self.adopt(self.incoming(), sha256, content)
        return StoredFile(sha256, len(content), git_oid(content))

    def large_file(self, sha256: str) -> StoredFile:
        """A file of a content that was uploaded before, with the pointer that git holds."""
        size = self.blob(sha256).stat().st_size
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()
        return StoredFile(sha256, size, git_oid(pointer), len(pointer))

    def incoming(self) -> Path:
        """A fresh name for an upload that is under way."""
        return self.root / "incoming" / secrets.token_hex(8)

    def adopt(self, upload: Path, sha256: str, content: bytes | None = None) -> None:
        """Make a finished upload a blob, at once or not at all."""
        if content is not None:
            upload.write_bytes(content)
        upload.replace(self.blob(sha256))

    def path(self, repo_type: str, repo_id: str) -> Path:
        """Where a repository lies, or would lie."""
        owner, _, name = repo_id.partition("/")
        if repo_type not in TYPES or not _NAME.fullmatch(owner) or not _NAME.fullmatch(name):
            raise BadName(f"not a repository: {repo_type} {repo_id!r}")
        return self.root / "repositories" / repo_type / owner / f"{name}.json"

    def load(self, repo_type: str, repo_id: str) -> Repository | None:
        """A repository as it is now; changing it changes nothing that is stored."""
        with self.lock:
            path = self.path(repo_type, repo_id)
            return _from_json(path.read_text(encoding="utf-8")) if path.exists() else None

    def save(self, repository: Repository) -> None:
        """Store a repository."""
        with self.lock:
            path = self.path(repository.type, repository.id)
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial")
            partial.write_text(json.dumps(dataclasses.asdict(repository), indent=1), encoding="utf-8")
            partial.replace(path)

    @contextlib.contextmanager
    def change(self, repo_type: str, repo_id: str) -> Iterator[Repository]:
        """Load, change, save; nothing is saved when the block raises. KeyError: no such repository."""
        with self.lock:
            repository = self.load(repo_type, repo_id)
            if repository is None:
                raise KeyError(repo_id)
            yield repository
            self.save(repository)

    def delete(self, repo_type: str, repo_id: str) -> None:
        """Forget a repository; its blobs stay, others may use them."""
        with self.lock:
            self.path(repo_type, repo_id).unlink()

    def all(self, repo_type: str) -> list[Repository]:
        """Every repository of a type, by name."""
        paths = sorted((self.root / "repositories" / repo_type).glob("*/*.json"))
        return [_from_json(path.read_text(encoding="utf-8")) for path in paths]


def now() -> str:
    """The time as the Hub writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def git_oid(content: bytes) -> str:
    """The object id that git gives a content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _from_json(text: str) -> Repository:
    fields = json.loads(text)
    commits = {}
    for oid, commit in fields.pop("commits").items():
        files = {path: StoredFile(**file) for path, file in commit.pop("files").items()}
        commits[oid] = Commit(files=files, **commit)
    pull_requests = [PullRequest(**one) for one in fields.pop("pull_requests")]
    return Repository(commits=commits, pull_requests=pull_requests, **fields)
