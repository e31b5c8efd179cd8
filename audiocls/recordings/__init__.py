"""Recordings and tables of what is in them: finding, reading, writing, matching, and scoring what a model finds."""
