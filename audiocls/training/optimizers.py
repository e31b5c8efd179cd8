"""The optimiser and its learning-rate schedule."""

import math
from collections.abc import Callable
from typing import Any

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


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give each group of parameters its multiple of `rate`."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]


def make_optimizer(
    model: nn.Module, config: TrainConfig, scale_of: Callable[[str], float] = lambda name: 1.0
) -> torch.optim.Optimizer:
    """AdamW with decay on weights alone (not on biases and norms), or Adam without decay; for what is not frozen.

    Args:
        scale_of: by what the learning rate is multiplied for a parameter of the given name.
    """
    groups: dict[tuple[float, bool], dict[str, Any]] = {}
    for is_decayed in (True, False):
        for name, parameter in model.named_parameters():
            if parameter.requires_grad and (parameter.ndim > 1) == is_decayed:
                scale = scale_of(name)
                decay = config.weight_decay if is_decayed and config.optimizer == "adamw" else 0.0
                new = {"params": [], "scale": scale, "weight_decay": decay}
                groups.setdefault((scale, is_decayed), new)["params"].append(parameter)
    kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.AdamW
    return kind(list(groups.values()), lr=config.learning_rate)
