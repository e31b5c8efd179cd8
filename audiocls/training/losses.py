"""The training loss: cross-entropy or binary cross-entropy against soft targets, with smoothing and class weights."""

import numpy as np
import torch
from torch.nn import functional as F

from audiocls.config import TrainConfig
from audiocls.errors import UsageError

# "auto" weighs classes once the most frequent one has this many times the clips of the rarest.
IMBALANCE = 2.0


def class_weights(counts: np.ndarray, choice: str) -> np.ndarray:
    """Weights float32 `(labels,)` with mean 1 over the clips: inverse frequency, or ones.

    Args:
        counts: training clips of each label.
        choice: "none", "balanced", or "auto" (balanced when counts differ `IMBALANCE` times or more).
    """
    counts = np.maximum(counts.astype(np.float64), 1)
    if choice == "none" or (choice == "auto" and counts.max() < IMBALANCE * counts.min()):
        return np.ones(len(counts), dtype=np.float32)
    return (counts.sum() / (len(counts) * counts)).astype(np.float32)


class Loss:
    """Loss summed over clips, so that batches split over processes or steps add up to the same gradient.

    Args:
        config: `loss` and `label_smoothing` are read.
        multi_label: several labels a clip (targets are independent 0/1).
        weights: float32 `(labels,)`.

    Raises:
        UsageError: binary cross-entropy asked for one of three or more classes, or cross-entropy for several labels.
    """

    def __init__(self, config: TrainConfig, multi_label: bool, weights: np.ndarray) -> None:
        if config.loss == "binary_cross_entropy" and not multi_label and len(weights) != 2:
            raise UsageError(
                f"loss is binary_cross_entropy; it needs two classes or several labels a clip, "
                f"and the data has one of {len(weights)} classes a clip"
            )
        if config.loss == "cross_entropy" and multi_label:
            raise UsageError("loss is cross_entropy; clips with several labels need binary_cross_entropy")
        self.smoothing = config.label_smoothing
        self.multi_label = multi_label
        self.binary = config.loss == "binary_cross_entropy" and not multi_label
        self.weights = torch.from_numpy(weights)

    def __call__(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Sum over clips for `logits` and soft `targets`, both `(batch, labels)`."""
        logits, weights = logits.float(), self.weights.to(logits.device)
        if self.multi_label:
            smooth = targets * (1 - self.smoothing) + self.smoothing / 2
            losses = F.binary_cross_entropy_with_logits(logits, smooth, weight=weights, reduction="none")
            return losses.mean(1).sum()
        smooth = targets * (1 - self.smoothing) + self.smoothing / targets.shape[1]
        clip_weights = (targets * weights).sum(1)
        if self.binary:
            # One logit decides between two classes. It is their difference, so softmax over the two that are stored
            # is the sigmoid of the one that was trained, and `pipeline` needs to know nothing of it.
            losses = F.binary_cross_entropy_with_logits(logits[:, 1] - logits[:, 0], smooth[:, 1], reduction="none")
        else:
            losses = -(smooth * F.log_softmax(logits, dim=1)).sum(1)
        return (losses * clip_weights).sum()
