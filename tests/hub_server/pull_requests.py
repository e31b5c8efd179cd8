"""Pull requests and discussions: opened, read, commented, merged, closed."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.hub_server.requests import Part, Refusal, repository_of
from tests.hub_server.storage import PullRequest, Repository, now


def open_pull_request(repository: Repository, title: str, description: str, author: str, base: str) -> PullRequest:
    """A new pull request on top of a commit; the caller saves the repository."""
    opened = PullRequest(len(repository.pull_requests) + 1, title, description, author, now())
    repository.pull_requests.append(opened)
    repository.refs[f"refs/pr/{opened.number}"] = base
    return opened


class PullRequests(Part):
    """The routes of pull requests and discussions."""

    def routes(self) -> list[Route]:
        """Where what is answered."""
        at = "/api/{type:plural}/{owner}/{name}/discussions"
        return [
            Route(at, self.listing, methods=["GET"]),
            Route(at, self.open, methods=["POST"]),
            Route(at + "/{number:int}", self.details),
            Route(at + "/{number:int}/comment", self.comment, methods=["POST"]),
            Route(at + "/{number:int}/status", self.status, methods=["POST"]),
            Route(at + "/{number:int}/merge", self.merge, methods=["POST"]),
        ]

    async def listing(self, request: Request) -> Response:
        repository = self.access.repository(request, *repository_of(request))
        found = [_summary(repository, one) for one in repository.pull_requests]
        return JSONResponse({"discussions": found, "count": len(found), "start": 0})

    async def open(self, request: Request) -> Response:
        asked = await request.json()
        repository = self.access.repository(request, *repository_of(request))
        user = self.access.logged_in(request)
        with self.store.change(repository.type, repository.id) as changed:
            base = changed.refs["refs/heads/main"]
            opened = open_pull_request(changed, asked["title"], asked.get("description", ""), user.name, base)
            opened.status = "draft" if asked.get("pullRequest") else "open"
            if not asked.get("pullRequest"):
                opened.is_pull_request = False
                del changed.refs[f"refs/pr/{opened.number}"]
        return JSONResponse({"num": opened.number})

    async def details(self, request: Request) -> Response:
        repository = self.access.repository(request, *repository_of(request))
        one = _find(repository, request)
        events = [
            {
                "id": f"{one.number}-{index}",
                "type": "comment",
                "createdAt": comment["date"],
                "author": {"name": comment["author"]},
                "data": {"edited": False, "hidden": False, "latest": {"raw": comment["text"]}},
            }
            for index, comment in enumerate(_comments(one))
        ]
        if one.is_pull_request:
            for commit in reversed(repository.history(repository.refs[f"refs/pr/{one.number}"])):
                event = {
                    "id": commit.oid,
                    "type": "commit",
                    "createdAt": commit.date,
                    "author": {"name": commit.author},
                }
                events.append(event | {"data": {"subject": commit.title, "oid": commit.oid}})
        changes = {"base": "refs/heads/main"} | ({"mergeCommitId": one.merge_commit} if one.merge_commit else {})
        more = {"events": events, "changes": changes, "filesWithConflicts": [], "diff": ""}
        return JSONResponse(_summary(repository, one) | more)

    async def comment(self, request: Request) -> Response:
        text = (await request.json())["comment"]
        repository = self.access.repository(request, *repository_of(request))
        user = self.access.logged_in(request)
        with self.store.change(repository.type, repository.id) as changed:
            said = {"text": text, "author": user.name, "date": now()}
            _find(changed, request).comments.append(said)
        data = {"edited": False, "hidden": False, "latest": {"raw": text}}
        event = {"id": "new", "type": "comment", "createdAt": said["date"], "author": {"name": user.name}, "data": data}
        return JSONResponse({"newMessage": event})

    async def status(self, request: Request) -> Response:
        wanted = (await request.json())["status"]
        repository = self.access.may_write(request, *repository_of(request))
        with self.store.change(repository.type, repository.id) as changed:
            one = _find(changed, request)
            one.status = wanted
        event = {"id": "status", "type": "status-change", "createdAt": now(), "author": {"name": one.author}}
        return JSONResponse({"newStatus": event | {"data": {"status": wanted}}})

    async def merge(self, request: Request) -> Response:
        """The files of the pull request become a commit of the main branch, unless that has moved on."""
        repository = self.access.may_write(request, *repository_of(request))
        user = self.access.logged_in(request)
        with self.store.change(repository.type, repository.id) as changed:
            one = _find(changed, request)
            if not one.is_pull_request or one.status not in ("open", "draft"):
                raise Refusal(400, f"Discussion {one.number} is no open pull request")
            head, main = changed.refs[f"refs/pr/{one.number}"], changed.refs["refs/heads/main"]
            if main not in (commit.oid for commit in changed.history(head)):
                raise Refusal(409, "The main branch has changed since; this pull request has conflicts")
            files = changed.commits[head].files
            one.merge_commit = changed.add_commit("refs/heads/main", files, f"{one.title} (#{one.number})", user.name)
            one.status = "merged"
        return JSONResponse({})


def _find(repository: Repository, request: Request) -> PullRequest:
    number = request.path_params["number"]
    if not 1 <= number <= len(repository.pull_requests):
        raise Refusal(404, f"No discussion {number}", "EntryNotFound")
    return repository.pull_requests[number - 1]


def _comments(one: PullRequest) -> list[dict[str, str]]:
    return [{"text": one.description, "author": one.author, "date": one.date}, *one.comments]


def _summary(repository: Repository, one: PullRequest) -> dict[str, Any]:
    return {
        "num": one.number,
        "title": one.title,
        "author": {"name": one.author},
        "createdAt": one.date,
        "status": one.status,
        "isPullRequest": one.is_pull_request,
        "repo": {"name": repository.id, "type": repository.type},
    }
