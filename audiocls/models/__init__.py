"""The model code that travels with every saved model. It imports nothing else from audiocls."""
