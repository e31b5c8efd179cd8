"""Everything that is read: information, listings, trees, references, commits, files whole or in ranges."""

import json
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.hub_server.info import commit_entry, repository_info, space_runtime
from tests.hub_server.requests import Part, Refusal, base_url, is_true, repository_of
from tests.hub_server.storage import Commit, Repository, StoredFile, git_oid


class Reading(Part):
    """The routes that change nothing."""

    def routes(self) -> list[Route]:
        """Where what is answered."""
        at = "/api/{type:plural}/{owner}/{name}"
        routes = [
            Route("/api/whoami-v2", self.whoami),
            Route("/api/{type:plural}", self.listing),
            Route(at, self.info),
            Route(at + "/revision/{revision:escaped}", self.info),
            Route(at + "/auth-check", self.auth_check),
            Route(at + "/auth-check/write", self.auth_check),
            Route(at + "/tree/{revision:escaped}", self.tree),
            Route(at + "/tree/{revision:escaped}/{path:rest}", self.tree),
            Route(at + "/paths-info/{revision:escaped}", self.paths_info, methods=["POST"]),
            Route(at + "/refs", self.refs),
            Route(at + "/commits/{revision:escaped}", self.commits),
            Route(at + "/runtime", self.runtime),
            Route("/storage/{sha256}", self.from_storage),
            Route("/api/agent-harnesses", self.nothing),
            Route("/api/telemetry/{path:rest}", self.nothing),
        ]
        for prefix in ("/{type:plural}", ""):
            for verb in ("resolve", "raw"):
                path = f"{prefix}/{{owner}}/{{name}}/{verb}/{{revision:escaped}}/{{path:rest}}"
                routes.append(Route(path, self.file, methods=["GET", "HEAD"]))
        return routes

    def commit_of(self, request: Request) -> tuple[Repository, Commit]:
        """The repository and the commit that a request names; the main branch when it names none."""
        repository = self.access.repository(request, *repository_of(request))
        revision = request.path_params.get("revision", "main")
        oid = repository.find(revision)
        if oid is None:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return repository, repository.commits[oid]

    async def whoami(self, request: Request) -> Response:
        return JSONResponse(self.access.card(self.access.logged_in(request)))

    async def nothing(self, request: Request) -> Response:
        return JSONResponse({})

    async def info(self, request: Request) -> Response:
        repository, commit = self.commit_of(request)
        return JSONResponse(repository_info(self.store, repository, commit.oid, is_true(request, "blobs")))

    async def listing(self, request: Request) -> Response:
        user = self.access.user(request)
        author, search = request.query_params.get("author"), request.query_params.get("search", "").lower()
        wanted = request.query_params.getlist("filter")
        found = []
        for repository in self.store.all(request.path_params["type"]):
            if not self.access.visible(user, repository) or author not in (None, repository.owner):
                continue
            info = repository_info(self.store, repository, repository.refs["refs/heads/main"])
            if search in repository.id.lower() and set(wanted) <= set(info["tags"]):
                found.append({name: value for name, value in info.items() if name not in ("siblings", "cardData")})
        limit = request.query_params.get("limit")
        return JSONResponse(found[: int(limit)] if limit else found)

    async def auth_check(self, request: Request) -> Response:
        repository = self.access.repository(request, *repository_of(request))
        self.access.may_read_files(request, repository)
        if request.url.path.endswith("/write"):
            self.access.writer(request, repository.owner)
        return JSONResponse({})

    async def runtime(self, request: Request) -> Response:
        return JSONResponse(space_runtime(self.access.repository(request, *repository_of(request))))

    async def refs(self, request: Request) -> Response:
        repository = self.access.repository(request, *repository_of(request))
        found: dict[str, list[dict[str, str]]] = {"branches": [], "tags": [], "converts": []}
        kinds = {"refs/heads/": "branches", "refs/tags/": "tags", "refs/convert/": "converts"}
        if is_true(request, "include_prs"):
            kinds["refs/pr/"] = "pullRequests"
            found["pullRequests"] = []
        for ref, oid in repository.refs.items():
            for start, kind in kinds.items():
                if ref.startswith(start):
                    found[kind].append({"name": ref.removeprefix(start), "ref": ref, "targetCommit": oid})
        return JSONResponse(found)

    async def commits(self, request: Request) -> Response:
        repository, commit = self.commit_of(request)
        history = [commit_entry(one) for one in repository.history(commit.oid)]
        return JSONResponse(history, headers={"X-Total-Count": str(len(history))})

    async def tree(self, request: Request) -> Response:
        """The folder that is named, or all below it: folders before their content, with pages of 1000 entries."""
        _, commit = self.commit_of(request)
        folder = request.path_params.get("path", "").strip("/")
        start = f"{folder}/" if folder else ""
        recursive, expand = is_true(request, "recursive"), is_true(request, "expand")
        entries: dict[str, dict[str, Any]] = {}
        for path, file in sorted(commit.files.items()):
            if not path.startswith(start):
                continue
            parts = path.removeprefix(start).split("/")
            depth = len(parts) if recursive else 1
            for count in range(1, min(depth, len(parts) - 1) + 1):
                parent = start + "/".join(parts[:count])
                entries.setdefault(parent, folder_entry(parent, commit if expand else None))
            if depth == len(parts):
                entries[path] = self.file_entry(path, file, commit if expand else None)
        if folder and not entries:
            message = f"{folder} does not exist on {request.path_params['revision']!r}"
            raise Refusal(404, message, "EntryNotFound", X_Repo_Commit=commit.oid)
        return self.page(request, list(entries.values()), commit.oid)

    def page(self, request: Request, entries: list[dict[str, Any]], oid: str) -> Response:
        """One page of a listing, with a link to the next."""
        start = int(request.query_params.get("cursor", 0))
        end = start + self.hub.page_size
        headers = {"X-Repo-Commit": oid}
        if end < len(entries):
            following = request.url.include_query_params(cursor=end)
            headers["Link"] = f'<{following}>; rel="next"'
        return JSONResponse(entries[start:end], headers=headers)

    async def paths_info(self, request: Request) -> Response:
        """Files and folders of the paths that are named and exist."""
        _, commit = self.commit_of(request)
        if "json" in request.headers.get("content-type", ""):
            asked = json.loads(await request.body())
            paths, expand = asked["paths"], bool(asked.get("expand"))
        else:
            form = await request.form()
            paths, expand = form.getlist("paths"), str(form.get("expand", "")).lower() == "true"
        with_commit = commit if expand else None
        found = []
        for path in [paths] if isinstance(paths, str) else paths:
            if path in commit.files:
                found.append(self.file_entry(path, commit.files[path], with_commit))
            elif any(name.startswith(f"{path}/") for name in commit.files):
                found.append(folder_entry(path, with_commit))
        return JSONResponse(found, headers={"X-Repo-Commit": commit.oid})

    def file_entry(self, path: str, file: StoredFile, commit: Commit | None) -> dict[str, Any]:
        """A file in a listing."""
        entry: dict[str, Any] = {"type": "file", "oid": file.oid, "size": file.size, "path": path}
        if file.is_large:
            entry["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": file.pointer_size}
            if xet_hash := self.hub.xet.hash_of(file.sha256):
                entry["xetHash"] = xet_hash
        return entry | _last_commit(commit)

    async def file(self, request: Request) -> Response:
        """A file of a repository; FileResponse answers ranges and HEAD."""
        repository, commit = self.commit_of(request)
        self.access.may_read_files(request, repository)
        path = request.path_params["path"]
        file = commit.files.get(path)
        if file is None:
            raise Refusal(404, "Entry not found", "EntryNotFound", X_Repo_Commit=commit.oid)
        name = quote(path.rsplit("/", 1)[-1])
        headers = {
            "X-Repo-Commit": commit.oid,
            "ETag": f'"{file.etag}"',
            "Accept-Ranges": "bytes",
            "Content-Disposition": f"inline; filename*=UTF-8''{name}; filename=\"{name}\";",
        }
        if file.is_large:
            headers |= {"X-Linked-Etag": f'"{file.etag}"', "X-Linked-Size": str(file.size)}
            headers |= self.hub.xet.headers(request, repository, file.sha256)
            if self.hub.storage_host:
                signature = self.hub.signer.sign(file.sha256)
                away = base_url(request).replace("127.0.0.1", self.hub.storage_host)
                return RedirectResponse(f"{away}/storage/{file.sha256}?signature={signature}", 302, headers)
        media_type = "application/octet-stream" if file.is_large else "text/plain; charset=utf-8"
        return FileResponse(self.store.blob(file.sha256), headers=headers, media_type=media_type)

    async def from_storage(self, request: Request) -> Response:
        """A large file at the other host, whose address is signed and wants no token."""
        sha256 = request.path_params["sha256"]
        self.hub.signer.check(request, sha256)
        return FileResponse(self.store.blob(sha256), headers={"ETag": f'"{sha256}"'})


def folder_entry(path: str, commit: Commit | None) -> dict[str, Any]:
    """A folder in a listing."""
    return {"type": "directory", "oid": git_oid(path.encode()), "size": 0, "path": path} | _last_commit(commit)


def _last_commit(commit: Commit | None) -> dict[str, Any]:
    if commit is None:
        return {}
    return {"lastCommit": {"id": commit.oid, "title": commit.title, "date": commit.date}}
