"""What people say of answers, kept as sounds and labels that a model can be trained on."""
