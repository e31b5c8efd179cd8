"""Scoring a trained model on labelled clips."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from audiocls.config import TrainConfig
from audiocls.data.clips import Clips
from audiocls.data.dataset import AudioData, load_labelled_clips
from audiocls.data.listing import shown
from audiocls.errors import OutputError
from audiocls.evaluation.evaluation import Evaluation, evaluate_scores
from audiocls.inference.classifier import AudioClassifier
from audiocls.model_folder import explained

SHOWN_SKIPPED = 10


def evaluate(
    model: AudioClassifier | str | Path,
    data: str | Path,
    output_dir: str | Path | None = None,
    *,
    label_regex: str | None = None,
    strict: bool = False,
    batch_size: int = 16,
    verbose: bool = False,
) -> dict[str, Any]:
    """Score a model on labelled sounds: on their test part if they have parts, else on all of them.

    Args:
        model: a classifier, a model folder or a Hub id.
        data: a folder, a zip or a Hub data set id, as for training.
        output_dir: where to write metrics.json, predictions.csv and confusion_matrix.png; must not exist.
        label_regex: as the setting of that name, for data whose labels are named as those of the training were.
        strict: fail on the first file that cannot be used.
        verbose: print what is left out.

    Returns:
        The metrics, as `audiocls.evaluation.metrics.score_predictions` describes them.

    Raises:
        DataError: nothing usable, or a class that the model does not know.
        ModelError: the model cannot be loaded.
        OutputError: `output_dir` exists or cannot be written.
        UsageError: label_regex is not valid or matches nothing.
    """
    if output_dir is not None and Path(output_dir).exists():
        raise OutputError(f"{output_dir} exists; choose another --output_dir")
    classifier = model if isinstance(model, AudioClassifier) else AudioClassifier.from_pretrained(model)
    config = TrainConfig(sampling_rate=classifier.sampling_rate, strict=strict, label_regex=label_regex)
    audio = load_labelled_clips(str(data), config, classifier.labels, classifier.multi_label)
    if verbose:
        report_data(audio, print)
    evaluation = evaluate_clips(classifier, audio.test, audio.test_name, batch_size)
    if output_dir is not None:
        with explained(Path(output_dir)):
            Path(output_dir).mkdir(parents=True)
        evaluation.save(output_dir)
    return evaluation.metrics


def evaluate_clips(classifier: AudioClassifier, clips: Clips, split_name: str, batch_size: int = 16) -> Evaluation:
    """Score a classifier on decoded clips."""
    scores = clip_scores(classifier, clips, batch_size=batch_size)
    return evaluate_scores(
        clips.files, clips.targets, scores, classifier.labels, clips.groups, split_name, classifier.multi_label
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
