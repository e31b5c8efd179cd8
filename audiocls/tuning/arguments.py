"""The flags of `audiocls tune` beside the settings, and from parsed flags to the search."""

import argparse
from typing import Any

from audiocls.tuning.space import DEFAULT, SEARCHES

DESCRIPTION = """Search for the settings that suit the sounds, then train with the best ones into a model folder.

Every trial is cross-validated on the same grouped folds of the training part; the test part is looked at once, at the
end. The study is kept: the same command goes on with it, and several processes or machines that name one --storage
share its trials. A --space is a YAML file with a list or a range for each setting:

  n_mels: [40, 64, 96]
  features: [log_mel, mfcc+chroma]
  learning_rate: {low: 5e-4, high: 1e-2, log: true}
  num_epochs: {low: 20, high: 60, step: 10}

A setting that the space names is searched; all others stay as the flags or the recipe say.
"""


def add_tune_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `audiocls tune` takes, but for the settings of training (`audiocls.arguments.add_settings`)."""
    parser.add_argument("data", metavar="DATA", help="labelled sounds, as for train")
    parser.add_argument(
        "--search",
        choices=SEARCHES,
        default="tpe",
        help="guided by earlier trials, independent random draws, or every combination [tpe]",
    )
    parser.add_argument("--trials", type=int, metavar="N", help="trials in all [20; grid: every combination]")
    parser.add_argument("--folds", type=int, default=5, metavar="N", help="folds of the cross-validation [5]")
    parser.add_argument(
        "--space", default=DEFAULT, metavar="FILE.yaml", help="what to search; default: what suits the kind [default]"
    )
    parser.add_argument(
        "--storage", metavar="URL", help="where the study is kept, such as sqlite:///study.db [<output_dir>.study.db]"
    )
    parser.add_argument("--study", metavar="NAME", help="name of the study in a storage that holds several [audiocls]")
    parser.add_argument(
        "--pruning",
        action=argparse.BooleanOptionalAction,
        help="give up on trials that fall below the median after two folds [on, but off for grid]",
    )
    parser.add_argument("--output_dir", metavar="RUN", help="model folder to write [runs/<name of the data>]")
    parser.add_argument("--overwrite", action="store_true", help="replace --output_dir if it exists; the study is kept")


def tune_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The keywords of `audiocls.tuning.tune.tune` from parsed flags, beside data and config."""
    names = ("search", "trials", "folds", "space", "storage", "output_dir", "pruning", "overwrite")
    options = {name: getattr(arguments, name) for name in names}
    return {**options, **({"study": arguments.study} if arguments.study else {})}
