"""Counts of right and wrong answers per class, and the scores made of them.

Pure numpy on any number of leading axes, so that one clip set and a thousand resampled ones go the same way. Where a
denominator is zero the score is 0. Means over classes are over the classes that occur in the targets: a class without
a single clip can be neither found nor missed.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Counts:
    """Counts per class, float64 of shape `(..., labels)`, and over all classes, of shape `(...)`.

    hits: clips of the class that were given it. predicted: clips that were given it. support: clips of the class.
    clips: all clips. right: clips answered exactly (for several labels a clip: with exactly its set of labels).
    """

    hits: np.ndarray
    predicted: np.ndarray
    support: np.ndarray
    clips: np.ndarray
    right: np.ndarray

    def accuracy(self) -> np.ndarray:
        """Share of clips answered exactly, `(...)`."""
        return ratio(self.right, self.clips)

    def precision(self) -> np.ndarray:
        """Share of the clips given a class that belong to it, `(..., labels)`."""
        return ratio(self.hits, self.predicted)

    def recall(self) -> np.ndarray:
        """Share of a class's clips that were given it, `(..., labels)`."""
        return ratio(self.hits, self.support)

    def f1(self) -> np.ndarray:
        """Harmonic mean of precision and recall, `(..., labels)`."""
        return ratio(2 * self.hits, self.predicted + self.support)

    def specificity(self) -> np.ndarray:
        """Share of the other classes' clips that were not given the class, `(..., labels)`."""
        others = self.clips[..., None] - self.support
        return ratio(others - (self.predicted - self.hits), others)

    def macro(self, scores: np.ndarray) -> np.ndarray:
        """Mean of `(..., labels)` over the classes with support, `(...)`."""
        present = self.support > 0
        return ratio((scores * present).sum(-1), present.sum(-1))

    def balanced_accuracy(self, multi_label: bool) -> np.ndarray:
        """Mean recall; for several labels a clip, mean over labels of the mean of recall and specificity, `(...)`.

        A label that every clip has leaves no specificity to measure: its recall counts alone.
        """
        recall = self.recall()
        if multi_label:
            everywhere = self.support == self.clips[..., None]
            recall = np.where(everywhere, recall, (recall + self.specificity()) / 2)
        return self.macro(recall)

    def micro(self) -> "Counts":
        """All classes counted as one, with `labels` = 1."""
        return Counts(
            self.hits.sum(-1, keepdims=True),
            self.predicted.sum(-1, keepdims=True),
            self.support.sum(-1, keepdims=True),
            self.clips,
            self.right,
        )


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Element-wise quotient in float64; 0 where the denominator is 0."""
    numerator, denominator = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator != 0)


def indicators(classes: np.ndarray, num_labels: int) -> np.ndarray:
    """Class indices `(n,)` or multi-hot `(n, labels)` as bool `(n, labels)`."""
    classes = np.asarray(classes)
    if classes.ndim == 2:
        return classes > 0.5
    return classes[:, None] == np.arange(num_labels)


def count(targets: np.ndarray, predictions: np.ndarray, num_labels: int) -> Counts:
    """Count over all clips. Both arrays are int `(n,)` class indices or 0/1 `(n, labels)`."""
    wanted, given = indicators(targets, num_labels), indicators(predictions, num_labels)
    return Counts(
        hits=(wanted & given).sum(0).astype(np.float64),
        predicted=given.sum(0).astype(np.float64),
        support=wanted.sum(0).astype(np.float64),
        clips=np.asarray(float(len(wanted))),
        right=(wanted == given).all(-1).sum().astype(np.float64),
    )


def confusion(targets: np.ndarray, predictions: np.ndarray, num_labels: int) -> np.ndarray:
    """Clips by true and given class, int64.

    Returns:
        `(labels, labels)`, rows true, columns given; for multi-hot `(n, labels)` arrays one `(labels, 2, 2)` table per
        label, `[[true negatives, false positives], [false negatives, true positives]]`.
    """
    if np.ndim(targets) == 1:
        cells = np.asarray(targets) * num_labels + np.asarray(predictions)
        return np.bincount(cells, minlength=num_labels**2).reshape(num_labels, num_labels)
    wanted, given = indicators(targets, num_labels), indicators(predictions, num_labels)
    table = [[~wanted & ~given, ~wanted & given], [wanted & ~given, wanted & given]]
    return np.array([[cell.sum(0) for cell in row] for row in table], dtype=np.int64).transpose(2, 0, 1)
