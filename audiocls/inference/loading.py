"""Loading a model for use: a folder or a Hub id to a transformers model in eval mode, with failures in one line.

audiocls models are always built by the installed classes, never by code that comes with them. What is on the Hub is
first brought into huggingface_hub's cache (`download`); from there on everything is a local folder. Weights are read
from safetensors; older pickled ones only as transformers reads them, with `torch.load(weights_only=True)`, which makes
tensors and nothing else.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pickle import PickleError
from typing import Any

from audiocls.errors import ModelError
from audiocls.inference.came_along import what_ran
from audiocls.inference.download import ModelFiles, find_model, weight_files
from audiocls.inference.model_config import INPUT_FILES, OWN_TYPES, check_kind, check_weights, read_config

# What a configuration or a file that is not what it should be makes Python, torch and transformers raise.
_BROKEN = (OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, ImportError, ArithmeticError,
           MemoryError, EOFError, AssertionError, PickleError)  # fmt: skip


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

    def checked(folder: Path) -> dict[str, Any]:
        config = read_config(folder, text)
        if config.get("model_type") not in OWN_TYPES:
            code = sorted(path.name for path in folder.glob("*.py"))
            check_kind(config, text, trust_remote_code, code)
        return config

    files = find_model(text, revision, checked)
    config = checked(files.folder)
    with explained(text), quiet_transformers():
        if config.get("model_type") in OWN_TYPES:
            model, extractor = _load_own(files.folder, config, text), None
        else:
            model, extractor = _load_other(files.folder, text, trust_remote_code)
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        model.to(device)
    except (RuntimeError, AssertionError) as error:  # torch asserts when it was built without that device
        raise ModelError(f"device {device!r} cannot be used: {_first_line(error)}") from error
    return LoadedModel(files.name, files, model.eval(), extractor, what_ran(files, model))


def _load_own(folder: Path, settings: dict[str, Any], name: str) -> Any:
    import torch

    from audiocls.models.configuration_audiocls import AudioClsConfig
    from audiocls.models.modeling_audiocls import AudioClsForAudioClassification
    from audiocls.models.modeling_ensemble import AudioClsEnsembleForAudioClassification
    from audiocls.models.networks import NETWORKS
    from audiocls.models.trees import Trees

    ensemble = settings["model_type"] == "audiocls_ensemble"
    kind: Any = AudioClsEnsembleForAudioClassification if ensemble else AudioClsForAudioClassification
    config = kind.config_class.from_pretrained(folder, local_files_only=True)
    for member in [each["config"] for each in config.members] if ensemble else [settings]:
        architecture = member.get("architecture", AudioClsConfig().architecture)
        if member.get("model_type") == "audiocls" and architecture not in NETWORKS:
            raise ModelError(f"{name} needs architecture {architecture!r}, which this version of audiocls lacks")
    with torch.device("meta"):
        check_weights(kind(config), folder, _weights(folder), name)
    options = {"local_files_only": True, "output_loading_info": True, "ignore_mismatched_sizes": True}
    model, report = kind.from_pretrained(folder, config=config, **options)  # _check_complete says which do not match
    _check_complete(report, name)
    for part in model.modules():
        if isinstance(part, Trees):  # what a damaged file holds may point anywhere
            part.check()
    return model


def _load_other(folder: Path, name: str, trust_remote_code: bool) -> tuple[Any, Any]:
    import torch
    from transformers import AutoConfig, AutoFeatureExtractor, AutoModelForAudioClassification

    from audiocls.inference.rejection_file import load_rejection
    from audiocls.inference.windows import denoiser_of

    if not any((folder / each).is_file() for each in INPUT_FILES):
        raise ModelError(f"{name} has no preprocessor_config.json, which says how its input is made")
    options = {"local_files_only": True, "trust_remote_code": trust_remote_code}
    extractor = AutoFeatureExtractor.from_pretrained(folder, **options)
    if not trust_remote_code:
        with torch.device("meta"):
            model = AutoModelForAudioClassification.from_config(AutoConfig.from_pretrained(folder, **options))
        check_weights(model, folder, _weights(folder), name)
    model, report = AutoModelForAudioClassification.from_pretrained(folder, output_loading_info=True, **options)
    _check_complete(report, name)
    denoiser_of(model.config, extractor.sampling_rate)  # what it cannot be is found here
    load_rejection(model, folder, name)
    return model, extractor


def _weights(folder: Path) -> list[str]:
    return weight_files(path.name for path in folder.iterdir())


def _check_complete(report: dict[str, Any], name: str) -> None:
    """transformers fills weights that a file lacks with random numbers and only warns; a classifier must not."""
    missing = sorted(report["missing_keys"])
    missing += sorted(f"{key[0]} of the right size" for key in report["mismatched_keys"])
    if missing:
        raise ModelError(
            f"{name} is no complete audio classification model: its weights lack {missing[0]}"
            + (f" and {len(missing) - 1} more" if len(missing) > 1 else "")
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
    except (*_BROKEN, SafetensorError) as e:
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
