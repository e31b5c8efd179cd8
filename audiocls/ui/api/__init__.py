"""The app for programs: endpoints over HTTP, and the same as tools for MCP."""
