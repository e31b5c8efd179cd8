"""Is a model folder fit to be published: complete, safe, and a model that answers. Nothing is sent to find out."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from audiocls.card.model_card import README
from audiocls.errors import AudioclsError, ModelError, UsageError
from audiocls.inference.classifier import AudioClassifier
from audiocls.inference.model_config import INPUT_FILES
from audiocls.publishing.card_checks import check_card
from audiocls.publishing.folder_files import folder_files, other_code
from audiocls.publishing.probes import probe_clips
from audiocls.publishing.secrets_scan import check_no_secrets

WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class CheckedFolder:
    """A model folder that may be published: its files by their path in the repository, and the model, loaded.

    `code` names Python files of it that are not those of this version of audiocls.
    """

    folder: Path
    files: dict[str, Path]
    classifier: AudioClassifier
    code: list[str] = field(default_factory=list)


def check_model_folder(folder: str | Path, *, token: str | None = None, examples: bool = True) -> CheckedFolder:
    """Check that a model folder is complete, loads, predicts, has a valid card, and gives nothing away.

    Args:
        token: of the Hub, which must be in no file.
        examples: whether `examples/` is published, too.

    Raises:
        ModelError: it is not fit; one line names the file and says what to do.
        UsageError: there is no such folder.
    """
    from huggingface_hub import get_token

    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such model folder")
    _check_complete(folder)
    files = folder_files(folder, examples)
    check_card(folder / README)
    check_no_secrets(files, folder, [each for each in (token, get_token()) if each])
    classifier = AudioClassifier.from_pretrained(folder)
    _check_answers(classifier, folder)
    return CheckedFolder(folder, files, classifier, other_code(files))


def _check_complete(folder: Path) -> None:
    if folder.name.endswith(".partial"):
        raise ModelError(f"{folder} is a training that has not finished; go on with it (--resume), then publish")
    missing = [] if (folder / "config.json").is_file() else ["config.json (the configuration)"]
    if not any((folder / name).is_file() for name in WEIGHTS):
        missing.append("model.safetensors (the weights)")
    if not any((folder / name).is_file() for name in INPUT_FILES):
        missing.append("preprocessor_config.json (the feature extractor)")
    if not (folder / README).is_file():
        missing.append(f"{README} (the model card)")
    if missing:
        raise ModelError(
            f"{folder} is no complete model folder: it lacks {', '.join(missing)}; train again, or copy it"
        )


def _check_answers(classifier: AudioClassifier, folder: Path) -> None:
    seconds = classifier.window_length / classifier.sampling_rate
    try:
        scores = classifier.predict_waveforms(probe_clips(classifier.sampling_rate, seconds)[:2])
    except AudioclsError:
        raise
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"{folder} loads, but cannot predict a sound: {reason}") from error
    if not np.isfinite(scores).all():
        raise ModelError(f"{folder} gives scores that are no numbers (NaN or infinite); train again")
    if classifier.multi_label:
        if scores.min() < 0 or scores.max() > 1:
            raise ModelError(f"{folder} gives scores outside 0 to 1; the model is damaged")
    elif np.abs(scores.sum(axis=1) - 1).max() > _SUM_TOLERANCE:
        raise ModelError(f"{folder} gives scores that do not sum to 1; the model is damaged")
