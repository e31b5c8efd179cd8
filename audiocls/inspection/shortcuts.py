"""Shortcuts: how well a class can be told from how a clip was recorded and stored, without listening to it.

A network learns whatever tells classes apart. Where one class was recorded louder, longer or with another device, it
may learn that and nothing else, and fail on the first recording made differently. So a small forest is asked
to tell the classes from one property alone, cross-validated with whole groups.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from audiocls.evaluation.intervals import bootstrap_intervals
from audiocls.inspection.records import Columns

# The measures that make up each property.
PROPERTIES: dict[str, tuple[str, ...]] = {
    "loudness": ("loudness", "rms", "peak"),
    "duration": ("seconds",),
    "sampling rate": ("sampling_rate",),
    "bandwidth": ("bandwidth", "original_rate"),
    "silence": ("silence", "leading", "trailing"),
    "background noise": ("background",),
    "offset": ("offset",),
    "channels": ("channels",),
    "format": ("format",),
}
TOGETHER = "all of these together"
MOST_CLIPS = 4000  # drawn at random when there are more: enough for two digits
NUM_FOLDS = 5
_TREES = 25


@dataclass(frozen=True)
class Shortcut:
    """Balanced accuracy of telling the class by one property, its 95% interval, and what guessing would reach."""

    name: str
    accuracy: float
    interval: tuple[float, float]
    chance: float
    num_sets: int  # of clips that stay together; the interval is over these, and few say little

    @property
    def skill(self) -> float:
        """0 for guessing, 1 for always right."""
        return (self.accuracy - self.chance) / (1 - self.chance)


def find_shortcuts(columns: Columns, targets: np.ndarray, sets: np.ndarray, seed: int = 0) -> list[Shortcut]:
    """A shortcut for each property that is not the same for all clips, then one for all together.

    Args:
        columns: measures of the clips.
        targets: int64 (clips,) classes from 0 up; or bool (clips, labels), several labels a clip.
        sets: int64 (clips,), clips that stay on one side of every fold (one group, or copies of one recording).
        seed: of the folds, the forests and the draw of clips.

    Returns:
        Empty when there are not two classes with two sets of clips each; classes with fewer are left out.
    """
    rng = np.random.default_rng([seed, 7])
    chosen = _testable(targets, sets)
    if len(chosen) > MOST_CLIPS:
        chosen = np.sort(rng.permutation(chosen)[:MOST_CLIPS])
        chosen = chosen[_testable(targets[chosen], sets[chosen])]
    targets, sets = targets[chosen], np.unique(sets[chosen], return_inverse=True)[1]
    if targets.ndim == 1:
        targets = np.unique(targets, return_inverse=True)[1]
        num_labels = int(targets.max(initial=-1)) + 1
    else:
        targets = targets[:, targets.any(axis=0) & ~targets.all(axis=0)].astype(np.int64)
        num_labels = targets.shape[1]
    if num_labels < (2 if targets.ndim == 1 else 1) or len(np.unique(sets)) < 2:
        return []
    columns = columns.rows(chosen)
    features = {name: _features(columns, measures) for name, measures in PROPERTIES.items()}
    features = {name: values for name, values in features.items() if np.ptp(values, axis=0).max() > 0}
    if len(features) > 1:
        features[TOGETHER] = np.concatenate(list(features.values()), axis=1)
    folds = _folds(targets, sets, seed)
    chance = 1 / num_labels if targets.ndim == 1 else 0.5
    found = []
    for name, values in features.items():
        predictions = _predictions(values, targets, folds, seed)
        generator = np.random.default_rng([seed, 11])
        interval = bootstrap_intervals(targets, predictions, num_labels, sets, generator).overall["balanced_accuracy"]
        found.append(
            Shortcut(name, _balanced_accuracy(targets, predictions, num_labels), interval, chance, int(sets.max()) + 1)
        )
    return found


def _testable(targets: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """The clips of classes that have at least two sets."""
    if targets.ndim == 2:
        return np.arange(len(targets))
    pairs = np.unique(np.stack([targets, sets], axis=1), axis=0)
    return np.flatnonzero(np.isin(targets, np.flatnonzero(np.bincount(pairs[:, 0]) > 1)))


def _features(columns: Columns, measures: Sequence[str]) -> np.ndarray:
    arrays = []
    for name in measures:
        values = columns[name]
        if isinstance(values, list):
            values = np.unique(np.array(values, str), return_inverse=True)[1]
        arrays.append(values.astype(np.float64))
    # What a recording shares by its nature to a few digits should not name it.
    return np.stack(arrays, axis=1).round(4)


def _folds(targets: np.ndarray, sets: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    num_folds = min(NUM_FOLDS, len(np.unique(sets)))
    if targets.ndim == 1:
        num_folds = min(num_folds, int(np.bincount(targets).max()))
        splitter = StratifiedGroupKFold(num_folds, shuffle=True, random_state=seed)
    else:
        splitter = GroupKFold(num_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class with fewer clips than folds is missing from some: so it is
        return list(splitter.split(np.zeros(len(targets)), targets, sets))


def _predictions(
    values: np.ndarray, targets: np.ndarray, folds: list[tuple[np.ndarray, np.ndarray]], seed: int
) -> np.ndarray:
    predictions = np.zeros_like(targets)
    for train, test in folds:
        forest = ExtraTreesClassifier(
            _TREES,
            min_samples_leaf=max(2, len(train) // 400),
            class_weight="balanced",
            random_state=seed,
            n_jobs=1,
        )
        predictions[test] = forest.fit(values[train], targets[train]).predict(values[test]).reshape(targets[test].shape)
    return predictions


def _balanced_accuracy(targets: np.ndarray, predictions: np.ndarray, num_labels: int) -> float:
    if targets.ndim == 1:
        right = targets == predictions
        return float(np.mean([right[targets == label].mean() for label in range(num_labels)]))
    wanted, given = targets.astype(bool), predictions.astype(bool)
    found = [(given[wanted[:, k], k].mean() + (~given[~wanted[:, k], k]).mean()) / 2 for k in range(num_labels)]
    return float(np.mean(found))
