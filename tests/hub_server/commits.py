"""Commits: which files are large, and operations on files that become one commit or none."""

import base64
import fnmatch
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.hub_server.attributes import is_binary, is_named_large
from tests.hub_server.metadata import check_readme
from tests.hub_server.pull_requests import open_pull_request
from tests.hub_server.requests import Part, Refusal, is_true, page_url, repository_of
from tests.hub_server.storage import Repository, StoredFile

Files = dict[str, StoredFile]


class Commits(Part):
    """The two routes of a commit: what is to be uploaded how, and the commit itself."""

    def routes(self) -> list[Route]:
        """Where what is answered."""
        at = "/api/{type:plural}/{owner}/{name}"
        return [
            Route(at + "/preupload/{revision:escaped}", self.preupload, methods=["POST"]),
            Route(at + "/commit/{revision:escaped}", self.commit, methods=["POST"]),
        ]

    def target(self, request: Request) -> tuple[Repository, str]:
        """The repository and the full name of the branch or pull request that a commit goes to.

        Everybody who is logged in may open a pull request; all else takes the right to write.
        """
        repo_type, repo_id = repository_of(request)
        repository = self.access.repository(request, repo_type, repo_id)
        user = self.access.logged_in(request)
        if user.role == "read" or not is_true(request, "create_pr"):
            self.access.writer(request, repository.owner)
        revision = request.path_params["revision"]
        for ref in (f"refs/heads/{revision}", revision):
            if ref in repository.refs and not ref.startswith("refs/tags/"):
                return repository, ref
        raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")

    def attributes(self, files: Files) -> str:
        """The `.gitattributes` of a commit."""
        return self.store.read(files[".gitattributes"]).decode() if ".gitattributes" in files else ""

    async def preupload(self, request: Request) -> Response:
        """How each file is to be uploaded, and which version of it is there."""
        repository, ref = self.target(request)
        files = repository.commits[repository.refs[ref]].files
        attributes = self.attributes(files)
        asked = await request.json()
        ignored = _ignore_rules(asked.get("gitIgnore") or "")
        answers = []
        for file in asked["files"]:
            path, there = file["path"], files.get(file["path"])
            large = (
                file["size"] > self.hub.lfs_threshold
                or is_named_large(attributes, path)
                or is_binary(base64.b64decode(file.get("sample", "")))
            )
            answers.append(
                {
                    "path": path,
                    "uploadMode": "lfs" if large and file["size"] else "regular",
                    "shouldIgnore": any(fnmatch.fnmatchcase(path, rule) for rule in ignored),
                    "oid": there.etag if there else None,
                }
            )
        return JSONResponse({"files": answers})

    async def commit(self, request: Request) -> Response:
        """All operations as one commit, on a branch or as a new pull request."""
        lines = [json.loads(line) for line in (await request.body()).splitlines() if line.strip()]
        with self.store.lock:
            repository, ref = self.target(request)
            user = self.access.logged_in(request)
            head = repository.refs[ref]
            header = next((line["value"] for line in lines if line["key"] == "header"), {})
            if header.get("parentCommit") not in (None, head):
                raise Refusal(412, "A commit has happened since. Please refresh and try again.")
            files = self.changed(repository.commits[head].files, [line for line in lines if line["key"] != "header"])
            self.check_card(files, repository)
            title, description = header.get("summary", ""), header.get("description") or ""
            extra = {}
            if is_true(request, "create_pr"):
                opened = open_pull_request(repository, title, description, user.name, head)
                ref = f"refs/pr/{opened.number}"
                extra["pullRequestUrl"] = (
                    f"{page_url(request, repository.type, repository.id)}/discussions/{opened.number}"
                )
            oid = repository.add_commit(ref, files, title, user.name, description)
            self.store.save(repository)
        url = f"{page_url(request, repository.type, repository.id)}/commit/{oid}"
        return JSONResponse({"success": True, "commitOid": oid, "commitUrl": url, "hookOutput": ""} | extra)

    def changed(self, before: Files, operations: list[dict[str, Any]]) -> Files:
        """The files after all operations."""
        files = dict(before)
        for operation in operations:
            key, value = operation["key"], operation["value"]
            path = value["path"]
            if key == "file":
                is_base64 = value.get("encoding") == "base64"
                content = base64.b64decode(value["content"]) if is_base64 else value["content"].encode()
                files[path] = self.store.put(content)
            elif key == "lfsFile":
                if not self.store.blob(value["oid"]).exists():
                    raise Refusal(400, f"The large file {path} ({value['oid']}) was not uploaded")
                files[path] = self.store.large_file(value["oid"])
                self.add_rule(files, path)
            elif key == "deletedFile":
                if files.pop(path, None) is None:
                    raise Refusal(404, "A file with this name doesn't exist", "EntryNotFound")
            elif key == "deletedFolder":
                start = path.rstrip("/") + "/"
                if not any(name.startswith(start) for name in files):
                    raise Refusal(404, "A folder with this name doesn't exist", "EntryNotFound")
                files = {name: file for name, file in files.items() if not name.startswith(start)}
            else:
                raise Refusal(400, f"Unknown operation {key!r}")
        return files

    def add_rule(self, files: Files, path: str) -> None:
        """A large file that no rule names gets one, as the Hub does."""
        rules = self.attributes(files)
        if not is_named_large(rules, path):
            escaped = path.replace(" ", "[[:space:]]")
            files[".gitattributes"] = self.store.put(f"{rules}{escaped} filter=lfs diff=lfs merge=lfs -text\n".encode())

    def check_card(self, files: Files, repository: Repository) -> None:
        """Refuse a README whose metadata the Hub would not take."""
        if "README.md" not in files:
            return
        errors, _ = check_readme(self.store.read(files["README.md"]).decode("utf-8", "replace"), repository.type)
        if errors:
            raise Refusal(400, f"Your push was rejected because it contains invalid YAML metadata: {'; '.join(errors)}")


def _ignore_rules(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
