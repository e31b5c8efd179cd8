"""`audiocls inspect`: the audit of a data set, before anything is trained on it."""
