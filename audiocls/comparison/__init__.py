"""Which model suits the data: folds, cross-validation, comparisons of kinds, and choosing one by itself."""
