"""Large files over git's LFS protocol: in one piece ("basic") or in parts ("multipart").

Uploads go to signed addresses and carry no token. A content is stored only when its SHA-256 is what was announced.
Batch protocol: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
"""

import hashlib
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.hub_server.requests import Part, Refusal, base_url, repository_of


class Lfs(Part):
    """The routes of LFS uploads."""

    def routes(self) -> list[Route]:
        """Where what is answered."""
        batch = "/{owner}/{name}.git/info/lfs/objects/batch"
        return [
            Route("/{type:plural}" + batch, self.batch, methods=["POST"]),
            Route(batch, self.batch, methods=["POST"]),
            Route("/lfs/{sha256}", self.whole, methods=["PUT"]),
            Route("/lfs/{sha256}/part/{number:int}", self.part, methods=["PUT"]),
            Route("/lfs/{sha256}/complete", self.complete, methods=["POST"]),
            Route("/lfs/{sha256}/verify", self.verify, methods=["POST"]),
        ]

    async def batch(self, request: Request) -> Response:
        """Where each content is to be uploaded; a content that is here needs no action."""
        repository = self.access.repository(request, *repository_of(request))
        user = self.access.logged_in(request)  # a pull request may come from anybody who can write somewhere
        if user.role == "read":
            self.access.writer(request, repository.owner)
        asked = await request.json()
        in_parts = self.hub.part_size is not None and "multipart" in asked.get("transfers", [])
        objects = []
        for wanted in asked["objects"]:
            answer: dict[str, Any] = {"oid": wanted["oid"], "size": wanted["size"]}
            if not self.is_here(wanted["oid"], wanted["size"]):
                actions = self.actions(base_url(request), wanted["oid"], wanted["size"], in_parts)
                answer |= {"authenticated": True, "actions": actions}
            objects.append(answer)
        body = {"transfer": "multipart" if in_parts else "basic", "objects": objects}
        return JSONResponse(body, media_type="application/vnd.git-lfs+json")

    def is_here(self, sha256: str, size: int) -> bool:
        """Whether a content is stored."""
        path = self.store.blob(sha256)
        return path.exists() and path.stat().st_size == size

    def actions(self, base: str, sha256: str, size: int, in_parts: bool) -> dict[str, Any]:
        """The signed addresses for a content."""
        at, signature = f"{base}/lfs/{sha256}", f"?signature={self.hub.signer.sign(sha256)}"
        upload: dict[str, Any] = {"href": f"{at}{signature}"}
        if in_parts and size > self.hub.part_size:
            count = -(-size // self.hub.part_size)
            parts = {str(number): f"{at}/part/{number}{signature}" for number in range(1, count + 1)}
            upload = {"href": f"{at}/complete{signature}", "header": {"chunk_size": str(self.hub.part_size)} | parts}
        return {"upload": upload, "verify": {"href": f"{at}/verify{signature}"}}

    async def whole(self, request: Request) -> Response:
        sha256 = self.signed(request)
        content = await request.body()
        return self.keep(sha256, content)

    async def part(self, request: Request) -> Response:
        sha256 = self.signed(request)
        content = await request.body()
        path = self.store.incoming().with_name(f"{sha256}.{request.path_params['number']}")
        path.write_bytes(content)
        return Response(headers={"ETag": f'"{hashlib.sha256(content).hexdigest()}"'})

    async def complete(self, request: Request) -> Response:
        """Put the parts together; each must have the tag that its upload was answered with."""
        sha256 = self.signed(request)
        asked = await request.json()
        paths = [self.store.incoming().with_name(f"{sha256}.{part['partNumber']}") for part in asked["parts"]]
        if not all(path.exists() for path in paths):
            raise Refusal(400, "A part is missing")
        parts = [path.read_bytes() for path in paths]
        for part, content in zip(asked["parts"], parts, strict=True):
            if part["etag"].strip('"') != hashlib.sha256(content).hexdigest():
                raise Refusal(400, f"Part {part['partNumber']} has another tag")
        answer = self.keep(sha256, b"".join(parts))
        for path in paths:
            path.unlink()
        return answer

    def keep(self, sha256: str, content: bytes) -> Response:
        """Store a content that is what was announced."""
        if hashlib.sha256(content).hexdigest() != sha256:
            raise Refusal(422, "The content has another SHA-256")
        self.store.adopt(self.store.incoming(), sha256, content)
        return JSONResponse({"success": True}, headers={"ETag": f'"{sha256}"'})

    async def verify(self, request: Request) -> Response:
        self.signed(request)
        asked = await request.json()
        if not self.is_here(asked["oid"], asked["size"]):
            raise Refusal(404, "The large file is not here")
        return JSONResponse({})

    def signed(self, request: Request) -> str:
        """The content that a signed address is about."""
        sha256 = request.path_params["sha256"]
        self.hub.signer.check(request, sha256)
        return sha256
