"""What the tab that classifies many files says."""
