"""What the tab that trains a model says."""
