"""The Classify tab: one sound, its answer, the parts that decided, and whether it was right."""
