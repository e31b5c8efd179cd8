"""What the Model tab says."""
