"""The command line: help, exit codes, one-line errors, every output format."""

import csv
import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from audiocls import cli
from audiocls.cli import main
from audiocls.commands import build_parser
from audiocls.inference.answers import NONE_OF_THESE
from tests.small_models import write_small_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_small_model(tmp_path_factory.mktemp("model") / "run")


def run(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def one_line(err):
    assert err.count("\n") == 1
    assert err.startswith("audiocls: ")
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize("command", [[], ["train"], ["predict"], ["evaluate"]])
def test_help_fits_the_terminal_and_explains_every_option(capsys, command):
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 120
    assert "None" not in text


def test_every_option_has_help():
    commands = next(action for action in build_parser()._actions if action.dest == "command")
    for parser in commands.choices.values():
        assert all(action.help for action in parser._actions)


def test_version_and_help_do_not_load_torch():
    code = (
        "import sys, audiocls.cli as c\ntry: c.main(['--help'])\nexcept SystemExit: pass\nprint('torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["train", "DATA", "--num_epochs", "many"], "--num_epochs"),
        (["train", "DATA", "--batch_size", "0"], "batch_size"),
        (["train", "DATA", "--image_size", "big"], "image_size"),
        (["train", "DATA", "--features", "wavelets"], "wavelets"),
        (["train", "DATA", "--n_mels", "300"], "n_mels is 300"),
        (["train", "DATA", "--config", "missing.yaml"], "missing.yaml"),
        (["train", "DATA", "--colour", "red"], "--colour"),
        (["train", "DATA", "--num_epoch", "3"], "--num_epoch"),
        (["train"], "DATA"),
        (["dance"], "dance"),
        ([], "COMMAND"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(capsys, tmp_path, arguments, names):
    arguments = [str(tmp_path) if argument == "DATA" else argument for argument in arguments]
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert not out
    assert names in one_line(err)


def test_known_failures_are_one_line_and_code_1(capsys, tmp_path, model, everyday_sounds):
    clip = everyday_sounds / "test" / "drum" / "drum_00.ogg"
    for arguments, names in [
        (["predict", tmp_path / "none", clip], "none"),
        (["predict", model, tmp_path / "no.wav"], "no.wav"),
        (["predict", model, tmp_path], "no audio"),
        (["evaluate", model, tmp_path], ""),
        (["train", tmp_path, "--output_dir", tmp_path / "run"], ""),
    ]:
        code, _, err = run(capsys, *arguments)
        assert code == 1
        assert names in one_line(err)


def test_predict_writes_every_format(capsys, model, everyday_sounds):
    folder = everyday_sounds / "test" / "wood"
    code, table, _ = run(capsys, "predict", model, folder)
    assert code == 0
    assert len(table.splitlines()) == 10
    answers = json.loads(run(capsys, "predict", model, folder, "--format", "json", "--top_k", 1)[1])
    assert [len(answer["predictions"]) for answer in answers] == [1] * 10
    lines = run(capsys, "predict", model, folder, "--format", "jsonl", "--top_k", 0)[1].splitlines()
    assert sum(row["score"] for row in json.loads(lines[0])["predictions"]) == pytest.approx(1, abs=1e-4)
    rows = list(csv.DictReader(io.StringIO(run(capsys, "predict", model, folder, "--format", "csv")[1])))
    assert [row["file"] for row in rows] == [answer["file"] for answer in answers]
    assert [row["closest"] for row in rows] == [answer["predictions"][0]["label"] for answer in answers]
    assert [row["label"] for row in rows] == [answer["answer"] or NONE_OF_THESE for answer in answers]


def test_predict_says_none_of_these(capsys, model, tmp_path):
    soundfile.write(tmp_path / "quiet.wav", np.zeros(16000), 16000)
    assert "none of these (silent)" in run(capsys, "predict", model, tmp_path)[1]
    (answer,) = json.loads(run(capsys, "predict", model, tmp_path, "--format", "json")[1])
    assert answer["answer"] is None
    assert answer["reason"] == "silent"
    assert answer["closest"] == answer["predictions"][0]["label"]
    (row,) = csv.DictReader(io.StringIO(run(capsys, "predict", model, tmp_path, "--format", "csv")[1]))
    assert row["label"] == NONE_OF_THESE


def test_predict_says_only_labels_above_a_threshold(capsys, model, everyday_sounds):
    clip = everyday_sounds / "test" / "wood" / "wood_03.ogg"
    assert "none of these (closest:" in run(capsys, "predict", model, clip, "--threshold", 0.999)[1]
    assert "none of these" not in run(capsys, "predict", model, clip, "--threshold", 0)[1]
    code, _, err = run(capsys, "predict", model, clip, "--threshold", 1.5)
    assert code == 2
    assert "threshold is 1.5" in one_line(err)


def test_predict_names_a_bad_file_and_still_labels_the_others(capsys, model, everyday_sounds, tmp_path):
    bad = tmp_path / "no sound.wav"
    bad.write_text("this is text")
    good = everyday_sounds / "test" / "wood" / "wood_03.ogg"
    code, out, err = run(capsys, "predict", model, bad, good, "--format", "jsonl")
    first, second = map(json.loads, out.splitlines())
    assert code == 1
    assert "error" in first
    assert second["predictions"]
    assert "1 of 2 files" in one_line(err)


def test_evaluate_prints_scores_with_split_size_and_interval(capsys, tmp_path, everyday_sounds):
    labels = sorted(path.name for path in (everyday_sounds / "test").iterdir())
    model = write_small_model(tmp_path / "run", labels=labels)
    code, out, _ = run(capsys, "evaluate", model, everyday_sounds, "--output_dir", tmp_path / "out")
    assert code == 0
    assert "test split, 70 clips" in out
    assert "95% intervals" in out
    assert (tmp_path / "out" / "metrics.json").exists()


def test_an_unwritable_output_is_one_line(make_folder, tmp_path):
    data = make_folder(tmp_path / "data", low=3, high=3)
    (tmp_path / "file").write_text("")
    command = [sys.executable, "-m", "audiocls.cli", "train", str(data), "--output_dir", str(tmp_path / "file" / "run")]
    result = subprocess.run(
        [*command, "--num_epochs=1"], capture_output=True, text=True, env={**os.environ, "PYTHONWARNINGS": "ignore"}
    )
    assert result.returncode == 1
    assert one_line(result.stderr)


def test_the_two_ways_to_train_are_one(capsys):
    result = subprocess.run([sys.executable, "train_hf.py", "--help"], capture_output=True, text=True, check=True)
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    assert result.stdout == capsys.readouterr().out


def test_what_ctrl_c_catches_half_made_goes_without_a_word(capsys, monkeypatch):
    class Bar:
        def __init__(self):
            raise KeyboardInterrupt

        def __del__(self):
            raise AttributeError("pos")  # as a progress bar does that never got its place

    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    monkeypatch.setitem(cli.RUN, "weights", lambda arguments: Bar())
    code, _, err = run(capsys, "weights", "--list")
    assert code == 130
    assert "stopped" in err
    assert not complaints
