"""Which parts of a sound decided a model's answer, for every kind of model."""
