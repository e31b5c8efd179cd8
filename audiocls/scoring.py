"""Scoring a classifier on decoded clips, and saying what data was found."""

from collections.abc import Callable, Iterator

import numpy as np
import soxr

from audiocls.data.clips import Clips
from audiocls.data.dataset import AudioData
from audiocls.data.listing import shown
from audiocls.evaluation.evaluation import Evaluation, evaluate_scores
from audiocls.inference.classifier import AudioClassifier

SHOWN_SKIPPED = 10


def evaluate_clips(
    classifier: AudioClassifier,
    clips: Clips,
    split_name: str,
    batch_size: int = 16,
    scores_before: np.ndarray | None = None,
    negatives: Clips | None = None,
) -> Evaluation:
    """Score a classifier on decoded clips.

    Args:
        scores_before: what the model said before it was calibrated, (clips, labels), to tell what that changed.
        negatives: clips of none of its classes, to tell how many of them it takes for one.
    """
    scores = clip_scores(classifier, clips, batch_size=batch_size)
    return evaluate_scores(
        clips.files,
        clips.targets,
        scores,
        classifier.labels,
        clips.groups,
        split_name,
        classifier.multi_label,
        thresholds=getattr(classifier.model.config, "decision_thresholds", None),
        scores_before=scores_before,
    )


def clip_scores(classifier: AudioClassifier, clips: Clips, speed: float = 1.0, batch_size: int = 16) -> np.ndarray:
    """Scores float32 (clips, labels) of decoded clips, played at this speed: above 1 shorter and higher."""

    def played() -> Iterator[dict]:
        for index in range(len(clips)):
            waveform, rate = clips.waveform(index), clips.sampling_rate
            if speed != 1:
                waveform = soxr.resample(waveform, speed * rate, rate, "HQ")
            yield {"array": waveform, "sampling_rate": rate}

    return np.stack(list(classifier.stream(played(), batch_size=batch_size)))


def report_data(audio: AudioData, say: Callable[[str], None]) -> None:
    """Say what was found, what is left out and why."""
    sizes = ", ".join(
        f"{len(part)} {name}"
        for name, part in (("train", audio.train), ("validation", audio.validation), ("test", audio.test))
    )
    say(f"{audio.name}: {len(audio.labels)} classes, clips: {sizes}. {audio.split_note}")
    if audio.skipped:
        say(f"warning: {len(audio.skipped)} files are left out:")
        for skipped in audio.skipped[:SHOWN_SKIPPED]:
            say(f"  {shown(skipped.file)}: {skipped.reason}")
        if len(audio.skipped) > SHOWN_SKIPPED:
            say(f"  ... and {len(audio.skipped) - SHOWN_SKIPPED} more")
    for warning in audio.warnings:
        say(f"warning: {warning}")
