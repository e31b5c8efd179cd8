"""The test scores of a model as Markdown: overall with intervals, and label by label."""

from audiocls.card.text import score_text
from audiocls.evaluation.evaluation import CLASS_SCORES
from audiocls.ui.model.files import ModelFiles
from audiocls.ui.texts import model as texts


def scores_markdown(files: ModelFiles) -> str:
    """Both tables; empty without scores, and a sentence where what is there cannot be read."""
    metrics = files.metrics
    if not isinstance(metrics.get("accuracy"), int | float):
        return ""
    try:
        told = score_text(metrics)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return texts.BROKEN_SCORES
    overall = [f"| {row['name']} | {row['value']} | {row['interval']} |" for row in told["rows"]]
    classes = [
        f"| {row['label']} | {' | '.join(row[name] for name in CLASS_SCORES)} | {row['support']} |"
        for row in told["classes"]
    ]
    head = texts.CLASSES_HEAD.format(titles=" | ".join(CLASS_SCORES.values()), columns="---|" * len(CLASS_SCORES))
    return "\n\n".join(
        [
            texts.SCORES.format(split=told["split"]),
            texts.SCORES_ON.format(size=told["size"], note=told["interval_note"]),
            "\n".join([texts.OVERALL_HEAD, *overall]),
            texts.CLASSES,
            "\n".join([head, *classes]),
            told["mean_note"],
        ]
    )
