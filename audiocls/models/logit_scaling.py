"""Calibration as part of a model: its logits times a scale plus a bias, fitted after training.

Exported with every model: imports only what a Hub user has. It reads `logit_scale` and `logit_bias` of a configuration,
lists of one number a label; None changes nothing.
"""

import math

import torch
from transformers import PretrainedConfig


def scaled(logits: torch.Tensor, config: PretrainedConfig) -> torch.Tensor:
    """Calibrated logits `(..., num_labels)` of one window each."""
    if config.logit_scale is not None:
        logits = logits * logits.new_tensor(config.logit_scale)
    if config.logit_bias is not None:
        logits = logits + logits.new_tensor(config.logit_bias)
    return logits


def check_scaling(config: PretrainedConfig) -> None:
    """Refuse a scale or bias that fits no answer.

    Raises:
        ValueError: not one number a label, or a scale that is not positive.
    """
    for name in ("logit_scale", "logit_bias"):
        values = getattr(config, name)
        if values is None:
            continue
        if not isinstance(values, list) or len(values) != config.num_labels:
            raise ValueError(f"{name} must be a list of one number for each of the {config.num_labels} labels")
        if not all(isinstance(value, int | float) and math.isfinite(value) for value in values):
            raise ValueError(f"{name} holds what is no number")
        if name == "logit_scale" and min(values) <= 0:
            raise ValueError(f"logit_scale is {min(values)}; it must be above 0")
