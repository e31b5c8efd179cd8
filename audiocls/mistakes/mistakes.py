"""What a model got wrong on labelled clips: the mistakes, the most confident first, and which classes it confuses."""

from dataclasses import dataclass

import numpy as np

from audiocls.evaluation.counts import confusion
from audiocls.evaluation.evaluation import Evaluation

MOST_EXAMPLES = 3  # of a confusion


@dataclass(frozen=True)
class Mistake:
    """One clip that was answered wrongly.

    index: of the clip. true, given: labels, several a clip or none. confidence: of the most confident wrong part of the
    answer, 0 to 1: the score of a label that does not apply, or one less that of a label that was missed.
    false_alarms, missed: the labels given wrongly, and those not given, each the most confident error first.
    """

    index: int
    file: str
    true: tuple[str, ...]
    given: tuple[str, ...]
    confidence: float
    false_alarms: tuple[str, ...]
    missed: tuple[str, ...]


@dataclass(frozen=True)
class Confusion:
    """How often one class was taken for another: `number` of the `total` clips of `true`, with some of them.

    examples: indices of clips, the most confident first.
    """

    true: str
    given: str
    number: int
    total: int
    examples: tuple[int, ...]


@dataclass(frozen=True)
class LabelErrors:
    """False alarms and misses of one of several labels a clip, of `absent` and `present` clips; with examples."""

    label: str
    false_alarms: int
    absent: int
    missed: int
    present: int
    examples: tuple[int, ...]


def answers(evaluation: Evaluation) -> np.ndarray:
    """What the model answered: int64 (n,), or 0/1 (n, labels), with the thresholds that were used."""
    from audiocls.evaluation.metrics import label_thresholds, predicted_classes

    thresholds = label_thresholds(evaluation.metrics.get("thresholds"), evaluation.labels)
    return predicted_classes(evaluation.scores, evaluation.metrics["multi_label"], thresholds)


def find_mistakes(evaluation: Evaluation) -> list[Mistake]:
    """All clips that were answered wrongly, the most confident mistake first."""
    labels, scores = evaluation.labels, np.asarray(evaluation.scores, np.float64)
    given, true = _indicators(answers(evaluation), labels), _indicators(evaluation.targets, labels)
    extra, lacking = given & ~true, true & ~given
    found = []
    for index in np.flatnonzero((given != true).any(axis=1)):
        alarms = [k for k in np.argsort(-scores[index], kind="stable") if extra[index, k]]
        missed = [k for k in np.argsort(scores[index], kind="stable") if lacking[index, k]]
        if evaluation.metrics["multi_label"]:
            confidence = max([*scores[index, alarms], *(1 - scores[index, missed])])
        else:
            confidence = scores[index, alarms[0]]
        found.append(
            Mistake(
                int(index),
                evaluation.files[index],
                _names(true[index], labels),
                _names(given[index], labels),
                float(confidence),
                tuple(labels[k] for k in alarms),
                tuple(labels[k] for k in missed),
            )
        )
    return sorted(found, key=lambda mistake: (-mistake.confidence, mistake.file))


def confusions(evaluation: Evaluation, mistakes: list[Mistake]) -> list[Confusion]:
    """Which classes were taken for which, the most frequent first; for one label a clip."""
    counts = confusion(evaluation.targets, answers(evaluation), len(evaluation.labels))
    examples: dict[tuple[str, str], list[int]] = {}
    for mistake in mistakes:
        examples.setdefault((mistake.true[0], mistake.given[0]), []).append(mistake.index)
    number = {label: k for k, label in enumerate(evaluation.labels)}
    found = [
        Confusion(true, given, len(clips), int(counts[number[true]].sum()), tuple(clips[:MOST_EXAMPLES]))
        for (true, given), clips in examples.items()
    ]
    return sorted(found, key=lambda each: (-each.number, -each.number / each.total, each.true, each.given))


def label_errors(evaluation: Evaluation, mistakes: list[Mistake]) -> list[LabelErrors]:
    """False alarms and misses by label, the most errors first; for several labels a clip."""
    tables = confusion(evaluation.targets, answers(evaluation), len(evaluation.labels))
    found = []
    for label, ((rightly_absent, alarms), (missed, hits)) in zip(evaluation.labels, tables.tolist(), strict=True):
        clips = [each.index for each in mistakes if label in (*each.false_alarms, *each.missed)]
        if clips:
            sizes = alarms, rightly_absent + alarms, missed, missed + hits
            found.append(LabelErrors(label, *sizes, tuple(clips[:MOST_EXAMPLES])))
    return sorted(found, key=lambda each: (-each.false_alarms - each.missed, each.label))


def _indicators(classes: np.ndarray, labels: list[str]) -> np.ndarray:
    classes = np.asarray(classes)
    return classes > 0.5 if classes.ndim == 2 else classes[:, None] == np.arange(len(labels))


def _names(row: np.ndarray, labels: list[str]) -> tuple[str, ...]:
    return tuple(labels[k] for k in np.flatnonzero(row))
