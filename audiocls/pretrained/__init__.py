"""Building on models that others have trained."""
