"""Growing trees with scikit-learn.

An estimator knows the classes it saw; here what it says is spread over all labels, so a class that a fold lacks does
no harm. `tensors` turns what has grown into the weights of a model.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier

from audiocls.classical.samples import Samples

NEVER = -30.0  # logit of a label that no training clip has; less that, of one that all have
FOREST = {"max_features": 0.15}
BOOSTING = {"learning_rate": 0.1, "max_depth": 4, "max_features": "sqrt", "subsample": 0.6}


@dataclass
class Grown:
    """Fitted estimators and where what they say belongs.

    A forest is one estimator for all labels. Boosting is one for all labels, or, with several labels a clip, one for
    each label that has clips with and without it.

    columns: for each estimator, the label of each of its outputs: of the classes it knows, or, when boosting tells
        two apart, of the second.
    start: float64 (labels,), logits where boosting begins, and of labels it cannot know. Forests have no use for it.
    """

    estimators: list[Any]
    columns: list[list[int]]
    start: np.ndarray
    multi_label: bool


def grow_forest(samples: Samples, multi_label: bool, label_weights: np.ndarray, count: int, seed: int) -> Grown:
    """Extremely randomised trees on the statistics of windows."""
    estimator = ExtraTreesClassifier(count, **FOREST, random_state=seed, n_jobs=-1)
    targets = samples.targets[samples.owners]
    if multi_label:  # a column twice: scikit-learn takes a single one for a class a clip
        wanted = np.hstack([targets, targets[:, :1]]).astype(int)
    else:
        wanted = targets.argmax(1)
    estimator.fit(samples.statistics, wanted, samples.weights(label_weights))
    columns = list(range(targets.shape[1])) if multi_label else estimator.classes_.tolist()
    return Grown([estimator], [columns], np.zeros(targets.shape[1]), multi_label)


def grow_boosting(samples: Samples, multi_label: bool, label_weights: np.ndarray, count: int, seed: int) -> Grown:
    """Trees that each correct those before, `count` rounds of them."""
    targets = samples.targets[samples.owners].astype(int)
    weights = samples.weights(label_weights)
    least = min(3, max(1, len(targets) // 40))  # windows in a leaf
    grown = Grown([], [], np.full(targets.shape[1], NEVER), multi_label)

    def add(wanted: np.ndarray, columns: list[int]) -> None:
        estimator = GradientBoostingClassifier(
            n_estimators=count, min_samples_leaf=least, random_state=seed, **BOOSTING
        ).fit(samples.statistics, wanted, weights)
        grown.estimators.append(estimator)
        grown.columns.append(columns)
        shares = estimator.init_.class_prior_  # where it begins: as if it knew nothing but how frequent classes are
        grown.start[columns] = np.log(shares) if len(columns) > 1 else np.log(shares[1] / shares[0])

    if multi_label:
        for label, wanted in enumerate(targets.T):
            if wanted.min() < wanted.max():
                add(wanted, [label])
            elif wanted.all():
                grown.start[label] = -NEVER
    else:
        known = np.flatnonzero(targets.any(0)).tolist()
        grown.start[known] = 0.0
        if len(known) > 1:
            add(targets.argmax(1), known if len(known) > 2 else known[1:])
    return grown


def tree_shares(grown: Grown, tree: Any) -> np.ndarray:
    """What a forest's tree says in each of its nodes: float64 (nodes, labels), the share of each label there."""
    shares = np.zeros((tree.tree_.node_count, len(grown.start)))
    values = tree.tree_.value  # (nodes, outputs, most classes of an output)
    values = values / values.sum(2, keepdims=True)
    if not grown.multi_label:
        shares[:, grown.columns[0]] = values[:, 0]
        return shares
    for label in grown.columns[0]:
        classes = grown.estimators[0].classes_[label].tolist()
        if 1 in classes:
            shares[:, label] = values[:, label, classes.index(1)]
    return shares


def staged_scores(grown: Grown, statistics: np.ndarray, counts: list[int]) -> Iterator[np.ndarray]:
    """Scores (windows, labels) of only so many trees (forest) or rounds (boosting), for each of `counts`."""
    if isinstance(next(iter(grown.estimators), None), ExtraTreesClassifier):
        total = np.zeros((len(statistics), len(grown.start)))
        for number, tree in enumerate(grown.estimators[0].estimators_, 1):
            total += tree_shares(grown, tree)[tree.apply(statistics)]
            if number in counts:
                yield total / number
        return
    stages = [estimator.staged_decision_function(statistics) for estimator in grown.estimators]
    for number in range(1, max(counts) + 1):
        logits = np.tile(grown.start, (len(statistics), 1))
        for stage, columns in zip(stages, grown.columns, strict=True):
            logits[:, columns] = next(stage).reshape(len(statistics), -1)
        if number in counts:
            yield 1 / (1 + np.exp(-logits)) if grown.multi_label else softmax(logits)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Rows that sum to one."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)
