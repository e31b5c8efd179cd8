"""Scoring a classifier on decoded clips, and saying what data was found."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import soxr

from audiocls.config import TrainConfig
from audiocls.data.clips import Clips
from audiocls.data.dataset import AudioData, load_labelled_clips
from audiocls.data.listing import shown
from audiocls.evaluation.evaluation import Evaluation, evaluate_scores
from audiocls.evaluation.intervals import interval_of, resampling_units, unit_draws
from audiocls.evaluation.metrics import BOOTSTRAP_SEED
from audiocls.inference.answers import Answer
from audiocls.inference.classifier import AudioClassifier

SHOWN_SKIPPED = 10


def labelled_clips(classifier: AudioClassifier, data: str, verbose: bool, **settings: Any) -> AudioData:
    """Labelled clips for a model that is trained already, at its rate and in the order of its labels.

    Args:
        data: a folder, a zip or a Hub data set id.
        verbose: say what was found.
        settings: of the group "data", as `TrainConfig` takes them.

    Raises:
        DataError, UsageError: as `audiocls.data.dataset.load_labelled_clips`.
    """
    config = TrainConfig(sampling_rate=classifier.sampling_rate, **settings)
    audio = load_labelled_clips(data, config, classifier.labels, classifier.multi_label)
    if verbose:
        report_data(audio, print)
    return audio


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
    answers = clip_answers(classifier, clips, batch_size)
    return evaluate_scores(
        clips.files,
        clips.targets,
        np.stack([answer.scores for answer in answers]),
        classifier.labels,
        clips.groups,
        split_name,
        classifier.multi_label,
        thresholds=getattr(classifier.model.config, "decision_thresholds", None),
        scores_before=scores_before,
        rejection=acceptance(classifier, answers, clips, negatives, batch_size),
    )


def acceptance(
    classifier: AudioClassifier, answers: list[Answer], clips: Clips, negatives: Clips | None, batch_size: int = 16
) -> dict[str, Any] | None:
    """How many clips of the classes pass as known, and how many of no class do, each share with its 95% interval.

    Args:
        answers: to `clips`.

    Returns:
        {"accepted", "interval", "negatives": {"size", "accepted", "interval"} or None}; None for a model that was not
        taught what is unknown.
    """
    if classifier.known_threshold is None:
        return None
    found: dict[str, Any] = {**_share(answers, clips), "negatives": None}
    if negatives is not None and len(negatives):
        others = clip_answers(classifier, negatives, batch_size)
        found["negatives"] = {"size": len(negatives), **_share(others, negatives)}
    return found


def _share(answers: list[Answer], clips: Clips) -> dict[str, Any]:
    passed = np.array([answer.reason is None for answer in answers])
    units = resampling_units(clips.groups, len(clips))
    num_units = int(units.max()) + 1
    sums = np.stack([np.bincount(units, passed), np.bincount(units)], axis=1)
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    drawn = np.concatenate([block @ sums for block in unit_draws(num_units, generator)])
    return {"accepted": float(passed.mean()), "interval": list(interval_of(drawn[:, 0] / drawn[:, 1], num_units))}


def clip_answers(classifier: AudioClassifier, clips: Clips, batch_size: int = 16) -> list[Answer]:
    """The answers to decoded clips."""
    return list(classifier.stream_answers(_played(clips), batch_size=batch_size))


def clip_scores(classifier: AudioClassifier, clips: Clips, speed: float = 1.0, batch_size: int = 16) -> np.ndarray:
    """Scores float32 (clips, labels) of decoded clips, played at this speed: above 1 shorter and higher."""
    return np.stack(list(classifier.stream_scores(_played(clips, speed), batch_size=batch_size)))


def _played(clips: Clips, speed: float = 1.0) -> Iterator[dict[str, Any]]:
    for index in range(len(clips)):
        waveform, rate = clips.waveform(index), clips.sampling_rate
        if speed != 1:
            waveform = soxr.resample(waveform, speed * rate, rate, "HQ")
        yield {"array": waveform, "sampling_rate": rate}


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
