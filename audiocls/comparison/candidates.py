"""What `auto` considers: kinds of model that suit the settings and the weights at hand, the cheap ones first."""

from dataclasses import dataclass
from typing import Any

from audiocls.config import TrainConfig
from audiocls.model_folder import is_model_folder
from audiocls.pretrained.weights import REGISTRY, default_folder


@dataclass(frozen=True)
class Candidate:
    """A kind of model with its settings, under the name it has on the leaderboard."""

    name: str
    config: TrainConfig


def suitable(config: TrainConfig, backbones: list[str] | None = None) -> list[Candidate]:
    """The candidates in the order in which they are tried: about as long as they take.

    Args:
        config: of kind "auto"; what it leaves to be chosen is chosen by kind.
        backbones: pretrained models; those of `audiocls weights` that are on this machine unless given. Nothing is
            fetched.
    """
    if backbones is None:
        backbones = [name for name in REGISTRY if is_model_folder(default_folder(name))]
    kinds: list[tuple[str, dict[str, Any]]] = [
        *((f"probe:{name}", {}) for name in backbones),
        ("forest", {}),
        ("forest", {"features": "pitch"}),  # alone: beside features of timbre, trees go by the voices they know
        ("boosting", {}),
        ("cnn", {}),
        ("cnn1d", {}),
        ("crnn", {}),
        *((f"finetune:{name}", {}) for name in backbones),
    ]
    return [Candidate(_name(model, extra), config.replaced(model=model, **extra)) for model, extra in kinds]


def _name(model: str, extra: dict[str, Any]) -> str:
    told = ", ".join(f"{name} {value}" for name, value in extra.items())
    return f"{model} ({told})" if told else model
