"""The layers of a pretrained model's encoder, found in any architecture: freezing them, recomputing them, and how
deep a parameter lies."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from torch import nn
from torch.utils.checkpoint import checkpoint


def encoder_layers(model: nn.Module) -> nn.ModuleList:
    """The stack of attention layers, the lowest first: of Whisper, AST, the wav2vec2 family or another transformer."""
    for module in model.modules():
        if isinstance(module, nn.ModuleList) and len(module) and all(_attends(layer) for layer in module):
            return module
    raise ValueError(f"{type(model).__name__} has no attention layers")


def _attends(layer: nn.Module) -> bool:
    return any("Attention" in type(module).__name__ for module in layer.modules())


def heights(model: nn.Module) -> dict[str, int]:
    """How high each parameter lies: 0 below the encoder's layers (convolutions, positions), then the number of the
    layer, counted from 1, and one more above the last layer (its norm, the head)."""
    layers = encoder_layers(model)
    layer_of = {id(parameter): number for number, layer in enumerate(layers, 1) for parameter in layer.parameters()}
    # Modules are registered from the input to the output.
    height, found = 0, {}
    for name, parameter in model.named_parameters():
        height = layer_of.get(id(parameter), len(layers) + 1 if height else 0)
        found[name] = height
    return found


@contextmanager
def recomputed_layers(model: nn.Module, switched_on: bool) -> Iterator[None]:
    """Gradient checkpointing within: layers keep their input alone and compute the rest again in the backward pass.

    transformers' own needs training mode, which would also switch on dropout.
    """
    layers = encoder_layers(model) if switched_on else nn.ModuleList()
    for layer in layers:
        layer.forward = partial(checkpoint, layer.forward, use_reentrant=False)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward
