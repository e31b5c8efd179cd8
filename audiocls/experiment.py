"""An experiment from data to model folder: load, train, score, document, and only then give the folder its name."""

import json
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

import audiocls
from audiocls.card.examples import ATTRIBUTION, EXAMPLES, write_examples
from audiocls.card.facts import CardFacts
from audiocls.card.model_card import write_model_card
from audiocls.comparison.auto import Choice, choose
from audiocls.comparison.leaderboard import LEADERBOARD_PNG, write_leaderboard
from audiocls.comparison.leaks import format_leaks, leak_report
from audiocls.comparison.material import Material
from audiocls.comparison.measuring import weights_bytes
from audiocls.config import TrainConfig
from audiocls.data.dataset import AudioData, load_audio_data
from audiocls.data.extra import with_extra
from audiocls.errors import DataError
from audiocls.evaluation.evaluation import Evaluation, format_scores
from audiocls.evaluation.history import ProgressFile, write_history
from audiocls.evaluation.plots import save_png, training_curves_figure
from audiocls.evaluation.reliability_plot import RELIABILITY_PNG
from audiocls.finishing.finish import finish
from audiocls.inference.classifier import AudioClassifier
from audiocls.inference.loading import quiet_transformers
from audiocls.inference.rejection_file import save_rejection
from audiocls.kinds import description, fit_kind, prepared, told_settings
from audiocls.model_folder import RunFolder, default_output_dir, explained
from audiocls.scoring import clip_scores, evaluate_clips, report_data
from audiocls.training.batches import soft_targets
from audiocls.training.run import Fitted, Run
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
    add_files: Callable[[Path], None] | None = None,
) -> Experiment:
    """Train a model on labelled sounds, score it on the test part and write a complete model folder.

    Args:
        data: a folder, a zip or a Hub data set id; see `audiocls.data.dataset.load_audio_data`.
        output_dir: the model folder to write; `runs/<name of the data>` unless given.
        config: settings; the defaults suit a few hundred short clips.
        resume: go on with what an interrupted run left beside `output_dir`.
        overwrite: replace `output_dir` if it exists.
        verbose: print what is going on, with progress bars.
        add_files: called with the folder before it gets its name, to put more into it.

    Raises:
        UsageError: settings contradict each other, the data or an interrupted run; or the folder exists.
        DataError: the data cannot be used.
        ModelError: a pretrained model is missing or cannot be used.
        OutputError: the folder cannot be written.
    """
    config = prepared(config or TrainConfig())
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

    started = time.perf_counter()
    progress = ProgressFile(folder.partial)
    record = progress.add if accelerator.is_main_process else lambda row: None
    run = Run(accelerator, folder.checkpoint, resume, verbose, say, record)
    try:
        choice = choose(Material(str(data), config, audio), config, run) if config.kind == "auto" else None
        fitted = choice.fitted if choice else fit_kind(config, audio, run)
    except BaseException:
        if accelerator.is_main_process:
            folder.abandon()
        raise
    metrics = None
    if accelerator.is_main_process:
        say(trained_line(fitted))
        progress.remove()
        metrics = write_model_folder(folder, fitted, audio, config, run, choice, add_files)
        if metrics:
            say("\n" + format_scores(metrics))
        say(f"\nmodel folder: {folder.final}  ({time.perf_counter() - started:.0f} s in all)")
        say(f"try it: audiocls predict {folder.final} FILE, or audiocls app --model {folder.final}")
    accelerator.wait_for_everyone()
    accelerator.end_training()
    return Experiment(folder.final, metrics, fitted.history)


def trained_line(fitted: Fitted) -> str:
    """What the person who waits is told when training is over."""
    busy = f" ({fitted.details['device_busy']:.0%} of it computing)" if "device_busy" in fitted.details else ""
    kept = f"; keeping {fitted.axis} {fitted.best}" if fitted.history else ""
    return f"trained in {fitted.seconds:.0f} s{busy}{kept}"


def write_model_folder(
    folder: RunFolder,
    fitted: Fitted,
    audio: AudioData,
    config: TrainConfig,
    run: Run,
    choice: Choice | None = None,
    add_files: Callable[[Path], None] | None = None,
) -> dict[str, Any] | None:
    """Finish the model, fill the run's folder and give it its final name.

    Returns:
        Its metrics: of the test part, else of the validation part, else None.
    """
    if choice:
        audio = choice.audio  # at the sampling rate of the model
    tested = {part: clips for part, clips in (("test", audio.test), ("validation", audio.validation)) if len(clips)}
    classifier = AudioClassifier.of(fitted.model, fitted.extractor)
    before = {part: clip_scores(classifier, clips) for part, clips in tested.items()} if config.calibrate else {}
    leaks = leak_report(audio, config, run) if config.leak_report else None
    audio = with_extra(audio)
    finished = finish(fitted, audio, config, run)
    if leaks:
        run.say("\n" + format_leaks(leaks))
    with explained(folder.partial):
        if choice:
            write_leaderboard(choice.rows, folder.partial, choice.title)
        with quiet_transformers():
            fitted.model.save_pretrained(folder.partial)
        save_rejection(fitted.model, folder.partial)
        fitted.extractor.save_pretrained(folder.partial)
        write_history(fitted.history, folder.partial)
        save_png(training_curves_figure(fitted.history, fitted.best, fitted.axis), folder.partial / "curves.png")
        record = {
            "audiocls_version": audiocls.__version__,
            "settings": told_settings(config),
            "data": audio.name,
            "labels": audio.labels,
            "clips": {"train": len(audio.train), "validation": len(audio.validation), "test": len(audio.test)},
            "split": audio.split_note,
            "extra": audio.extra_record,
            "skipped": [vars(skipped) for skipped in audio.skipped],
            "warnings": audio.warnings,
            "base_model": fitted.base_model,
            f"best_{fitted.axis}": fitted.best,
            **fitted.details,
            **finished,
            "leak_report": leaks,
            "processes": run.accelerator.num_processes,
            "device": run.accelerator.device.type,
            "versions": {"python": platform.python_version(), "torch": torch.__version__},
        }
        write_text(folder.partial / "training_config.json", json.dumps(record, indent=2, ensure_ascii=False) + "\n")
        saved = AudioClassifier.from_pretrained(folder.partial)
        evaluations = {
            part: evaluate_clips(
                saved,
                clips,
                part,
                scores_before=before.get(part),
                negatives=audio.test_negatives if part == "test" else None,
            )
            for part, clips in tested.items()
        }
        reported = evaluations.get("test") or evaluations.get("validation")
        if reported:
            reported.save(folder.partial)
        facts = card_facts(folder.final.name, audio, config, fitted, evaluations, record)
        shown = next(iter(tested.values()), audio.train)
        scores = reported.scores if reported else None
        facts.examples = len(write_examples(shown, audio.labels, folder.partial, scores, audio.root))
        facts.examples_attributed = (folder.partial / EXAMPLES / ATTRIBUTION).is_file()
        write_model_card(facts, folder.partial)
        if add_files:
            add_files(folder.partial)
    folder.complete()
    return reported.metrics if reported else None


def card_facts(
    name: str,
    audio: AudioData,
    config: TrainConfig,
    fitted: Fitted,
    evaluations: dict[str, Evaluation],
    record: dict[str, Any],
) -> CardFacts:
    """What the model card tells of a run."""
    parts = {"train": audio.train, "validation": audio.validation, "test": audio.test}
    filled = {part: clips for part, clips in parts.items() if len(clips)}
    metrics = {part: evaluation.metrics for part, evaluation in evaluations.items()}
    by_epoch = fitted.axis == "epoch"
    classifier = AudioClassifier.of(fitted.model, fitted.extractor)
    return CardFacts(
        name=name,
        labels=audio.labels,
        label_counts={
            part: soft_targets(clips, len(audio.labels)).sum(0).astype(int).tolist() for part, clips in filled.items()
        },
        sampling_rate=classifier.sampling_rate,
        clip_seconds=classifier.window_length / classifier.sampling_rate,
        multi_label=audio.multi_label,
        custom_code=classifier.extractor is None,
        base_model=fitted.base_model,
        test_metrics=metrics.get("test"),
        validation_metrics=metrics.get("validation"),
        confusion_matrix="confusion_matrix.png" if metrics else None,
        calibration=record["calibration"],
        thresholds=record["thresholds"],
        rejection=record["rejection"],
        leak_report=record["leak_report"],
        detection=record["detection"],
        reliability_picture=RELIABILITY_PNG if metrics else None,
        dataset_name=audio.name,
        dataset_id=audio.dataset_id,
        dataset_revision=audio.dataset_revision,
        clip_counts={part: len(clips) for part, clips in filled.items()},
        part_seconds={part: float(clips.lengths.sum()) / audio.sampling_rate for part, clips in filled.items()},
        split_note=audio.split_note,
        skipped=len(audio.skipped),
        warnings=audio.warnings,
        attribution=audio.attribution,
        method=description(config, fitted),
        leaderboard=fitted.details.get("leaderboard", ()),
        leaderboard_picture=LEADERBOARD_PNG if "leaderboard" in fitted.details else None,
        config=told_settings(config),
        num_parameters=fitted.model.num_parameters(),
        weights_bytes=weights_bytes(fitted.model),
        training_seconds=fitted.seconds,
        num_epochs=len(fitted.history) if by_epoch else None,
        best_epoch=fitted.best if by_epoch else None,
        device=record["device"],
        versions=record["versions"],
    )
