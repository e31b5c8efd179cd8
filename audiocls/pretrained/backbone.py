"""A pretrained model as the start of a classifier: finding it, giving it a head, cutting its window to the clips.

Any architecture that `AutoModelForAudioClassification` maps will do, whatever head the checkpoint has. What comes out
is an ordinary transformers model of that architecture. Code that comes with a model is never run.
"""

import difflib
import functools
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import constants

from audiocls.config import TrainConfig
from audiocls.data.clips import Clips
from audiocls.errors import ModelError
from audiocls.hub.ids import parse_hub_id
from audiocls.inference.download import ModelFiles, find_model
from audiocls.inference.loading import explained, quiet_transformers
from audiocls.inference.model_config import INPUT_FILES, read_config
from audiocls.model_folder import is_model_folder
from audiocls.pretrained.weights import REGISTRY, default_folder
from audiocls.pretrained.windows import cut_window, default_extractor, fitting_seconds, fixed_window
from audiocls.training.factory import label_settings

# Weights that a checkpoint may lack: those of the head, which is new, and one used only to hide parts in pretraining.
_HEAD = ("classifier.", "projector.", "layer_weights")
_UNUSED = ("masked_spec_embed",)


def find_backbone(name: str) -> Path:
    """The folder of a pretrained model.

    Args:
        name: a folder, one of `audiocls weights --list`, or the id of a model on the Hub, also "user/name@revision".

    Raises:
        ModelError: it is not here and cannot be fetched; the line says how to get it.
    """
    if Path(name).expanduser().is_dir():
        return Path(name).expanduser()
    if name in REGISTRY:
        if is_model_folder(default_folder(name)):
            return default_folder(name)
        raise ModelError(
            f"the weights of {name} are not here; fetch them with `audiocls weights {name}`, or where the Hub can be "
            f"reached name them {REGISTRY[name].hub_id}"
        )
    try:
        return _fetched(name, constants.ENDPOINT, constants.HF_HUB_CACHE).folder
    except _WrongKind:
        raise
    except ModelError as error:
        twins = [entry.name for entry in REGISTRY.values() if entry.hub_id == name]
        alike = [*twins, *difflib.get_close_matches(name, REGISTRY, n=1, cutoff=0.7), "whisper-tiny.en"][0]
        raise ModelError(
            f"{error}; without the Hub, `audiocls weights {alike}` fetches weights to be named {alike}"
        ) from None


class _WrongKind(ModelError):
    """It is there, and no audio model."""


@functools.cache
def _fetched(name: str, *where: str) -> ModelFiles:
    """The files of a model; all of a training sees the same commit, though its branch may move."""
    return find_model(name, check=lambda folder: _check_type(folder, name))


def _check_type(folder: Path, name: str) -> None:
    from transformers.models.auto.modeling_auto import MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES as KNOWN

    model_type = read_config(folder, name).get("model_type")
    if model_type not in KNOWN:
        raise _WrongKind(
            f"{name} is of type {model_type}, no pretrained audio model that can become a classifier; these can: "
            + ", ".join(sorted(KNOWN))
        )


def base_model_id(name: str) -> str | None:
    """How a model card names the pretrained model: its id on the Hub, or None for a folder."""
    if Path(name).expanduser().is_dir():
        return None
    if name in REGISTRY:
        return REGISTRY[name].hub_id
    hub_id = parse_hub_id(name)
    return name if hub_id is None else hub_id.repo_id  # the Hub knows base models without their revision


def backbone_sampling_rate(name: str) -> int:
    """The rate in Hz at which a pretrained model hears.

    Raises:
        ModelError: as `find_backbone`, or it is no audio model.
    """
    folder = find_backbone(name)
    with explained(name), quiet_transformers():
        return int(load_extractor(folder, load_config(folder, name)).sampling_rate)


def window_for(config: TrainConfig, clips: Clips) -> float:
    """The window in seconds for a classifier of these clips, at most `config.clip_seconds`.

    Where shorter clips are padded to it (Whisper, AST), it is their mean length: longer windows would show mostly
    silence. Otherwise it is the length of the longest. It is rounded up to what the architecture can have: whole
    seconds for Whisper, whole patches for AST.

    Raises:
        ModelError: as `find_backbone`, or it is no audio model.
    """
    name = str(config.backbone)
    folder = find_backbone(name)
    with explained(name), quiet_transformers():
        settings = load_config(folder, name)
        length = clips.lengths.mean() if fixed_window(settings.model_type) else clips.lengths.max()
        wanted_seconds = min(config.clip_seconds, float(length) / clips.sampling_rate)
        return fitting_seconds(settings, load_extractor(folder, settings), wanted_seconds)


def build_classifier(
    name: str, labels: list[str], multi_label: bool, window_seconds: float, denoise: dict[str, Any] | None = None
) -> tuple[Any, Any]:
    """A pretrained body with a new head, and its feature extractor, for windows of this length.

    The head is as wide as the body, so that any linear classifier of the body's output can be written into it.

    Args:
        name: as for `find_backbone`.
        labels: in the order of the logits.
        multi_label: several labels a clip.
        window_seconds: as `window_for` gives it.
        denoise: how noise is reduced in each window before the feature extractor, as `SpectralGate` describes; it is
            noted in the model's configuration.

    Returns:
        A transformers model for audio classification (float32, on the CPU, in eval mode) and its feature extractor.
        Save both into one folder and a bare `pipeline` loads it.

    Raises:
        ModelError: it is missing, damaged or no audio model; one line says which.
    """
    from transformers import AutoModelForAudioClassification

    folder = find_backbone(name)
    with explained(name), quiet_transformers():
        settings = load_config(folder, name)
        for field, value in label_settings(labels, multi_label).items():
            setattr(settings, field, value)
        if hasattr(settings, "classifier_proj_size"):
            settings.classifier_proj_size = settings.hidden_size
        for switch in ("use_weighted_layer_sum", "add_adapter", "apply_spec_augment"):
            if hasattr(settings, switch):
                setattr(settings, switch, False)
        extractor = load_extractor(folder, settings)
        model, report = AutoModelForAudioClassification.from_pretrained(
            folder, config=settings, dtype=torch.float32, ignore_mismatched_sizes=True, output_loading_info=True,
            local_files_only=True, trust_remote_code=False,
        )  # fmt: skip
        _check_body(report, name)
        cut_window(model, extractor, window_seconds)
    if denoise is not None:
        model.config.denoise = denoise
    return model.eval(), extractor


def load_config(folder: Path, name: str) -> Any:
    """The configuration of a pretrained model.

    Raises:
        ModelError: it is no audio model that transformers knows.
    """
    from transformers import AutoConfig

    _check_type(folder, name)
    return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def load_extractor(folder: Path, settings: Any) -> Any:
    """The model's own feature extractor, or the usual one of its architecture when it comes without."""
    from transformers import AutoFeatureExtractor

    if any((folder / name).is_file() for name in INPUT_FILES):
        return AutoFeatureExtractor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    return default_extractor(settings)


def _check_body(report: dict[str, Any], name: str) -> None:
    lacking = [
        *report["missing_keys"],
        *(str(key[0] if isinstance(key, tuple) else key) for key in report["mismatched_keys"]),
    ]
    lacking = sorted(key for key in lacking if not key.startswith(_HEAD) and not key.endswith(_UNUSED))
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise ModelError(f"{name} is no complete pretrained audio model: its weights lack {lacking[0]}{more}")
