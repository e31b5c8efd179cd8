"""audiocls: from a folder of sounds to an audio classifier that anyone can load, try and trust.

Importing this package is cheap: torch and transformers load at first use. Once transformers' auto classes are
there, audiocls models are known to them, so `pipeline` needs no `trust_remote_code` in the same process.
"""

import os
from typing import TYPE_CHECKING, Any

import wrapt

# OpenMP threads that wait by spinning take the cores that the awaited ones need as soon as anything else runs on the
# machine: an epoch of 1.3 s was seen to take 25 s. It must be set before torch is loaded, and is left alone if set.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"

# public name -> module that defines it
_PUBLIC = {
    "AudioClassifier": "audiocls.inference.classifier",
    "AudioclsError": "audiocls.errors",
    "TrainConfig": "audiocls.config",
    "evaluate": "audiocls.assessment",
    "train": "audiocls.experiment",
}
__all__ = ["AudioClassifier", "AudioclsError", "TrainConfig", "evaluate", "train"]

if TYPE_CHECKING:
    from audiocls.assessment import evaluate
    from audiocls.config import TrainConfig
    from audiocls.errors import AudioclsError
    from audiocls.experiment import train
    from audiocls.inference.classifier import AudioClassifier


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'audiocls' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_PUBLIC[name]), name)


@wrapt.when_imported("transformers.models.auto.modeling_auto")
@wrapt.when_imported("audiocls.models.modeling_ensemble")  # the last of ours to be there, if ours came first
def _register_with_transformers(_: Any) -> None:
    import audiocls.models.modeling_ensemble as models

    if not hasattr(models, "AudioClsEnsembleForAudioClassification"):  # half imported: it will be called again
        return
    from transformers import AutoConfig, AutoModelForAudioClassification

    for model in (models.AudioClsForAudioClassification, models.AudioClsEnsembleForAudioClassification):
        AutoConfig.register(model.config_class.model_type, model.config_class, exist_ok=True)
        AutoModelForAudioClassification.register(model.config_class, model, exist_ok=True)
