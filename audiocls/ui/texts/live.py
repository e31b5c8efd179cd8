"""What the tab that hears the microphone as it comes says."""
