"""`audiocls detect`: the events of many recordings, kept one by one, in tables, label files and pictures."""
