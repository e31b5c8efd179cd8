"""Sound in, events out: windows of a model over a recording or a live stream, joined into events."""
