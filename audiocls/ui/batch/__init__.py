"""The Batch tab: many files or a zip classified at once."""
