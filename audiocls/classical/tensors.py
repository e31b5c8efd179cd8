"""Grown trees as the tensors of `audiocls.models.trees`: the trees of an ensemble one behind the other.

scikit-learn compares float32 statistics with float64 thresholds; "at most the threshold" is the same as "at most the
largest float32 that is not above it", so float32 thresholds lose nothing.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from sklearn.ensemble import ExtraTreesClassifier

from audiocls.classical.growing import Grown, tree_shares


@dataclass
class _Nodes:
    """Nodes and leaves of all trees so far."""

    features: list[np.ndarray] = field(default_factory=list)
    thresholds: list[np.ndarray] = field(default_factory=list)
    below: list[np.ndarray] = field(default_factory=list)
    above: list[np.ndarray] = field(default_factory=list)
    leaf_values: list[np.ndarray] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)
    nodes: int = 0
    leaves: int = 0
    depth: int = 1

    def add(self, tree: Any, values: np.ndarray) -> None:
        """Add a tree of scikit-learn, parents before children, with what it says in each of its nodes."""
        is_leaf = tree.children_left < 0
        inner = ~is_leaf
        numbers = np.where(is_leaf, -self.leaves - np.cumsum(is_leaf), self.nodes + np.cumsum(inner) - 1)
        self.features.append(tree.feature[inner])
        self.thresholds.append(rounded_down(tree.threshold[inner]))
        self.below.append(numbers[tree.children_left[inner]])
        self.above.append(numbers[tree.children_right[inner]])
        self.leaf_values.append(values[is_leaf])
        self.roots.append(int(numbers[0]))
        self.nodes += int(inner.sum())
        self.leaves += int(is_leaf.sum())
        self.depth = max(self.depth, tree.max_depth)


def rounded_down(thresholds: np.ndarray) -> np.ndarray:
    """The largest float32 at or below each float64."""
    nearest = thresholds.astype(np.float32)
    return np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest).astype(np.float32)


def tree_tensors(grown: Grown) -> tuple[dict[str, int], dict[str, torch.Tensor]]:
    """What an ensemble is as a network: its settings (`config.network`) and its state dict."""
    nodes = _Nodes()
    extra: dict[str, torch.Tensor] = {}
    if isinstance(next(iter(grown.estimators), None), ExtraTreesClassifier):
        for estimator in grown.estimators[0].estimators_:
            nodes.add(estimator.tree_, tree_shares(grown, estimator))
    else:
        labels = []
        for estimator, columns in zip(grown.estimators, grown.columns, strict=True):
            for round_ in estimator.estimators_:
                for grower, label in zip(round_, columns, strict=True):
                    nodes.add(grower.tree_, estimator.learning_rate * grower.tree_.value[:, 0, 0])
                    labels.append(label)
        if not labels:  # one class alone: a tree that says nothing
            nodes.leaf_values.append(np.zeros(1))
            nodes.roots, nodes.leaves, labels = [-1], 1, [0]
        extra = {
            "labels": torch.tensor(labels, dtype=torch.int32),
            "start": torch.from_numpy(grown.start.astype(np.float32)),
        }
    if nodes.nodes == 0:  # no tree asks anything; torch can gather nothing from nothing
        for name, value in (("features", 0), ("thresholds", 0), ("below", -1), ("above", -1)):
            getattr(nodes, name).append(np.array([value], np.float32 if name == "thresholds" else np.int32))
        nodes.nodes = 1
    state = {
        name: torch.from_numpy(np.concatenate(getattr(nodes, name)).astype(np.int32))
        for name in ("features", "below", "above")
    }
    state["thresholds"] = torch.from_numpy(np.concatenate(nodes.thresholds).view(np.int32))
    state["roots"] = torch.tensor(nodes.roots, dtype=torch.int32)
    state["leaf_values"] = torch.from_numpy(np.concatenate(nodes.leaf_values).astype(np.float32))
    sizes = {"trees": len(nodes.roots), "nodes": nodes.nodes, "leaves": nodes.leaves, "depth": nodes.depth}
    return sizes, state | extra
