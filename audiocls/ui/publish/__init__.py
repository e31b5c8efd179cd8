"""The Publish tab: the open model to the Hub."""
