"""Repositories put straight into a test server's store, without a client: what tests of downloads start from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.hub_server import Hub
from tests.hub_server.storage import Repository, now

LARGE = (".safetensors", ".bin")


def store_files(
    hub: Hub,
    repo_id: str,
    files: Path | Mapping[str, bytes],
    *,
    repo_type: str = "model",
    ref: str = "refs/heads/main",
    **settings: Any,
) -> str:
    """Make files, or those of a folder, a commit of a repository, which is made if it is not there; the commit's id."""
    if isinstance(files, Path):
        root = files
        files = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    repository = hub.store.load(repo_type, repo_id) or Repository(repo_type, repo_id, now(), **settings)
    stored = {}
    for name, content in files.items():
        stored[name] = hub.store.put(content)
        if name.endswith(LARGE):
            stored[name] = hub.store.large_file(stored[name].sha256)
    oid = repository.add_commit(ref, stored, "a commit", repo_id.partition("/")[0])
    hub.store.save(repository)
    return oid
