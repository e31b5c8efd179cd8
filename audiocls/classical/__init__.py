"""Random forests and boosted trees on statistics of clips: grown by scikit-learn, kept as tensors."""
