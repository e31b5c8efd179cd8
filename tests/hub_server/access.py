"""Who a token is and what it may do.

A token is a user with a role ("write", "read", or "fineGrained": writes to the user's own name only). Users are
members of organisations, with "write" (also "admin") or "read" there. Private and missing repositories look alike
to those who may not see them; gated ones can be seen by all, and their files fetched by those with a grant.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request

from tests.hub_server.requests import Refusal
from tests.hub_server.storage import Repository, Store

WRITERS = ("write", "admin", "contributor")


@dataclass(frozen=True)
class User:
    """Whose token came with a request, and the role of that token."""

    name: str
    role: str


class Access:
    """The table of tokens and organisations, and the rules."""

    def __init__(
        self, store: Store, tokens: Mapping[str, tuple[str, str]], organizations: Mapping[str, Mapping[str, str]]
    ) -> None:
        self.store = store
        self.tokens = dict(tokens)
        self.organizations = {name: dict(members) for name, members in organizations.items()}

    def user(self, request: Request) -> User | None:
        """Who asks; None: nobody in particular. A token that is unknown is refused."""
        header = request.headers.get("authorization")
        if not header:
            return None
        known = self.tokens.get(header.removeprefix("Bearer ").strip())
        if known is None:
            raise Refusal(401, "Invalid credentials in Authorization header")
        return User(*known)

    def member(self, user: User, owner: str) -> str | None:
        """The user's role under an owner: "write" for oneself, the role in an organisation, or None."""
        if owner == user.name:
            return "write"
        return self.organizations.get(owner, {}).get(user.name)

    def logged_in(self, request: Request) -> User:
        """The user, who must be somebody."""
        user = self.user(request)
        if user is None:
            raise Refusal(401, "Invalid username or password.")
        return user

    def writer(self, request: Request, owner: str, doing: str = "upload to this repository") -> User:
        """The user, who must have the right to write under this owner."""
        user = self.logged_in(request)
        if user.role == "read":
            raise Refusal(403, f"Forbidden: you must use a write token to {doing}")
        if self.member(user, owner) not in WRITERS or (user.role == "fineGrained" and owner != user.name):
            raise Refusal(403, f"You don't have the rights to {doing} under the namespace {owner!r}")
        return user

    def visible(self, user: User | None, repository: Repository) -> bool:
        """Whether this user may know of a repository."""
        return not repository.private or (user is not None and self.member(user, repository.owner) is not None)

    def repository(self, request: Request, repo_type: str, repo_id: str) -> Repository:
        """A repository that the one who asks may see; the refusal does not tell private from missing."""
        user = self.user(request)
        repository = self.store.load(repo_type, repo_id)
        if repository is None or not self.visible(user, repository):
            raise self.no_such(user)
        return repository

    @staticmethod
    def no_such(user: User | None) -> Refusal:
        """How the Hub answers for a repository that is missing or hidden."""
        if user is None:
            return Refusal(401, "Invalid username or password.", "RepoNotFound")
        return Refusal(404, "Repository not found", "RepoNotFound")

    def may_write(self, request: Request, repo_type: str, repo_id: str) -> Repository:
        """A repository that the one who asks may change."""
        repository = self.repository(request, repo_type, repo_id)
        self.writer(request, repository.owner)
        return repository

    def may_read_files(self, request: Request, repository: Repository) -> None:
        """Refuse the files of a gated repository to those without a grant."""
        if not repository.gated:
            return
        user = self.user(request)
        about = f"Access to {repository.type} {repository.id} is restricted"
        if user is None:
            raise Refusal(
                401,
                f"{about}. You must have access to it and be authenticated to access it. Please log in.",
                "GatedRepo",
            )
        if user.name not in repository.granted and self.member(user, repository.owner) is None:
            where = f"{request.base_url}{repository.id}"
            raise Refusal(
                403, f"{about} and you are not in the authorized list. Visit {where} to ask for access.", "GatedRepo"
            )

    def card(self, user: User) -> dict[str, object]:
        """The answer to "who am I"."""
        organizations = [
            {"type": "org", "id": f"org-{name}", "name": name, "fullname": name, "email": None, "canPay": False}
            | {"roleInOrg": members[user.name], "isEnterprise": False, "periodEnd": None, "avatarUrl": ""}
            for name, members in self.organizations.items()
            if user.name in members
        ]
        token: dict[str, object] = {"displayName": "test", "role": user.role, "createdAt": "2026-01-01T00:00:00.000Z"}
        if user.role == "fineGrained":
            own = {"entity": {"_id": f"user-{user.name}", "type": "user", "name": user.name}}
            scoped = [own | {"permissions": ["repo.content.read", "repo.write"]}]
            token["fineGrained"] = {"canReadGatedRepos": True, "global": [], "scoped": scoped}
        return {
            "type": "user",
            "id": f"user-{user.name}",
            "name": user.name,
            "fullname": user.name,
            "email": None,
            "emailVerified": True,
            "canPay": False,
            "isPro": False,
            "avatarUrl": "",
            "periodEnd": None,
            "orgs": organizations,
            "auth": {"type": "access_token", "accessToken": token},
        }
