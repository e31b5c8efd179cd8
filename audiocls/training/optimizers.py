"""The optimiser and its learning-rate schedule."""

import math

import torch
from torch import nn

from audiocls.config import TrainConfig

WARMUP_SHARE = 0.1  # of all steps


def learning_rate(step: int, total_steps: int, peak: float) -> float:
    """Linear warm-up, then half a cosine to zero. A function of the step alone, so that resuming needs no state."""
    warmup = max(1, round(WARMUP_SHARE * total_steps))
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total_steps - warmup)))


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW with decay on weights alone (not on biases and norms), or Adam without decay."""
    if config.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), lr=config.learning_rate)
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.learning_rate)
