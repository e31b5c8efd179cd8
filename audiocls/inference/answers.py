"""What a person is told of a clip: its label or labels, or that it is none of these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

NONE_OF_THESE = "none of these"
Reason = Literal["silent", "unlike", "unsure"]
HALF = 0.5  # the threshold of a label that has none of its own


@dataclass(frozen=True)
class Answer:
    """What a model says of a clip.

    label: the best of `labels`; None when the clip is none of the classes, or has none of several possible labels.
    labels: those that hold, best first; at most one unless the model gives several labels a clip.
    label_scores: their scores.
    closest: the label with the highest score, whatever holds.
    scores: float32 (labels,), in the order of the model's labels, as if it were one of them.
    known_score: how much the clip resembles the classes' own clips, the higher the more; None for silence, and for a
        model that cannot tell.
    reason: why it is none of the classes: "silent", "unlike" all of them, or "unsure", below a threshold that the
        caller set; None if it is one.
    """

    label: str | None
    labels: list[str]
    label_scores: list[float]
    closest: str
    scores: np.ndarray
    known_score: float | None
    reason: Reason | None

    def __str__(self) -> str:
        """Such as "dog 0.93", "dog 0.93, wind 0.71", or "none of these (closest: dog 0.61)"."""
        if self.reason == "silent":
            return f"{NONE_OF_THESE} (silent)"
        told = [f"{label} {score:.2f}" for label, score in zip(self.labels, self.label_scores, strict=True)]
        return ", ".join(told) or f"{NONE_OF_THESE} (closest: {self.closest} {self.closest_score:.2f})"

    @property
    def closest_score(self) -> float:
        """The highest score."""
        return float(self.scores.max())


def decide(
    scores: np.ndarray,
    known_score: float,
    labels: Sequence[str],
    multi_label: bool,
    thresholds: Mapping[str, float] | None,
    known_threshold: float | None,
    threshold: float | None = None,
) -> Answer:
    """The answer for one clip.

    Args:
        scores: float32 (labels,).
        known_score: -inf for silence, NaN where the model cannot tell.
        thresholds: above which a label holds: of several labels a clip, or of two classes for the second one.
        known_threshold: of the known score, None where the model cannot tell.
        threshold: above which a label is said at all, in place of `thresholds`; None leaves it to these.
    """
    best = int(scores.argmax())
    reason: Reason | None = None
    if known_score == -np.inf:
        reason = "silent"
    elif known_threshold is not None and known_score < known_threshold:
        reason = "unlike"
    holding: list[int] = []
    if reason is None and multi_label:
        usual, limits = (HALF, thresholds or {}) if threshold is None else (threshold, {})
        above = [n for n, label in enumerate(labels) if scores[n] > limits.get(label, usual)]
        holding = sorted(above, key=lambda n: -scores[n])
    elif reason is None:
        holding = [int(scores[1] > thresholds[labels[1]])] if thresholds and len(labels) == 2 else [best]
        if threshold is not None and scores[best] <= threshold:
            reason, holding = "unsure", []
    told = [labels[n] for n in holding]
    can_tell = np.isfinite(known_score)
    return Answer(
        label=told[0] if told else None,
        labels=told,
        label_scores=[float(scores[n]) for n in holding],
        closest=labels[best],
        scores=scores,
        known_score=float(known_score) if can_tell else None,
        reason=reason,
    )
