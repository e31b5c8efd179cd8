"""Large files over Xet, which is what the client does unless told otherwise.

The Hub hands out an address and a token for the storage ("CAS"); there the client puts xorbs and shards, and from
there it reads how a file is made and the pieces it needs. What was uploaded is also put together as an ordinary blob,
so that every other way of reading sees it.
Specification: https://huggingface.co/docs/xet/index
"""

import hashlib
import json
import re
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from tests.hub_server.requests import PREFIXES, Refusal, base_url, is_true, repository_of
from tests.hub_server.storage import Repository
from tests.hub_server.xet_formats import Chunk, FileRecipe, read_shard, read_xorb

_HASH = re.compile(r"[0-9a-f]{64}")
_TOKEN_SECONDS = 3600


class Xet:
    """The routes of Xet: tokens at the Hub, and the storage under /cas."""

    def __init__(self, hub: Any) -> None:
        self.hub = hub
        self.xorbs = hub.root / "xet" / "xorbs"
        self.recipes = hub.root / "xet" / "files"  # by the SHA-256 of the content
        self.contents = hub.root / "xet" / "contents"  # SHA-256 by the Xet hash
        for folder in (self.xorbs, self.recipes, self.contents):
            folder.mkdir(parents=True, exist_ok=True)

    def routes(self) -> list[Route]:
        """Where what is answered."""
        return [
            Route("/api/{type:plural}/{owner}/{name}/xet-{kind}-token/{revision:escaped}", self.token),
            Route("/cas/v1/xorbs/{prefix}/{hash}", self.put_xorb, methods=["POST"]),
            Route("/cas/v1/chunks/{prefix}/{hash}", self.known_chunk),
            Route("/cas/v1/shards", self.put_shard, methods=["POST"]),
            Route("/cas/shards", self.put_shard, methods=["POST"]),
            Route("/cas/v1/reconstructions/{hash}", self.reconstruction),
            Route("/cas/xorb/{hash}", self.get_xorb),
        ]

    def hash_of(self, sha256: str) -> str | None:
        """The Xet hash of a content that came over Xet."""
        path = self.recipes / f"{sha256}.json"
        return str(json.loads(path.read_text())["hash"]) if path.exists() else None

    def headers(self, request: Request, repository: Repository, sha256: str) -> dict[str, str]:
        """What an answer about a file says of Xet: its hash, and where a token is to be had."""
        xet_hash = self.hash_of(sha256)
        if xet_hash is None:
            return {}
        path = f"{PREFIXES[repository.type] or 'models/'}{repository.id}/xet-read-token/main"
        url = f"{base_url(request)}/api/{path}"
        return {"X-Xet-Hash": xet_hash, "X-Xet-Refresh-Route": url, "Link": f'<{url}>; rel="xet-auth"'}

    async def token(self, request: Request) -> Response:
        """The address of the storage and a token for it, to read or to write."""
        kind = request.path_params["kind"]
        access = self.hub.access
        repository = access.repository(request, *repository_of(request))
        if kind == "read":
            access.may_read_files(request, repository)
        elif not is_true(request, "create_pr") or access.logged_in(request).role == "read":
            access.writer(request, repository.owner)
        url, token, end = (
            f"{base_url(request)}/cas",
            self.hub.signer.sign(f"xet-{kind}"),
            int(time.time()) + _TOKEN_SECONDS,
        )
        headers = {"X-Xet-Cas-Url": url, "X-Xet-Access-Token": token, "X-Xet-Token-Expiration": str(end)}
        return JSONResponse({"casUrl": url, "accessToken": token, "exp": end}, headers=headers)

    def admit(self, request: Request, *kinds: str) -> None:
        """Refuse those who have no token of one of these kinds."""
        allowed = [f"Bearer {self.hub.signer.sign(f'xet-{kind}')}" for kind in kinds]
        if request.headers.get("authorization") not in allowed:
            raise Refusal(401, "The token for the storage is wrong")

    def named(self, request: Request) -> str:
        """The hash in an address."""
        found = str(request.path_params["hash"])
        if not _HASH.fullmatch(found):
            raise Refusal(400, f"Not a hash: {found!r}")
        return found

    async def put_xorb(self, request: Request) -> Response:
        self.admit(request, "write")
        path, content = self.xorbs / self.named(request), await request.body()
        is_new = not path.exists()
        try:
            read_xorb(content)
        except ValueError as error:
            raise Refusal(400, f"Not a xorb: {error}") from error
        path.write_bytes(content)
        return JSONResponse({"was_inserted": is_new})

    async def known_chunk(self, request: Request) -> Response:
        """Which chunks of others are here already: this server tells of none."""
        self.admit(request, "write", "read")
        raise Refusal(404, "Not known")

    async def put_shard(self, request: Request) -> Response:
        """Put the files of a shard together from their xorbs, and keep how that is done."""
        self.admit(request, "write")
        xorbs: dict[str, list[Chunk]] = {}
        for recipe in read_shard(await request.body()):
            pieces = []
            for segment in recipe.segments:
                path = self.xorbs / segment.xorb
                if not path.exists():
                    raise Refusal(400, f"The xorb {segment.xorb} was not uploaded")
                if segment.xorb not in xorbs:
                    xorbs[segment.xorb] = read_xorb(path.read_bytes())
                pieces += [chunk.content for chunk in xorbs[segment.xorb][segment.start : segment.end]]
            content = b"".join(pieces)
            sha256 = hashlib.sha256(content).hexdigest()
            told = (None, sha256, _reordered(sha256))
            if len(content) != sum(segment.length for segment in recipe.segments) or recipe.sha256 not in told:
                raise Refusal(400, f"The shard does not describe the file {recipe.hash}")
            self.hub.store.adopt(self.hub.store.incoming(), sha256, content)
            self.keep(sha256, recipe)
        return JSONResponse({"result": 1})

    def keep(self, sha256: str, recipe: FileRecipe) -> None:
        """Remember how a content is made."""
        segments = [[part.xorb, part.length, part.start, part.end] for part in recipe.segments]
        (self.recipes / f"{sha256}.json").write_text(json.dumps({"hash": recipe.hash, "segments": segments}))
        (self.contents / recipe.hash).write_text(sha256)

    async def reconstruction(self, request: Request) -> Response:
        """How a file, or a range of it, is made: chunks of xorbs, and addresses for these."""
        self.admit(request, "read", "write")
        path = self.contents / self.named(request)
        if not path.exists():
            raise Refusal(404, "No such file")
        segments = json.loads((self.recipes / f"{path.read_text()}.json").read_text())["segments"]
        size = sum(length for _, length, _, _ in segments)
        first, last = _range(request, size)
        terms: list[dict[str, Any]] = []
        needed: dict[str, list[list[int]]] = {}
        offset = at = 0
        for xorb, length, start, end in segments:
            if at + length > first and at <= last:
                if not terms:
                    offset = first - at
                terms.append({"hash": xorb, "unpacked_length": length, "range": {"start": start, "end": end}})
                needed.setdefault(xorb, []).append([start, end])
            at += length
        fetch = {xorb: self.addresses(base_url(request), xorb, ranges) for xorb, ranges in needed.items()}
        return JSONResponse({"offset_into_first_range": offset, "terms": terms, "fetch_info": fetch})

    def addresses(self, base: str, xorb: str, ranges: list[list[int]]) -> list[dict[str, Any]]:
        """Where chunks of a xorb are to be had; ranges that touch become one, which the client relies on."""
        chunks = read_xorb((self.xorbs / xorb).read_bytes())
        url = f"{base}/cas/xorb/{xorb}?signature={self.hub.signer.sign(xorb)}"
        found = []
        for start, end in _joined(ranges):
            place = {"start": chunks[start].start, "end": chunks[end - 1].end - 1}  # bytes, the last one included
            found.append({"range": {"start": start, "end": end}, "url": url, "url_range": place})
        return found

    async def get_xorb(self, request: Request) -> Response:
        """A xorb, or the range of it that holds some chunks; the address is signed and wants no token."""
        xorb = self.named(request)
        self.hub.signer.check(request, xorb)
        return FileResponse(self.xorbs / xorb)


def _range(request: Request, size: int) -> tuple[int, int]:
    """First and last byte that are asked for."""
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", "bytes=0-"))
    first = int(found[1]) if found else 0
    last = min(int(found[2]), size - 1) if found and found[2] else size - 1
    if first >= size:
        raise Refusal(416, "The range lies behind the end of the file")
    return first, last


def _joined(ranges: list[list[int]]) -> list[list[int]]:
    """The union of ranges, as few of them as possible."""
    joined: list[list[int]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    return joined


def _reordered(text: str) -> str:
    """A hash whose bytes are written in the order of Xet hashes."""
    raw = bytes.fromhex(text)
    return "".join(raw[at : at + 8][::-1].hex() for at in range(0, 32, 8))
