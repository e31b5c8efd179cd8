"""What the app tells about a model: its scores in a line, its card as Markdown."""

import re
from typing import Any

from audiocls.inference.classifier import AudioClassifier
from audiocls.ui import texts

NAMED_LABELS = 12
CONFUSION_MATRIX = "confusion_matrix.png"
PICTURES = (CONFUSION_MATRIX, "reliability.png", "curves.png", "leaderboard.png", "precision_recall.png")

_FRONT_MATTER = re.compile(r"\A\ufeff?---\s*\n.*?\n---\s*(\n|\Z)", re.DOTALL)
_MARKDOWN_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
# Pictures from elsewhere, and what asks a visitor for something; gradio itself takes out scripts, frames and styles.
_HTML = re.compile(r"</?(img|picture|video|audio|form|input|button|select|textarea)\b[^>]*>", re.IGNORECASE)


def score_line(metrics: dict[str, Any] | None) -> str:
    """Test accuracy with its interval, the number of clips and the split they come from."""
    if not metrics or not isinstance(metrics.get("accuracy"), int | float):
        return texts.SCORES_UNKNOWN
    interval = ""
    low, high = (metrics.get("intervals") or {}).get("accuracy") or (None, None)
    if low is not None and high is not None:
        interval = texts.INTERVAL.format(level=metrics.get("interval_level", 0.95), low=low, high=high)
    return texts.SCORES.format(
        accuracy=metrics["accuracy"],
        interval=interval,
        size=metrics.get("size", "an unknown number of"),
        split=escaped(str(metrics.get("split", "test"))),
    )


def limits(classifier: AudioClassifier) -> str:
    """What the model knows, and how it hears."""
    named = ", ".join(escaped(label) for label in classifier.labels[:NAMED_LABELS])
    if len(classifier.labels) > NAMED_LABELS:
        named += texts.AND_MORE.format(number=len(classifier.labels) - NAMED_LABELS)
    tells = classifier.multi_label or classifier.known_threshold is not None
    sentences = [
        texts.KNOWS.format(labels=named),
        "" if tells else texts.NAMES_THE_CLOSEST,
        texts.HEARS.format(seconds=classifier.window_length / classifier.sampling_rate),
    ]
    return " ".join(filter(None, sentences))


def card_text(card: str | None) -> str:
    """A model card as the page shows it: without its YAML front matter, images and forms.

    The card's own pictures are shown beside it; others would have to be fetched from elsewhere.
    """
    if not card:
        return texts.CARD_UNKNOWN
    body = _FRONT_MATTER.sub("", card, count=1)
    return _HTML.sub("", _MARKDOWN_IMAGE.sub("", body)).strip()


def escaped(text: str) -> str:
    """Text as Markdown shows it literally, so that names stay names."""
    return re.sub(r"([\\`*_{}\[\]<>()#+\-.!|~&$])", r"\\\1", text)
