"""The Hub: names, failures, patience, the cache."""
