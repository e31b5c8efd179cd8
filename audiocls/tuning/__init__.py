"""Searching for the settings that suit the data: spaces, shared studies, trials, and the report of a search."""
