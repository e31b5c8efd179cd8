"""Repositories made, set, renamed and deleted; branches and tags; who has access; secrets of Spaces."""

import json
import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.hub_server.attributes import first_attributes
from tests.hub_server.metadata import check_readme
from tests.hub_server.requests import Part, Refusal, page_url, repository_of
from tests.hub_server.storage import Repository, now


class Writing(Part):
    """The routes that change repositories, but for commits."""

    def routes(self) -> list[Route]:
        """Where what is answered."""
        at = "/api/{type:plural}/{owner}/{name}"
        return [
            Route("/api/repos/create", self.create, methods=["POST"]),
            Route("/api/repos/delete", self.delete, methods=["DELETE"]),
            Route("/api/repos/move", self.move, methods=["POST"]),
            Route("/api/validate-yaml", self.validate_yaml, methods=["POST"]),
            Route(at + "/settings", self.settings, methods=["PUT"]),
            Route(at + "/branch/{ref:escaped}", self.branch, methods=["POST", "DELETE"]),
            Route(at + "/tag/{ref:escaped}", self.tag, methods=["POST", "DELETE"]),
            Route(at + "/user-access-request/grant", self.grant, methods=["POST"]),
            Route(at + "/secrets", self.secret, methods=["GET", "POST", "DELETE"]),
            Route(at + "/variables", self.variable, methods=["GET", "POST", "DELETE"]),
            Route(at + "/hardware", self.hardware, methods=["POST"]),
        ]

    async def create(self, request: Request) -> Response:
        asked = await request.json()
        repo_type = asked.get("type") or "model"
        user = self.access.logged_in(request)
        owner = asked.get("organization") or user.name
        self.access.writer(request, owner, f"create a {repo_type}")
        repo_id = f"{owner}/{asked['name']}"
        url = page_url(request, repo_type, repo_id)
        if repo_type == "space" and not asked.get("sdk"):
            raise Refusal(400, '"sdk" is required for a Space')
        with self.store.lock:
            if self.store.load(repo_type, repo_id):
                # The client reads `url` when it was told that the repository may exist.
                message = f"You already created this {repo_type} repo: {repo_id}"
                return JSONResponse({"error": message, "url": url, "name": repo_id}, 409)
            private = asked.get("visibility") == "private" or bool(asked.get("private"))
            repository = Repository(repo_type, repo_id, now(), private, sdk=asked.get("sdk"))
            repository.hardware = asked.get("hardware")
            repository.secret_names = [one["key"] for one in asked.get("secrets") or []]
            repository.variables = {one["key"]: one["value"] for one in asked.get("variables") or []}
            files = {".gitattributes": self.store.put(first_attributes(repo_type))}
            repository.add_commit("refs/heads/main", files, "initial commit", user.name)
            self.store.save(repository)
        return JSONResponse({"url": url, "name": repo_id, "id": secrets.token_hex(12)})

    async def delete(self, request: Request) -> Response:
        asked = json.loads(await request.body())
        repo_type = asked.get("type") or "model"
        user = self.access.logged_in(request)
        repo_id = f"{asked.get('organization') or user.name}/{asked['name']}"
        self.access.may_write(request, repo_type, repo_id)
        self.store.delete(repo_type, repo_id)
        return JSONResponse({})

    async def move(self, request: Request) -> Response:
        asked = await request.json()
        repo_type, target = asked.get("type") or "model", asked["toRepo"]
        with self.store.lock:
            repository = self.access.may_write(request, repo_type, asked["fromRepo"])
            self.access.writer(request, target.split("/")[0])
            if self.store.load(repo_type, target):
                raise Refusal(409, f"There is already a repository named {target}")
            self.store.delete(repo_type, repository.id)
            repository.id = target
            self.store.save(repository)
        return JSONResponse({})

    async def settings(self, request: Request) -> Response:
        asked = await request.json()
        repository = self.access.may_write(request, *repository_of(request))
        with self.store.change(repository.type, repository.id) as changed:
            if "visibility" in asked or "private" in asked:
                changed.private = asked.get("visibility") == "private" or bool(asked.get("private"))
            if "gated" in asked:
                changed.gated = asked["gated"]
        return JSONResponse({"private": changed.private, "gated": changed.gated})

    async def branch(self, request: Request) -> Response:
        ref = f"refs/heads/{request.path_params['ref']}"
        repository = self.access.may_write(request, *repository_of(request))
        with self.store.change(repository.type, repository.id) as changed:
            if request.method == "DELETE":
                self.drop(changed, ref)
            else:
                asked = json.loads(await request.body() or b"{}")
                self.put(changed, ref, asked.get("startingPoint") or "main")
        return JSONResponse({})

    async def tag(self, request: Request) -> Response:
        """A tag: made on the revision of the address with the name of the body, deleted by the name of the address."""
        repository = self.access.may_write(request, *repository_of(request))
        with self.store.change(repository.type, repository.id) as changed:
            if request.method == "DELETE":
                self.drop(changed, f"refs/tags/{request.path_params['ref']}")
            else:
                asked = json.loads(await request.body())
                self.put(changed, f"refs/tags/{asked['tag']}", request.path_params["ref"])
        return JSONResponse({})

    def put(self, repository: Repository, ref: str, revision: str) -> None:
        """Point a new reference at a revision."""
        if ref in repository.refs:
            raise Refusal(409, f"Reference already exists: {ref}")
        oid = repository.find(revision)
        if oid is None:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        repository.refs[ref] = oid

    def drop(self, repository: Repository, ref: str) -> None:
        """Remove a reference; never the main branch."""
        if ref == "refs/heads/main":
            raise Refusal(403, "Cannot delete the default branch")
        if repository.refs.pop(ref, None) is None:
            raise Refusal(404, f"Reference does not exist: {ref}", "RevisionNotFound")

    async def grant(self, request: Request) -> Response:
        asked = await request.json()
        repository = self.access.may_write(request, *repository_of(request))
        with self.store.change(repository.type, repository.id) as changed:
            changed.granted = sorted({*changed.granted, asked["user"]})
        return JSONResponse({})

    async def secret(self, request: Request) -> Response:
        """Secrets of a Space: that one was stored is remembered, its value is not."""
        repository = self.access.may_write(request, *repository_of(request))
        if request.method == "GET":
            return JSONResponse({name: {"key": name, "updatedAt": now()} for name in repository.secret_names})
        key = json.loads(await request.body())["key"]
        with self.store.change(repository.type, repository.id) as changed:
            names = set(changed.secret_names)
            changed.secret_names = sorted(names | {key} if request.method == "POST" else names - {key})
        return JSONResponse({})

    async def variable(self, request: Request) -> Response:
        repository = self.access.may_write(request, *repository_of(request))
        if request.method != "GET":
            asked = json.loads(await request.body())
            with self.store.change(repository.type, repository.id) as repository:
                if request.method == "POST":
                    repository.variables[asked["key"]] = asked["value"]
                else:
                    repository.variables.pop(asked["key"], None)
        found = {name: {"key": name, "value": value} for name, value in repository.variables.items()}
        return JSONResponse(found)

    async def hardware(self, request: Request) -> Response:
        asked = await request.json()
        repository = self.access.may_write(request, *repository_of(request))
        with self.store.change(repository.type, repository.id) as changed:
            changed.hardware = asked["flavor"]
        from tests.hub_server.info import space_runtime

        return JSONResponse(space_runtime(changed))

    async def validate_yaml(self, request: Request) -> Response:
        asked = await request.json()
        errors, warnings = check_readme(asked["content"], asked.get("repoType") or "model")
        body: dict[str, Any] = {
            "errors": [{"message": message} for message in errors],
            "warnings": [{"message": message} for message in warnings],
        }
        return JSONResponse(body, 400 if errors else 200)
