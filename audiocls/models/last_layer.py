"""What a classifier's last linear layer is given: the features by which a model of transformers decides.

Exported with every model: imports only what a Hub user has.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


def final_linear(model: Any) -> nn.Linear:
    """The last layer of a classifier, which gives the logits."""
    return [module for module in model.classifier.modules() if isinstance(module, nn.Linear)][-1]


@contextmanager
def last_input(model: Any) -> Iterator[list[torch.Tensor]]:
    """A list to which each call of the model within adds what its last layer was given, `(batch, width)`.

    Calls from other threads do not count. A model without such a layer adds nothing.
    """
    received: list[torch.Tensor] = []
    here = threading.get_ident()

    def keep(module: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        if threading.get_ident() == here:
            received.append(given[0])

    try:
        hook = final_linear(model).register_forward_pre_hook(keep)
    except (AttributeError, IndexError):
        yield received
        return
    try:
        yield received
    finally:
        hook.remove()
