"""What tells unknown sounds, given to a model and kept beside it.

audiocls models hold it among their weights. Other architectures know nothing of it: `config.json` has its settings,
and `rejection.safetensors` beside their weights its tensors.
"""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from audiocls.errors import ModelError
from audiocls.inference.download import REJECTION_FILE
from audiocls.inference.model_config import OWN_TYPES
from audiocls.models.rejection import KnownSounds
from audiocls.whole_files import whole_file


def attach_rejection(model: Any, settings: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    """Give a model, of whatever architecture, what tells unknown sounds.

    Args:
        settings: plain values as `KnownSounds` takes them.
        tensors: its state dict.

    Raises:
        ValueError, RuntimeError: settings and tensors do not belong together.
    """
    known = KnownSounds(settings, model.config.num_labels)
    known.load_state_dict(tensors)
    known.to(model.device)
    model.config.rejection = settings
    if model.config.model_type in OWN_TYPES:
        model.known_sounds = known
    else:  # no part of the model, or it would be among its weights, which others load
        object.__setattr__(model, "known_sounds", known)


def save_rejection(model: Any, folder: Path) -> None:
    """Write `rejection.safetensors` beside the weights of a model that does not hold it; call after `save_pretrained`.

    Raises:
        OutputError: it cannot be written.
    """
    known = getattr(model, "known_sounds", None)
    if model.config.model_type in OWN_TYPES or not isinstance(known, KnownSounds):
        return
    with whole_file(folder / REJECTION_FILE) as beside:
        save_file({name: tensor.cpu().contiguous() for name, tensor in known.state_dict().items()}, beside)


def load_rejection(model: Any, folder: Path, name: str) -> None:
    """Give a model of transformers what lies beside it, if its configuration speaks of it.

    Raises:
        ModelError: the file is missing, damaged or of another model.
    """
    settings = getattr(model.config, "rejection", None)
    if not isinstance(settings, dict) or not settings.get("views"):
        return
    path = folder / REJECTION_FILE
    if not path.is_file():
        raise ModelError(f"{name} has no {REJECTION_FILE}, which its config.json speaks of")
    try:
        attach_rejection(model, settings, load_file(path))
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"{name}: {REJECTION_FILE} is damaged: {str(error).splitlines()[0]}") from error
