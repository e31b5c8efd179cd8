"""The flags of `audiocls tune` are the arguments of `tune`."""

import inspect

from audiocls.arguments import Parser, add_settings
from audiocls.config import TrainConfig
from audiocls.tuning.arguments import DESCRIPTION, add_tune_arguments, tune_options
from audiocls.tuning.space import read_space
from audiocls.tuning.tune import tune


def parsed(*argv):
    parser = Parser(prog="audiocls tune")
    add_tune_arguments(parser)
    add_settings(parser)
    return parser.parse_args(["sounds", *argv])


def test_flags_become_the_keywords_of_tune():
    options = tune_options(parsed("--search", "grid", "--trials", "7", "--no-pruning", "--study", "mine"))
    assert options["search"] == "grid"
    assert options["trials"] == 7
    assert options["pruning"] is False
    assert options["study"] == "mine"
    assert set(options) <= set(inspect.signature(tune).parameters)


def test_what_is_not_given_is_as_in_python():
    defaults = {name: value.default for name, value in inspect.signature(tune).parameters.items()}
    for name, value in tune_options(parsed()).items():
        assert value == defaults[name], name


def test_the_space_shown_in_the_help_can_be_searched(tmp_path):
    shown = "".join(line + "\n" for line in DESCRIPTION.splitlines() if line.startswith("  "))
    path = tmp_path / "space.yaml"
    path.write_text(shown)
    assert len(read_space(path, TrainConfig())) == 4
