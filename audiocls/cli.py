"""The command line: a function a sub-command. What is heavy is imported where it is used."""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from audiocls.arguments import given_fields, read_settings
from audiocls.commands import build_parser
from audiocls.errors import AudioclsError, UsageError
from audiocls.publishing.arguments import given_token, push_options
from audiocls.publishing.options import push_settings
from audiocls.tuning.arguments import tune_options

if TYPE_CHECKING:
    from audiocls.detection.options import DetectOptions
    from audiocls.inference.classifier import AudioClassifier


def run_inspect(arguments: argparse.Namespace) -> None:
    from audiocls.inspection.inspect import inspect

    inspect(
        arguments.data,
        arguments.output_dir,
        label_regex=arguments.label_regex,
        num_workers=arguments.num_workers,
        verbose=True,
    )


def run_train(arguments: argparse.Namespace) -> int | None:
    config = read_settings(arguments)
    options = push_options(arguments)
    if arguments.push_to_hub:  # what would fail in the end fails at once
        from audiocls.publishing.login import login

        if token := given_token(arguments):
            os.environ["HF_TOKEN"] = token
        login(arguments.push_to_hub, token)
    elif given := sorted(given_fields(arguments, push_settings())):
        raise UsageError(f"--{given[0]} is for publishing: say where to with --push_to_hub")
    from audiocls.training.launch import processes_to_start, run_together

    processes = processes_to_start(arguments.num_processes)
    if processes > 1:
        return run_together(processes, main, [each for each in arguments.argv if each != "--token-stdin"])
    from audiocls.experiment import train

    trained = train(
        arguments.data,
        arguments.output_dir,
        config,
        resume=arguments.resume,
        overwrite=arguments.overwrite,
        verbose=True,
    )
    if arguments.push_to_hub and os.environ.get("RANK", "0") == "0":
        from audiocls.publishing.push import push

        push(trained.output_dir, arguments.push_to_hub, options, verbose=True)
    return None


def run_push(arguments: argparse.Namespace) -> None:
    from audiocls.publishing.push import push

    push(
        arguments.model,
        arguments.repo_id,
        push_options(arguments),
        token=given_token(arguments),
        verbose=True,
    )


def run_predict(arguments: argparse.Namespace) -> None:
    from audiocls.predictions import predict_files

    predict_files(
        _load_model(arguments),
        arguments.inputs,
        arguments.top_k,
        arguments.format,
        arguments.batch_size,
        threshold=arguments.threshold,
        rejection=arguments.rejection,
        denoise=arguments.denoise,
    )


def run_detect(arguments: argparse.Namespace) -> int | None:
    options = _detect_options(arguments)
    from audiocls.training.launch import processes_to_start, run_together

    processes = processes_to_start(arguments.num_processes)
    if processes > 1:
        from audiocls.recordings.finding import kept_stdin

        with kept_stdin(arguments.recordings):
            return run_together(processes, main, arguments.argv)
    from audiocls.corpus.corpus import detect_recordings

    detect_recordings(
        lambda: _load_model(arguments),  # of several processes each first takes its device
        arguments.recordings,
        arguments.output_dir,
        options,
        exports=[form.strip() for form in arguments.export.split(",") if form.strip() not in ("", "none")],
        scores=arguments.scores,
        pictures=arguments.pictures,
        num_workers=arguments.num_workers,
        batch_size=arguments.batch_size,
        overwrite=arguments.overwrite,
        verbose=True,
    ).check()
    return None


def run_segment(arguments: argparse.Namespace) -> None:
    from audiocls.cutting.segment import segment
    from audiocls.cutting.segment_options import SegmentOptions, segment_settings

    options = SegmentOptions(**given_fields(arguments, segment_settings()))
    segment(arguments.recordings, arguments.output_dir, options, arguments.overwrite, verbose=True)


def run_evaluate(arguments: argparse.Namespace) -> None:
    if arguments.events is not None:
        return _evaluate_events(arguments)
    from audiocls.detection.options import detect_settings

    idle = [
        *given_fields(arguments, detect_settings()),
        *["choose_thresholds"] * (arguments.choose_thresholds is not None),
    ]
    if idle:
        raise UsageError(f"--{idle[0]} is for events in recordings: say with --events what is in them")
    from audiocls.assessment import evaluate
    from audiocls.evaluation.evaluation import format_scores

    metrics = evaluate(
        _load_model(arguments),
        arguments.data,
        arguments.output_dir,
        **_reading_options(arguments),
        check_labels=arguments.check_labels,
        batch_size=arguments.batch_size,
        verbose=True,
    )
    print(format_scores(metrics))
    return None


def _evaluate_events(arguments: argparse.Namespace) -> None:
    from audiocls.recordings.event_evaluation import evaluate_events

    evaluate_events(
        _load_model(arguments),
        arguments.data,
        arguments.events,
        arguments.output_dir,
        _detect_options(arguments),
        collar_seconds=arguments.collar_seconds,
        segment_seconds=arguments.segment_seconds,
        choose_thresholds=arguments.choose_thresholds,
        unnamed_are_empty=arguments.unnamed_are_empty,
        batch_size=arguments.batch_size,
        verbose=True,
    )


def run_calibrate(arguments: argparse.Namespace) -> None:
    from audiocls.finishing.calibrate import calibrate_model

    calibrate_model(
        _load_model(arguments),
        arguments.data,
        arguments.output_dir,
        acceptance=arguments.acceptance,
        **_reading_options(arguments),
        batch_size=arguments.batch_size,
        overwrite=arguments.overwrite,
        verbose=True,
    )
    print(f"model folder: {arguments.output_dir}")


def run_compare(arguments: argparse.Namespace) -> None:
    config = read_settings(arguments)
    from audiocls.comparison.compare import compare

    kinds = [kind.strip() for kind in arguments.models.split(",") if kind.strip()]
    compare(arguments.data, kinds, config, arguments.folds, arguments.output_dir, verbose=True)


def run_tune(arguments: argparse.Namespace) -> None:
    config = read_settings(arguments)
    from audiocls.tuning.tune import tune

    tune(arguments.data, config, **tune_options(arguments), verbose=True)


def run_weights(arguments: argparse.Namespace) -> None:
    from audiocls.pretrained.weights import fetch_weights, list_weights

    if arguments.list:
        print(list_weights())
    elif arguments.name:
        fetch_weights(arguments.name, arguments.output_dir, verbose=True)
    else:
        raise UsageError("say which pretrained model to fetch; audiocls weights --list shows what there is")


def _reading_options(arguments: argparse.Namespace) -> dict[str, Any]:
    return {name: getattr(arguments, name) for name in ("label_regex", "group_regex", "group_table", "strict")}


def _detect_options(arguments: argparse.Namespace) -> "DetectOptions":
    from audiocls.detection.options import DetectOptions, detect_settings

    return DetectOptions(**given_fields(arguments, detect_settings()))


def _load_model(arguments: argparse.Namespace) -> "AudioClassifier":
    from audiocls.inference.classifier import AudioClassifier

    classifier = AudioClassifier.from_pretrained(
        arguments.model, device=arguments.device, trust_remote_code=arguments.trust_remote_code
    )
    if os.environ.get("RANK", "0") == "0":
        for note in classifier.notes:
            print(f"audiocls: {note}", file=sys.stderr)
    return classifier


RUN = {
    "inspect": run_inspect,
    "train": run_train,
    "push": run_push,
    "predict": run_predict,
    "evaluate": run_evaluate,
    "detect": run_detect,
    "segment": run_segment,
    "calibrate": run_calibrate,
    "compare": run_compare,
    "tune": run_tune,
    "weights": run_weights,
}


def _let_go(interrupt: KeyboardInterrupt) -> None:
    """Throw away what Ctrl-C caught half made, such as a progress bar, without its complaints about that."""
    hook, sys.unraisablehook = sys.unraisablehook, lambda unraisable: None
    traceback.clear_frames(interrupt.__traceback__)
    sys.unraisablehook = hook


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Known failures print one line and return 1, wrong usage 2; Ctrl-C returns 130."""
    argv = list(sys.argv[1:] if argv is None else argv)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        if argv[:1] == ["app"]:
            from audiocls.ui.app import main as app

            return app(argv[1:]) or 0
        arguments = build_parser().parse_args(argv)
        arguments.argv = argv
        return RUN[arguments.command](arguments) or 0
    except AudioclsError as error:
        if os.environ.get("RANK", "0") == "0":  # of several processes that fail alike, one says so
            print(f"audiocls: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt as interrupt:
        _let_go(interrupt)
        print("\naudiocls: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of a pipe, such as head, has had enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (keeps the interpreter's last flush quiet)
        return 0


if __name__ == "__main__":
    sys.exit(main())
