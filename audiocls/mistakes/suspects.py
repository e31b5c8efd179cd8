"""Clips whose label is likely wrong, found by what models said that had not learnt them.

Confident learning (Northcutt, Jiang and Chuang, J. Artif. Intell. Res. 70, 2021), as cleanlab has it. It is given
probabilities and trains nothing; `audiocls.comparison.mislabelled` does.
"""

from dataclasses import dataclass

import numpy as np

from audiocls.data.clips import Clips
from audiocls.training.run import HeldOut

# How well the given label fits: by how much its probability exceeds the best other one's, each beside what is usual for
# its class. Found best of cleanlab's scores with known wrong labels (docs/experiments.md).
METHOD = "normalized_margin"


@dataclass(frozen=True)
class Suspect:
    """One clip whose label models would not have given.

    index: of the clip among those that were looked at. given, suggested: labels; several a clip, or none.
    quality: of the given label, 0 (surely wrong) to 1. rank: from 1, the worst first.
    likely: whether confident learning takes it for an error, or a copy of it contradicts it; others are doubts.
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
    """The clips whose label the models would not have given, worst first.

    Args:
        clips: at least one.
        labels: in the order of the targets.
        held_out: one row of probabilities for each of `clips`, from models that had not learnt it or its group.
    """
    scores = np.asarray(held_out.scores, np.float64)
    multi_label = clips.targets.ndim == 2
    judge = _judge_several if multi_label else _judge_one
    quality, likely, suggested = judge(clips.targets, scores)
    given = clips.targets > 0.5 if multi_label else np.eye(len(labels), dtype=bool)[clips.targets]
    reasons = contradictions(clips, given, labels)
    # A copy with another label proves that one of the two is wrong, whatever models say.
    order = sorted(range(len(clips)), key=lambda clip: (clip not in reasons, quality[clip], clips.files[clip]))
    found: list[Suspect] = []
    for clip in order:
        if clip not in reasons and (suggested[clip] == given[clip]).all():
            continue
        found.append(
            Suspect(
                clip,
                clips.files[clip],
                _names(given[clip], labels),
                _names(suggested[clip], labels),
                float(quality[clip]),
                len(found) + 1,
                bool(likely[clip]) or clip in reasons,
                reasons.get(clip, ""),
            )
        )
    return Suspects(found, clips, held_out.origin)


def contradictions(clips: Clips, given: np.ndarray, labels: list[str]) -> dict[int, str]:
    """Clips of which an identical file has other labels, and which.

    Args:
        given: bool (clips, labels).
    """
    alike: dict[str, list[int]] = {}
    for clip, content in enumerate(clips.contents):
        alike.setdefault(content, []).append(clip)
    reasons = {}
    for members in alike.values():
        for clip in members:
            other = next((each for each in members if (given[each] != given[clip]).any()), None)
            if other is not None:
                named = ", ".join(_names(given[other], labels)) or "nothing"
                reasons[clip] = f"{clips.files[other]} is the same recording and is labelled {named}"
    return reasons


def _judge_one(targets: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Quality (clips,), whether it is an error bool (clips,), and what is suggested bool (clips, labels)."""
    present, numbers = np.unique(targets, return_inverse=True)
    suggested = np.zeros(scores.shape, bool)
    if len(present) < 2:
        suggested[np.arange(len(targets)), targets] = True
        return np.ones(len(targets)), np.zeros(len(targets), bool), suggested
    from cleanlab.filter import find_label_issues  # imports pandas and much of scikit-learn
    from cleanlab.rank import get_label_quality_scores

    shares = np.clip(scores[:, present], 1e-9, None)
    shares /= shares.sum(axis=1, keepdims=True)
    quality = get_label_quality_scores(numbers, shares, method=METHOD, adjust_pred_probs=True)
    likely = np.asarray(find_label_issues(numbers, shares, n_jobs=1), bool)
    usual = np.array([shares[numbers == label, label].mean() for label in range(len(present))])
    suggested[np.arange(len(targets)), present[(shares - usual).argmax(axis=1)]] = True
    # Where only the usual level of the classes made another one the winner, the models' own answer is told.
    same = likely & suggested[np.arange(len(targets)), targets]
    suggested[same] = np.eye(scores.shape[1], dtype=bool)[present[shares[same].argmax(axis=1)]]
    return quality, likely, suggested


def _judge_several(targets: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As `_judge_one`, each label a question of its own; a clip is as good as its worst label."""
    given = targets > 0.5
    quality, likely = np.ones(scores.shape), np.zeros(scores.shape, bool)
    for label in range(scores.shape[1]):
        pair = np.stack([1 - scores[:, label], scores[:, label]], axis=1)
        quality[:, label], likely[:, label], _ = _judge_one(given[:, label].astype(np.int64), pair)
    worst = np.zeros(scores.shape, bool)
    worst[np.arange(len(scores)), quality.argmin(axis=1)] = True
    changed = likely | (worst & (quality < 0.5)[np.arange(len(scores))])
    return quality.min(axis=1), np.asarray(likely.any(axis=1)), given ^ changed


def _names(row: np.ndarray, labels: list[str]) -> tuple[str, ...]:
    return tuple(labels[label] for label in np.flatnonzero(row))
