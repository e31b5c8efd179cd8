"""Loading a model for use: a folder or a Hub id to a transformers model in eval mode, with failures in one line.

audiocls models are always built by the installed classes, never by code that comes with them. What is on the Hub is
first brought into huggingface_hub's cache (`download`); from there on everything is a local folder. Weights are read
from safetensors; older pickled ones only as transformers reads them, with `torch.load(weights_only=True)`, which makes
tensors and nothing else.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiocls.errors import ModelError
from audiocls.inference.came_along import what_ran
from audiocls.inference.download import ModelFiles, find_model

OWN_TYPES = ("audiocls", "audiocls_ensemble")  # model types that take the waveform itself


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to use. `extractor` is None for audiocls models, which take the waveform itself; `files` is None
    for a model that was never saved. `notes` are lines for the user of a model from the Hub: which commit it is, and
    what became of the code that came with it."""

    name: str
    files: ModelFiles | None
    model: Any
    extractor: Any | None
    notes: tuple[str, ...] = ()

    @property
    def folder(self) -> Path | None:
        return None if self.files is None else self.files.folder

    @property
    def origin(self) -> str:
        """Its name for records, by which it can be found again: of the Hub "user/name@commit", else as `name`."""
        return self.name if self.files is None else self.files.origin

    def fetch(self, patterns: Sequence[str]) -> None:
        """Have further files in its folder, such as "*.png", where the Hub has them."""
        if self.files is not None:
            self.files.fetch(patterns)


def load_model(
    folder_or_hub_id: str | Path, *, device: Any = None, revision: str | None = None, trust_remote_code: bool = False
) -> LoadedModel:
    """Load an audio classification model in eval mode.

    Args:
        folder_or_hub_id: a model folder, or the id of a model on the Hub, with its revision or not:
            "user/name@revision".
        device: where it computes; None is the GPU if there is one.
        revision: branch, tag or commit on the Hub.
        trust_remote_code: run code that comes with a model of a type that transformers does not know.

    Raises:
        ModelError: it is missing, incomplete, unreachable or of another kind; one line says which.
        UsageError: two revisions, or one for a folder.
    """
    import torch

    text = str(folder_or_hub_id)

    def check(folder: Path) -> None:
        config = read_config(folder, text)
        if config.get("model_type") not in OWN_TYPES:
            _check_kind(config, text, trust_remote_code)

    files = find_model(text, revision, check)
    check(files.folder)
    own = read_config(files.folder, text).get("model_type") in OWN_TYPES
    with explained(text), quiet_transformers():
        if own:
            model, extractor = _load_own(files.folder, text), None
        else:
            model, extractor = _load_other(files.folder, text, trust_remote_code)
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        model.to(device)
    except (RuntimeError, AssertionError) as error:  # torch asserts when it was built without that device
        raise ModelError(f"device {device!r} cannot be used: {_first_line(error)}") from error
    return LoadedModel(files.name, files, model.eval(), extractor, what_ran(files, model))


def read_config(folder: Path, name: str) -> dict[str, Any]:
    """The model's `config.json`.

    Raises:
        ModelError: it is missing or no JSON object.
    """
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"{name} is no model folder: it has no config.json (a model folder holds config.json, "
            "model.safetensors and preprocessor_config.json)"
        ) from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ModelError(f"{path} is not valid JSON: {_first_line(error)}") from error
    if not isinstance(config, dict):
        raise ModelError(f"{path} is no model configuration: it must be a JSON object")
    return config


def _load_own(folder: Path, name: str) -> Any:
    from audiocls.models.configuration_audiocls import AudioClsConfig
    from audiocls.models.modeling_audiocls import AudioClsForAudioClassification
    from audiocls.models.modeling_ensemble import AudioClsEnsembleForAudioClassification
    from audiocls.models.networks import NETWORKS
    from audiocls.models.trees import Trees

    settings = read_config(folder, name)
    ensemble = settings["model_type"] == "audiocls_ensemble"
    kind: Any = AudioClsEnsembleForAudioClassification if ensemble else AudioClsForAudioClassification
    config = kind.config_class.from_pretrained(folder, local_files_only=True)
    for member in [each["config"] for each in config.members] if ensemble else [settings]:
        architecture = member.get("architecture", AudioClsConfig().architecture)
        if member.get("model_type") == "audiocls" and architecture not in NETWORKS:
            raise ModelError(f"{name} needs architecture {architecture!r}, which this version of audiocls lacks")
    options = {"local_files_only": True, "output_loading_info": True, "ignore_mismatched_sizes": True}
    model, report = kind.from_pretrained(folder, config=config, **options)  # _check_complete says which do not match
    _check_complete(report, name)
    for part in model.modules():
        if isinstance(part, Trees):  # what a damaged file holds may point anywhere
            part.check()
    return model


def _load_other(folder: Path, name: str, trust_remote_code: bool) -> tuple[Any, Any]:
    from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

    from audiocls.inference.rejection_file import load_rejection
    from audiocls.inference.windows import denoiser_of

    if not (folder / "preprocessor_config.json").is_file() and not (folder / "processor_config.json").is_file():
        raise ModelError(f"{name} has no preprocessor_config.json, which says how its input is made")
    options = {"local_files_only": True, "trust_remote_code": trust_remote_code}
    extractor = AutoFeatureExtractor.from_pretrained(folder, **options)
    model, report = AutoModelForAudioClassification.from_pretrained(folder, output_loading_info=True, **options)
    _check_complete(report, name)
    denoiser_of(model.config, extractor.sampling_rate)  # what it cannot be is found here
    load_rejection(model, folder, name)
    return model, extractor


def _check_complete(report: dict[str, Any], name: str) -> None:
    """transformers fills weights that a file lacks with random numbers and only warns; a classifier must not."""
    missing = sorted(report["missing_keys"])
    missing += sorted(f"{key[0]} of the right size" for key in report["mismatched_keys"])
    if missing:
        raise ModelError(
            f"{name} is no complete audio classification model: its weights lack {missing[0]}"
            + (f" and {len(missing) - 1} more" if len(missing) > 1 else "")
        )


def _check_kind(config: dict[str, Any], name: str, trust_remote_code: bool) -> None:
    from transformers.models.auto.modeling_auto import MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES as KNOWN

    model_type = config.get("model_type")
    architecture = (config.get("architectures") or [model_type or "unknown"])[0]
    if model_type in KNOWN:
        if not str(architecture).endswith(("ForAudioClassification", "ForSequenceClassification")):
            raise ModelError(f"{name} holds a {architecture}, which is no audio classification model")
        return
    if "AutoModelForAudioClassification" not in config.get("auto_map", {}):
        raise ModelError(f"{name} holds a model of type {model_type}, which is no audio classification model")
    if not trust_remote_code:
        raise ModelError(
            f"{name} comes with its own code (type {model_type}); read it, and if you trust it "
            "pass trust_remote_code=True (--trust_remote_code)"
        )


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn what transformers and safetensors raise about a broken folder into one line.

    Raises:
        ModelError: instead of their errors.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, ImportError, SafetensorError) as e:
        raise ModelError(f"{name} cannot be loaded: {_first_line(e)}") from e


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """No progress bar and no report for a load that takes a moment; failures are raised all the same."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
