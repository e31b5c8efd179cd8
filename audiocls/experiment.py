"""An experiment from data to model folder: load, train, score, document, and only then give the folder its name."""

import json
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator

import audiocls
from audiocls.card.facts import CardFacts
from audiocls.card.model_card import write_model_card
from audiocls.config import TrainConfig
from audiocls.data.dataset import AudioData, load_audio_data
from audiocls.errors import DataError
from audiocls.evaluation.evaluation import Evaluation, format_scores
from audiocls.evaluation.history import write_history
from audiocls.evaluation.plots import save_png, training_curves_figure
from audiocls.inference.classifier import AudioClassifier
from audiocls.inference.loading import quiet_transformers
from audiocls.model_folder import RunFolder, default_output_dir, explained
from audiocls.models.modeling_audiocls import AudioClsForAudioClassification
from audiocls.scoring import evaluate_clips, report_data
from audiocls.training.batches import soft_targets
from audiocls.training.factory import build_model, check_features, feature_extractor
from audiocls.training.fit import Fit
from audiocls.training.losses import Loss, class_weights
from audiocls.whole_files import write_text


@dataclass(frozen=True)
class Experiment:
    """What `train` returns: the finished model folder and its scores (None when no clips were kept to test on)."""

    output_dir: Path
    metrics: dict[str, Any] | None
    history: list[dict[str, Any]]


def train(
    data: str | Path,
    output_dir: str | Path | None = None,
    config: TrainConfig | None = None,
    *,
    resume: bool = False,
    overwrite: bool = False,
    verbose: bool = False,
) -> Experiment:
    """Train a model on labelled sounds, score it on the test part and write a complete model folder.

    Args:
        data: a folder, a zip or a Hub data set id; see `audiocls.data.dataset.load_audio_data`.
        output_dir: the model folder to write; `runs/<name of the data>` unless given.
        config: settings; the defaults suit a few hundred short clips.
        resume: go on with what an interrupted run left beside `output_dir`.
        overwrite: replace `output_dir` if it exists.
        verbose: print what is going on, with progress bars.

    Raises:
        UsageError: settings contradict each other, the data or an interrupted run; or the folder exists.
        DataError: the data cannot be used.
        OutputError: the folder cannot be written.
    """
    config = config or TrainConfig()
    check_features(config)
    folder = RunFolder(Path(output_dir), resume, overwrite) if output_dir else None  # wrong usage fails at once
    accelerator = Accelerator(mixed_precision=config.mixed_precision)
    say: Callable[[str], None] = print if verbose and accelerator.is_main_process else lambda _: None

    with accelerator.main_process_first():  # the first process decodes, the others find the cache
        audio = load_audio_data(str(data), config)
    report_data(audio, say)
    if len(audio.train) < 2:
        raise DataError(f"{audio.name}: the training part has {len(audio.train)} usable clips; at least 2 are needed")
    folder = folder or RunFolder(default_output_dir(audio.name), resume, overwrite)
    if accelerator.is_main_process:
        folder.create()
    accelerator.wait_for_everyone()

    counts = soft_targets(audio.train, len(audio.labels)).sum(0)
    loss = Loss(config, audio.multi_label, class_weights(counts, config.class_weights))
    fit = Fit(
        build_model(config, audio),
        audio.train,
        audio.validation,
        config,
        loss,
        accelerator,
        checkpoint=folder.checkpoint,
        progress_bar=verbose,
        on_epoch=lambda row: say(epoch_line(row, config.epochs(len(audio.train)))),
    )
    if resume:
        fit.resume()
        say(f"resuming after epoch {fit.progress.epoch}")
    started = time.perf_counter()
    try:
        model = fit.run()
    except KeyboardInterrupt:
        say(f"\nstopped after epoch {fit.progress.epoch}; the same command with --resume goes on from there")
        raise
    seconds = sum(row["seconds"] for row in fit.progress.history)
    metrics = None
    if accelerator.is_main_process:
        busy = np.mean([row["device_busy"] for row in fit.progress.history])
        say(f"trained in {seconds:.0f} s ({busy:.0%} of it computing); keeping epoch {fit.progress.best_epoch}")
        metrics = write_model_folder(folder, model, audio, config, fit)
        if metrics:
            say("\n" + format_scores(metrics))
        say(f"\nmodel folder: {folder.final}  ({time.perf_counter() - started:.0f} s in all)")
        say(f"try it: audiocls predict {folder.final} FILE, or audiocls app --model {folder.final}")
    accelerator.wait_for_everyone()
    accelerator.end_training()
    return Experiment(folder.final, metrics, fit.progress.history)


def epoch_line(row: dict[str, Any], num_epochs: int) -> str:
    """One line of the training log."""
    line = f"epoch {row['epoch']:>3}/{num_epochs}  loss {row['train_loss']:.3f}  accuracy {row['train_accuracy']:.3f}"
    if "validation_loss" in row:
        line += f"  | validation loss {row['validation_loss']:.3f}  F1 {row['validation_f1']:.3f}"
    return f"{line}  {row['seconds']:.1f} s"


def write_model_folder(
    folder: RunFolder,
    model: AudioClsForAudioClassification,
    audio: AudioData,
    config: TrainConfig,
    fit: Fit,
) -> dict[str, Any] | None:
    """Fill the run's folder and give it its final name. Returns its metrics: test, else validation, else None."""
    history = fit.progress.history
    with explained(folder.partial):
        with quiet_transformers():
            model.save_pretrained(folder.partial)
        feature_extractor(config.sampling_rate).save_pretrained(folder.partial)
        write_history(history, folder.partial)
        save_png(training_curves_figure(history, fit.progress.best_epoch), folder.partial / "curves.png")
        record = {
            "audiocls_version": audiocls.__version__,
            "settings": config.to_dict(),
            "data": audio.name,
            "labels": audio.labels,
            "clips": {"train": len(audio.train), "validation": len(audio.validation), "test": len(audio.test)},
            "split": audio.split_note,
            "skipped": [vars(skipped) for skipped in audio.skipped],
            "warnings": audio.warnings,
            "best_epoch": fit.progress.best_epoch,
            "processes": fit.accelerator.num_processes,
            "device": fit.accelerator.device.type,
            "device_busy": round(float(np.mean([row["device_busy"] for row in history])), 4),
            "versions": {"python": platform.python_version(), "torch": torch.__version__},
        }
        write_text(folder.partial / "training_config.json", json.dumps(record, indent=2, ensure_ascii=False) + "\n")
        evaluations = {
            part: evaluate_clips(AudioClassifier.from_pretrained(folder.partial), clips, part)
            for part, clips in (("test", audio.test), ("validation", audio.validation))
            if len(clips)
        }
        reported = evaluations.get("test") or evaluations.get("validation")
        if reported:
            reported.save(folder.partial)
        facts = card_facts(folder.final.name, audio, config, model, fit, evaluations, record)
        write_model_card(facts, folder.partial)
    folder.complete()
    return reported.metrics if reported else None


def card_facts(
    name: str,
    audio: AudioData,
    config: TrainConfig,
    model: AudioClsForAudioClassification,
    fit: Fit,
    evaluations: dict[str, Evaluation],
    record: dict[str, Any],
) -> CardFacts:
    """What the model card tells of a run."""
    parts = {"train": audio.train, "validation": audio.validation, "test": audio.test}
    filled = {part: clips for part, clips in parts.items() if len(clips)}
    metrics = {part: evaluation.metrics for part, evaluation in evaluations.items()}
    return CardFacts(
        name=name,
        labels=audio.labels,
        label_counts={
            part: soft_targets(clips, len(audio.labels)).sum(0).astype(int).tolist() for part, clips in filled.items()
        },
        sampling_rate=config.sampling_rate,
        clip_seconds=config.clip_seconds,
        multi_label=audio.multi_label,
        test_metrics=metrics.get("test"),
        validation_metrics=metrics.get("validation"),
        confusion_matrix="confusion_matrix.png" if metrics else None,
        dataset_name=audio.name,
        clip_counts={part: len(clips) for part, clips in filled.items()},
        part_seconds={part: float(clips.lengths.sum()) / config.sampling_rate for part, clips in filled.items()},
        split_note=audio.split_note,
        skipped=len(audio.skipped),
        warnings=audio.warnings,
        attribution=audio.attribution,
        config=config.to_dict(),
        num_parameters=model.num_parameters(),
        weights_bytes=sum(tensor.nbytes for tensor in model.state_dict().values()),
        training_seconds=sum(row["seconds"] for row in fit.progress.history),
        num_epochs=len(fit.progress.history),
        best_epoch=fit.progress.best_epoch,
        device=record["device"],
        versions=record["versions"],
    )
