"""What the tab that finds events in long recordings says."""
