"""A training checkpoint: one safetensors file, replaced in one step, so that a kill at any moment leaves a whole one.

Tensors are stored by name; everything else is JSON in the file's header. Nothing is pickled.
"""

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from audiocls.errors import OutputError


def save_checkpoint(path: Path, tensors: dict[str, torch.Tensor], state: dict[str, Any]) -> None:
    """Write `tensors` and the JSON-able `state` to `path`.

    Raises:
        OutputError: the disk is full or the folder cannot be written.
    """
    beside = path.with_name(path.name + ".partial")
    try:
        save_file(
            {name: tensor.detach().contiguous().cpu().clone() for name, tensor in tensors.items()},
            beside,
            metadata={"state": json.dumps(state)},
        )
        os.replace(beside, path)
    except (OSError, SafetensorError) as error:
        beside.unlink(missing_ok=True)
        raise OutputError(f"{path}: the checkpoint cannot be written: {error}") from error


def load_checkpoint(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read what `save_checkpoint` wrote: tensors on the CPU, and the state.

    Raises:
        OutputError: the file is damaged or is no checkpoint.
    """
    try:
        with safe_open(path, framework="pt") as file:
            state = json.loads((file.metadata() or {})["state"])
            return {name: file.get_tensor(name) for name in file.keys()}, state  # noqa: SIM118 (no mapping)
    except (OSError, SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise OutputError(f"{path}: not a usable checkpoint ({error}); train again without --resume") from error


def nested(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Put `tensors` under `prefix/`."""
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def unnested(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors under `prefix/`, without it."""
    return {name[len(prefix) + 1 :]: tensor for name, tensor in tensors.items() if name.startswith(prefix + "/")}


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """An optimiser's moments, named by parameter number and kind."""
    moments = optimizer.state_dict()["state"]
    return {f"{number}.{kind}": value for number, kinds in moments.items() for kind, value in kinds.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Put back what `optimizer_tensors` gave."""
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        number, kind = name.split(".", 1)
        moments.setdefault(int(number), {})[kind] = value
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
