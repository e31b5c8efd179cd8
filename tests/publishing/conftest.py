"""The fixtures of the server, for tests of publishing."""

from tests.hub_server.fixtures import as_user, hub, make_hub

__all__ = ["as_user", "hub", "make_hub"]
