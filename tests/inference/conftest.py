"""A server of the Hub's protocol for tests of loading."""

from tests.hub_server.fixtures import as_user, hub

__all__ = ["as_user", "hub"]
