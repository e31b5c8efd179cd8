"""The Model tab: what the open model is, and where it errs."""
