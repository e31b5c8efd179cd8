"""The fixtures of the Hub's server, for tests of data that lie there."""

from tests.hub_server.fixtures import as_user, hub, make_hub

__all__ = ["as_user", "hub", "make_hub"]
