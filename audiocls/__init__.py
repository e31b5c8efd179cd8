"""audiocls: from a folder of sounds to an audio classifier that anyone can load, try and trust."""

__version__ = "0.1.0"
