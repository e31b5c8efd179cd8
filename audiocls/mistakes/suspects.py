"""Clips whose label is likely wrong, found by what models said that had not learnt them.

Confident learning (Northcutt, Jiang and Chuang, J. Artif. Intell. Res. 70, 2021): a probability counts beside what is
usual for clips of its class. The ratio of the given label's to the best other one's found more of known wrong labels
than cleanlab's scores did, and a limit on it was right more often than cleanlab's filters (docs/experiments.md).
It is given probabilities and trains nothing; `audiocls.comparison.mislabelled` does.
"""

from dataclasses import dataclass

import numpy as np

from audiocls.data.clips import Clips
from audiocls.training.run import HeldOut

LIKELY = 0.2  # quality below which a label is likely wrong: another one fits four times as well
DOUBTFUL = 0.75  # quality below which it is listed at all: another one fits a third as well
LEAST_SCORE = 1e-6  # of a label, so that none is impossible


@dataclass(frozen=True)
class Suspect:
    """One clip whose label models doubt.

    index: of the clip among those that were looked at. given, suggested: labels; several a clip, or none.
    quality: of the given label, from 0, surely wrong, over 0.5, as likely as another one, to 1.
    rank: from 1, the worst first.
    likely: whether another label fits much better, or a copy of it contradicts it; others are doubts.
    reason: what speaks against the label besides the models.
    """

    index: int
    file: str
    given: tuple[str, ...]
    suggested: tuple[str, ...]
    quality: float
    rank: int
    likely: bool
    reason: str = ""


@dataclass(frozen=True)
class Suspects:
    """The suspects, worst first, among `clips`, of which `Suspect.index` counts; and how they were found, in words."""

    found: list[Suspect]
    clips: Clips
    origin: str


def find_suspects(clips: Clips, labels: list[str], held_out: HeldOut) -> Suspects:
    """The clips whose label the models doubt, worst first.

    Args:
        clips: at least one.
        labels: in the order of the targets.
        held_out: one row of probabilities for each of `clips`, from models that had not learnt it or its group.
    """
    scores = np.asarray(held_out.scores, np.float64)
    multi_label = clips.targets.ndim == 2
    judge = _judge_several if multi_label else _judge_one
    quality, suggested = judge(clips.targets, scores)
    given = clips.targets > 0.5 if multi_label else np.eye(len(labels), dtype=bool)[clips.targets]
    reasons = contradictions(clips, given, labels)
    # A copy with another label proves that one of the two is wrong, whatever models say.
    order = sorted(range(len(clips)), key=lambda clip: (clip not in reasons, quality[clip], clips.files[clip]))
    found: list[Suspect] = []
    for clip in order:
        if clip not in reasons and quality[clip] >= DOUBTFUL:
            continue
        found.append(
            Suspect(
                clip,
                clips.files[clip],
                _names(given[clip], labels),
                _names(suggested[clip], labels),
                float(quality[clip]),
                len(found) + 1,
                bool(quality[clip] < LIKELY) or clip in reasons,
                reasons.get(clip, ""),
            )
        )
    return Suspects(found, clips, held_out.origin)


def contradictions(clips: Clips, given: np.ndarray, labels: list[str]) -> dict[int, str]:
    """Clips of which a copy has other labels, and which.

    Args:
        given: bool (clips, labels).
    """
    reasons: dict[int, str] = {}
    for pair in clips.copies():
        for clip, other in (pair, pair[::-1]):
            if (given[clip] != given[other]).any():
                named = ", ".join(_names(given[other], labels)) or "nothing"
                reasons.setdefault(clip, f"{clips.files[other]} is the same recording and is labelled {named}")
    return reasons


def _judge_one(targets: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quality (clips,), and the best other label bool (clips, labels)."""
    present, numbers = np.unique(targets, return_inverse=True)
    suggested = np.zeros(scores.shape, bool)
    if len(present) < 2:
        suggested[np.arange(len(targets)), targets] = True
        return np.ones(len(targets)), suggested
    shares = np.clip(scores[:, present], LEAST_SCORE, None)
    shares /= shares.sum(axis=1, keepdims=True)
    usual = np.array([shares[numbers == label, label].mean() for label in range(len(present))])
    # A class that was hardly learnt has next to no usual probability, beside which any other would look large.
    fit = shares / np.maximum(usual, 0.5 / len(present))
    is_given = np.eye(len(present), dtype=bool)[numbers]
    quality = fit[is_given] / (fit[is_given] + np.where(is_given, 0, fit).max(axis=1))
    suggested[np.arange(len(targets)), present[np.where(is_given, 0, fit).argmax(axis=1)]] = True
    return quality, suggested


def _judge_several(targets: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `_judge_one`, each label a question of its own; a clip is as good as its worst label."""
    given = targets > 0.5
    quality = np.ones(scores.shape)
    for label in range(scores.shape[1]):
        pair = np.stack([1 - scores[:, label], scores[:, label]], axis=1)
        quality[:, label], _ = _judge_one(given[:, label].astype(np.int64), pair)
    worst = quality.min(axis=1)
    # What is likely wrong changes, or else the most doubtful label.
    changed = (quality < LIKELY) | (quality == worst[:, None])
    return worst, given ^ changed


def _names(row: np.ndarray, labels: list[str]) -> tuple[str, ...]:
    return tuple(labels[label] for label in np.flatnonzero(row))
