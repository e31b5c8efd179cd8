"""To the Hub and back: checks, one commit, the proof, the Space, the data set."""
