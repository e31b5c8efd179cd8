"""Putting a scaling of logits into a model itself, so that whatever loads the model gives calibrated scores."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from audiocls.errors import ModelError
from audiocls.finishing.temperature import Scaling
from audiocls.inference.model_config import OWN_TYPES
from audiocls.pretrained.features import final_linear


def fold(model: Any, scaling: Scaling) -> None:
    """Scale the logits that the model gives for a window, on top of what it already does.

    audiocls models keep it in `config.logit_scale` and `config.logit_bias`; in transformers' own architectures it goes
    into the weights of the last layer.

    Raises:
        ModelError: an architecture whose last layer is not linear.
    """
    config = model.config
    if config.model_type in OWN_TYPES:
        both = scaling.after(model_scaling(model))
        config.logit_scale = both.scale.tolist()
        config.logit_bias = None if both.bias is None else both.bias.tolist()
        return
    try:
        last = final_linear(model)
    except (AttributeError, IndexError):
        raise ModelError(
            f"models of type {config.model_type} end in no linear layer, so they cannot be calibrated"
        ) from None
    with torch.no_grad():
        scale = last.weight.new_tensor(scaling.scale)
        last.weight.mul_(scale[:, None])
        if last.bias is not None:
            last.bias.mul_(scale)
        if scaling.bias is not None:
            bias = last.weight.new_tensor(scaling.bias)
            if last.bias is None:
                raise ModelError(f"the last layer of this {config.model_type} has no bias, so it cannot be calibrated")
            last.bias.add_(bias)


@contextmanager
def unfolded(model: Any, scaling: Scaling) -> Iterator[None]:
    """For a while the model answers as it did before this scaling was folded into it.

    `Scaling.undone` finds the same from scores at no cost, but only nearly where a long clip's scores are means over
    its windows.
    """
    config = model.config
    own = config.model_type in OWN_TYPES
    kept: Any = (config.logit_scale, config.logit_bias) if own else final_linear(model).state_dict()
    kept = kept if own else {name: tensor.clone() for name, tensor in kept.items()}
    bias = None if scaling.bias is None else -scaling.bias / scaling.scale
    fold(model, Scaling(1 / scaling.scale, bias))
    try:
        yield
    finally:
        if own:
            config.logit_scale, config.logit_bias = kept
        else:
            final_linear(model).load_state_dict(kept)


def model_scaling(model: Any) -> Scaling:
    """What an audiocls model's logits are scaled with so far."""
    scale, bias = model.config.logit_scale, model.config.logit_bias
    return Scaling(
        np.ones(model.config.num_labels) if scale is None else np.array(scale, np.float64),
        None if bias is None else np.array(bias, np.float64),
    )
