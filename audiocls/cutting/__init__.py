"""`audiocls segment`: recordings cut into clips, at activity or at labels."""
