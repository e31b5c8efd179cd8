"""What the Classify tab says."""
