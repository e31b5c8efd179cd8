"""Cross-validation: every clip scored by a model that was trained without its fold.

One configuration at a time, one seed for all folds. It knows nothing of which configurations there are.
"""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from audiocls.comparison.folds import learning_clips
from audiocls.comparison.measuring import latency_ms, weights_bytes
from audiocls.config import TrainConfig
from audiocls.data.dataset import AudioData
from audiocls.evaluation.counts import count
from audiocls.evaluation.metrics import predicted_classes
from audiocls.inference.classifier import AudioClassifier
from audiocls.kinds import fit_kind
from audiocls.scoring import clip_scores
from audiocls.training.run import Run

SCORES = ("accuracy", "balanced_accuracy", "macro_f1")
FoldScores = dict[str, float]


@dataclass
class CrossValidated:
    """What cross-validation found.

    scores: float32 (clips, labels), the probabilities of each of `learning_clips` from the model that had not seen it;
        with several speeds, (speeds x clips, labels), all clips at the first speed first.
    fold_scores: for each fold its accuracy, balanced_accuracy and macro_f1.
    seconds: training time of each fold. num_bytes: of the weights. latency_ms: for one clip of the median length.
    """

    scores: np.ndarray
    fold_scores: list[FoldScores] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    num_bytes: int = 0
    latency_ms: float = float("nan")

    def mean(self, score: str = "balanced_accuracy") -> float:
        """The mean of a score over the folds."""
        return float(np.mean([each[score] for each in self.fold_scores]))


def cross_validate(
    config: TrainConfig,
    audio: AudioData,
    folds: np.ndarray,
    run: Run,
    on_fold: Callable[[int, FoldScores], None] | None = None,
    speeds: Sequence[float] = (1.0,),
) -> CrossValidated:
    """Train once for each fold on all others and score it.

    Args:
        config: what to train; the same seed serves every fold.
        audio: at `config.sampling_rate`; its test part is not looked at.
        folds: int (clips,) from `make_folds`, for `learning_clips(audio)`.
        run: only its accelerator is used; a fold keeps no checkpoint and says nothing.
        on_fold: called after each fold with its number and scores; what it raises ends the cross-validation.
        speeds: at which the held-out clips are played to the model; 1 is as they are.

    Raises:
        AudioclsError: as `audiocls.kinds.fit_kind`.
    """
    clips = learning_clips(audio)
    result = CrossValidated(np.full((len(speeds) * len(clips), len(audio.labels)), np.nan, np.float32))
    silent = Run(run.accelerator, curves=False)
    last = int(folds.max())
    for fold in range(last + 1):
        held_out = np.flatnonzero(folds == fold)
        fold_audio = dataclasses.replace(
            audio,
            train=clips.subset(np.flatnonzero(folds != fold)),
            validation=clips.subset([]),
            test=clips.subset(held_out),
        )
        started = time.perf_counter()
        fitted = fit_kind(config, fold_audio, silent)
        result.seconds.append(time.perf_counter() - started)
        classifier = AudioClassifier.of(fitted.model, fitted.extractor)
        scores = np.concatenate([clip_scores(classifier, fold_audio.test, speed) for speed in speeds])
        result.scores[np.concatenate([held_out + k * len(clips) for k in range(len(speeds))])] = scores
        targets = np.concatenate([fold_audio.test.targets] * len(speeds))
        result.fold_scores.append(fold_scores(targets, scores, len(audio.labels), audio.multi_label))
        if fold == last:
            result.num_bytes = weights_bytes(fitted.model)
            result.latency_ms = latency_ms(classifier, clips)
        run.accelerator.free_memory()  # it keeps every model it prepared
        if on_fold is not None:
            on_fold(fold, result.fold_scores[-1])
    return result


def fold_scores(targets: np.ndarray, scores: np.ndarray, num_labels: int, multi_label: bool) -> FoldScores:
    """Accuracy, balanced accuracy and macro F1 of some clips, means over the classes that occur among them.

    Args:
        targets: int (n,) class indices, or 0/1 (n, labels).
        scores: probabilities (n, labels).
    """
    counts = count(targets, predicted_classes(scores, multi_label), num_labels)
    return {
        "accuracy": float(counts.accuracy()),
        "balanced_accuracy": float(counts.balanced_accuracy(multi_label)),
        "macro_f1": float(counts.macro(counts.f1())),
    }
