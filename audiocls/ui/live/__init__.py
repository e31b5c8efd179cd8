"""The Live tab: the microphone as it comes."""
