"""Ensembles of decision trees as tensors: random forests and boosted trees, without scikit-learn at hand.

They are evaluated here and grown elsewhere (`audiocls.classical`). A node asks whether a statistic of the clip is at
most a threshold; -1 - k as a child is leaf k.
"""

import torch
from torch import nn
from transformers import PretrainedConfig

from .clip_statistics import clip_statistics, num_statistics, pitch_band

LEAST_SCORE = 1e-9  # what a score of 0 counts, so that its logarithm is a number


def log_scores(scores: torch.Tensor, multi_label: bool) -> torch.Tensor:
    """Logits whose softmax (or sigmoid, for several labels a clip) is `scores`."""
    if multi_label:
        return torch.logit(scores, LEAST_SCORE)
    return scores.clamp(min=LEAST_SCORE).log()


class Trees(nn.Module):
    """Trees that decide on statistics of the feature map.

    Reads from `config.network` the sizes of its tensors: `trees`, `nodes` and `leaves`, of all trees together, and
    `depth`, the most questions in a row. `features`, `below`, `above` (nodes,) and `roots` (trees,) are int32, and so
    are `thresholds`: the bits of float32 numbers, for in bfloat16 a threshold would be another one. `leaf_values` are
    fitted, never trained further.
    """

    features: torch.Tensor
    thresholds: torch.Tensor
    below: torch.Tensor
    above: torch.Tensor
    roots: torch.Tensor
    averages_scores = True  # of a long clip's windows; the logits of a score of 0 would outvote all others
    one_by_one = True  # windows are neither padded nor batched before their statistics are taken

    def __init__(self, config: PretrainedConfig, num_bands: int, leaf_shape: tuple[int, ...]) -> None:
        super().__init__()
        sizes = {"trees": 1, "nodes": 1, "leaves": 1, "depth": 1} | config.network
        self.depth = int(sizes["depth"])
        self.pitch_at = pitch_band(config, num_bands)
        self.num_statistics = num_statistics(num_bands, self.pitch_at)
        self.multi_label = config.problem_type == "multi_label_classification"
        for name in ("features", "thresholds", "below", "above"):
            self.register_buffer(name, torch.zeros(sizes["nodes"], dtype=torch.int32))
        self.register_buffer("roots", torch.full((sizes["trees"],), -1, dtype=torch.int32))
        self.leaf_values = nn.Parameter(torch.zeros(sizes["leaves"], *leaf_shape), requires_grad=False)
        self._checked = False

    def statistics(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Statistics (batch, num_statistics) float32 of features (batch, 1, bands, frames) where mask is True."""
        lengths = mask.sum(1).tolist()
        return torch.stack(
            [
                clip_statistics(bands[0, :, :length], self.pitch_at)
                for bands, length in zip(features, lengths, strict=True)
            ]
        )

    def embed(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """What the trees go by: `statistics`."""
        return self.statistics(features, mask)

    def classify(self, embedded: torch.Tensor) -> torch.Tensor:
        """Logits (batch, labels) of what `embed` gives."""
        return self.from_statistics(embedded)

    def from_statistics(self, statistics: torch.Tensor) -> torch.Tensor:
        """Logits (batch, labels) float32 of statistics (batch, num_statistics)."""
        raise NotImplementedError

    def check(self) -> None:
        """Refuse tensors that are no trees, such as those of a damaged file.

        Raises:
            ValueError: the message names the tensor and what is wrong.
        """
        nodes, leaves = len(self.features), len(self.leaf_values)
        features, thresholds = self.features.long(), self.thresholds.view(torch.float32)
        if nodes and not 0 <= int(features.min()) <= int(features.max()) < self.num_statistics:
            raise ValueError(
                f"features go beyond the {self.num_statistics} statistics of a clip: the trees are damaged"
            )
        if thresholds.isnan().any() or not self.leaf_values.isfinite().all():
            raise ValueError("thresholds or leaf_values hold what is no number: the trees are damaged")
        for name in ("below", "above", "roots"):
            children = getattr(self, name).long()
            if not -leaves <= int(children.min()) <= int(children.max()) < nodes:
                raise ValueError(f"{name} names nodes or leaves that do not exist: the trees are damaged")
            if name != "roots" and ((children >= 0) & (children <= torch.arange(nodes, device=children.device))).any():
                raise ValueError(f"{name} leads back to a node before: the trees are damaged")

    def leaves(self, statistics: torch.Tensor) -> torch.Tensor:
        """The leaf of each tree that a clip falls into; (batch, num_statistics) to (batch, trees) int64."""
        if not self._checked:
            self.check()
            self._checked = True
        thresholds = self.thresholds.view(torch.float32)
        at = self.roots.long().expand(len(statistics), -1)
        for _ in range(self.depth):
            node = at.clamp(min=0)
            goes_below = statistics.gather(1, self.features[node].long()) <= thresholds[node]
            child = torch.where(goes_below, self.below[node], self.above[node]).long()
            at = torch.where(at < 0, at, child)
        if (at >= 0).any():
            raise ValueError(f"network.depth is {self.depth}, but the trees go deeper: the model is damaged")
        return -1 - at

    def precise(self, values: torch.Tensor) -> torch.Tensor:
        """Values in the precision to add them up in."""
        return values.to(torch.float32 if values.device.type == "mps" else torch.float64)


class Forest(Trees):
    """Trees that are averaged; a leaf holds the share of each label, (leaves, labels).

    L. Breiman, "Random forests", 2001; P. Geurts et al., "Extremely randomized trees", 2006.
    """

    def __init__(self, config: PretrainedConfig, num_bands: int) -> None:
        super().__init__(config, num_bands, (len(config.id2label or {}),))

    def forward(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Logits (batch, labels) float32 of features (batch, 1, bands, frames) and their mask (batch, frames)."""
        return self.classify(self.embed(features, mask))

    def from_statistics(self, statistics: torch.Tensor) -> torch.Tensor:
        """Logits (batch, labels) float32; softmax (or sigmoid) gives the mean of the leaves' shares."""
        shares = self.precise(self.leaf_values[self.leaves(statistics)]).mean(1)  # (batch, trees, labels) to a mean
        return log_scores(shares, self.multi_label).float()


class Boosting(Trees):
    """Trees that add up (J. Friedman, "Greedy function approximation: a gradient boosting machine", 2001).

    A leaf holds one number, which counts for the label its tree belongs to: `labels`, int32 (trees,). `start`
    (labels,) is where the sums begin.
    """

    labels: torch.Tensor

    def __init__(self, config: PretrainedConfig, num_bands: int) -> None:
        super().__init__(config, num_bands, ())
        self.register_buffer("labels", torch.zeros(len(self.roots), dtype=torch.int32))
        self.start = nn.Parameter(torch.zeros(len(config.id2label or {})), requires_grad=False)

    def check(self) -> None:
        """As in `Trees`, and every tree belongs to a label."""
        super().check()
        if not 0 <= int(self.labels.min()) <= int(self.labels.max()) < len(self.start):
            raise ValueError("labels go beyond those of the model: the trees are damaged")
        if not self.start.isfinite().all():
            raise ValueError("start holds what is no number: the trees are damaged")

    def forward(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Logits (batch, labels) float32 of features (batch, 1, bands, frames) and their mask (batch, frames)."""
        return self.classify(self.embed(features, mask))

    def from_statistics(self, statistics: torch.Tensor) -> torch.Tensor:
        """Logits (batch, labels) float32."""
        values = self.precise(self.leaf_values[self.leaves(statistics)])  # (batch, trees)
        sums = self.precise(self.start).repeat(len(values), 1)
        return sums.index_add_(1, self.labels.long(), values).float()
