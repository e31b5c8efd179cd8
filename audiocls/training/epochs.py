"""A fit by epochs, from a trainee to what a fit gives back; with the lines that are printed on the way."""

from typing import Any

import numpy as np
import torch

from audiocls.config import TrainConfig
from audiocls.data.dataset import AudioData
from audiocls.data.field import field_backgrounds
from audiocls.errors import UsageError
from audiocls.evaluation.intervals import wilson_interval
from audiocls.training.batches import soft_targets
from audiocls.training.fit import Fit
from audiocls.training.losses import Loss, class_weights
from audiocls.training.run import Fitted, Run
from audiocls.training.trainee import Trainee


def fit_epochs(trainee: Trainee, config: TrainConfig, audio: AudioData, run: Run) -> Fitted:
    """Train on `audio.train`, watched on `audio.validation`.

    Raises:
        UsageError: settings contradict the data or the run to resume, or need more memory than the device has.
        OutputError: the checkpoint cannot be written or read.
    """
    num_epochs = config.epochs(len(audio.train))
    counts = soft_targets(audio.train, len(audio.labels)).sum(0)
    backgrounds = field_backgrounds(config, audio)

    def told(row: dict[str, Any]) -> None:
        run.say(epoch_line(row, num_epochs))
        run.record(row)

    fit = Fit(
        trainee,
        audio.train,
        audio.validation,
        config,
        Loss(config, audio.multi_label, class_weights(counts, config.class_weights)),
        run.accelerator,
        checkpoint=run.checkpoint,
        progress_bar=run.progress_bar,
        on_epoch=told,
        backgrounds=backgrounds,
    )
    if backgrounds is not None:
        run.say(f"training in background too: {backgrounds.origin}")
    if len(audio.validation):
        run.say(f"watched on {watched_line(len(audio.validation))}")
    if run.resume:
        fit.resume()
        run.say(f"resuming after epoch {fit.progress.epoch}")
        for row in fit.progress.history:
            run.record(row)
    try:
        model = fit.run()
    except KeyboardInterrupt:
        run.say(f"\nstopped after epoch {fit.progress.epoch}; the same command with --resume goes on from there")
        raise
    except torch.OutOfMemoryError as error:
        layers = ", or set gradient_checkpointing" if config.kind == "finetune" else ""
        raise UsageError(
            f"batch_size is {config.batch_size}, too much for the device's memory; halve it and double "
            f"gradient_accumulation_steps (now {config.gradient_accumulation_steps}){layers}"
        ) from error
    history = fit.progress.history
    busy = float(np.mean([row["device_busy"] for row in history]))
    return Fitted(
        model.eval(),
        trainee.extractor,
        history,
        axis="epoch",
        best=fit.progress.best_epoch,
        seconds=sum(row["seconds"] for row in history),
        details={"device_busy": round(busy, 4)},
    )


def watched_line(num_clips: int) -> str:
    """How little the scores of an epoch say: of how many clips they are, and how wide the interval of a share is."""
    low, high = wilson_interval(0.8, num_clips)
    return f"{num_clips} validation clips: a share of 0.80 there may be anything from {low:.2f} to {high:.2f}"


def epoch_line(row: dict[str, Any], num_epochs: int) -> str:
    """One line of the training log."""
    line = f"epoch {row['epoch']:>3}/{num_epochs}  loss {row['train_loss']:.3f}  accuracy {row['train_accuracy']:.3f}"
    if "validation_loss" in row:
        line += f"  | validation loss {row['validation_loss']:.3f}  F1 {row['validation_f1']:.3f}"
    return f"{line}  {row['seconds']:.1f} s"
