"""What is in a repository already: nothing, a model that may be replaced, or something that must not be."""

import json
from typing import Any

from huggingface_hub import ModelCard

from audiocls.card.examples import EXAMPLES
from audiocls.card.model_card import EVAL_RESULTS, README, TASK
from audiocls.data.listing import some
from audiocls.errors import HubError, ModelError
from audiocls.inference.model_config import INPUT_FILES
from audiocls.publishing.card_checks import LIBRARY
from audiocls.publishing.folder_files import MODELS
from audiocls.publishing.repository import Repository

# Files that say nothing of what a repository holds.
BARE = (".gitattributes", ".gitignore", README, "LICENSE", "LICENSE.txt", "LICENSE.md")
OUR_NAMES = {
    *("config.json", *INPUT_FILES, "model.safetensors.index.json"),
    *("metrics.json", "results.csv", "predictions.csv", "training_hist.json", "training_config.json", "splits.json"),
    *("confusion_matrix.png", "reliability.png", "curves.png", "leaderboard.csv", "leaderboard.png"),
    *("detection.json", "rejection.safetensors", "test_examples.json", "mislabelled.csv", "precision_recall.png"),
    *("tuning.json", "trials.csv", "importance.png", "parallel_coordinates.png", "event_scores.csv"),
}
OUR_FOLDERS = (f"{EXAMPLES}/", f"{EVAL_RESULTS}/")


def is_ours(path: str) -> bool:
    """Whether a file of a model repository is one that audiocls writes: deleted there once it is gone here."""
    if "/" in path:
        return path.startswith(OUR_FOLDERS)
    if path.endswith(".py"):
        return (MODELS / path).is_file() or path.startswith(("modeling_", "configuration_", "feature_extraction_"))
    return path in OUR_NAMES or (path.startswith("model") and path.endswith(".safetensors"))


def check_standing(repository: Repository) -> str | None:
    """Check that a model may be written to a repository: it is not there, empty, or holds an audio classifier.

    Returns:
        The card that is there, or None.

    Raises:
        HubError: it holds something else, or is public and ought to be private; the line says what is there.
    """
    info = repository.info()
    if info is None:
        return None
    if repository.private and not info.private:
        raise HubError(
            f"{repository.repo_id} is there and public; make it private at {repository.url}/settings, "
            "or publish without asking for private"
        )
    card = repository.text(README, info.sha)
    files = [sibling.rfilename for sibling in info.siblings or []]
    if repository.repo_type != "model":
        return card
    there = _other_model(repository, info.sha, files, _metadata(card))
    if there:
        raise HubError(
            f"{repository.repo_id} is there and holds something else ({there}); choose another name, "
            "or delete it on its page first"
        )
    return card


def _metadata(card: str | None) -> dict[str, Any]:
    try:
        return ModelCard(card or "", ignore_metadata_errors=True).data.to_dict()
    except (ValueError, TypeError, ModelError):
        return {}


def _other_model(repository: Repository, commit: str, files: list[str], metadata: dict[str, Any]) -> str | None:
    """What else it is; None for an empty one and for audio classifiers of transformers."""
    library, task = metadata.get("library_name"), metadata.get("pipeline_tag")
    if library not in (None, LIBRARY):
        return f"its card says library_name: {library}"
    if task not in (None, TASK):
        return f"its card says pipeline_tag: {task}"
    others = [name for name in files if name not in BARE]
    if "config.json" not in files:
        strange = [name for name in others if not is_ours(name)]
        return some(strange) if strange else None
    try:
        config = json.loads(repository.text("config.json", commit) or "")
        kinds = config.get("architectures") or [config.get("model_type")]
        if str(kinds[0]).endswith("ForAudioClassification") or "AutoModelForAudioClassification" in (
            config.get("auto_map") or {}
        ):
            return None
        if task == TASK and str(kinds[0]).endswith("ForSequenceClassification"):  # wav2vec2 and its like, formerly
            return None
        return f"a {kinds[0]}"
    except (ValueError, AttributeError, TypeError, KeyError, IndexError):
        return "a config.json that is no model's"
