"""The scores in the form of the Hub's leaderboards, which name the data set that was published with the model."""

from pathlib import Path

from audiocls.card.front_matter import divided
from audiocls.card.model_card import EVAL_RESULTS, README
from audiocls.card.published import published_eval_results
from audiocls.publishing.checks import CheckedFolder


def with_results(
    files: dict[str, Path | bytes], checked: CheckedFolder, dataset_id: str, card: str
) -> dict[str, Path | bytes]:
    """The files, with scores that name the data set if the card does: one that this push or an earlier one made."""
    if dataset_id not in (divided(card, README)[0].values.get("datasets") or ()):
        return files
    kept = {path: content for path, content in files.items() if not path.startswith(f"{EVAL_RESULTS}/")}
    results = published_eval_results(checked.folder, dataset_id)
    return kept | {path: text.encode() for path, text in results.items()}
