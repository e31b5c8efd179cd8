"""`audiocls push` and `train --push_to_hub`: the token from standard input, the proof, what is said, exit codes."""

import io
import json

import pytest

from audiocls.cli import main
from tests.publishing.folders import model_folder

CHECKED_BEFORE = "there is no token of the Hub"


@pytest.fixture
def give(monkeypatch):
    """Put a line on standard input."""
    return lambda line: monkeypatch.setattr("sys.stdin", io.StringIO(line))


def test_push_with_a_token_on_standard_input(hub, tmp_path, give, capsys):
    folder = model_folder(tmp_path / "sounds")
    give("hf_me\n")
    assert main(["push", str(folder), "sounds", "--private", "--license", "cc0-1.0", "--token-stdin"]) == 0
    told = capsys.readouterr()
    assert "proved: 5 sounds" in told.out
    assert f"{hub.url}/me/sounds" in told.out
    assert "hf_me" not in told.out + told.err
    assert b"cc0-1.0" in hub.files("me/sounds")["README.md"]
    assert hub.repository("me/sounds").private
    give("")
    assert main(["push", str(folder), "sounds", "--token-stdin"]) == 2
    assert "no token on standard input" in capsys.readouterr().err


def test_train_looks_for_the_right_to_push_before_it_trains(hub, tmp_path, make_folder, as_user, capsys):
    as_user(None)
    sounds = make_folder(tmp_path / "sounds", low=8, high=8)
    run = tmp_path / "run"
    arguments = ["train", str(sounds), "--model", "forest", "--output_dir", str(run)]
    assert main([*arguments, "--push_to_hub", "me/sounds"]) == 1
    assert CHECKED_BEFORE in capsys.readouterr().err
    assert main([*arguments, "--private"]) == 2
    assert "--push_to_hub" in capsys.readouterr().err
    assert not run.exists()


def test_train_and_push(hub, tmp_path, make_folder, give, as_user, monkeypatch, capsys):
    as_user(None)
    monkeypatch.setenv("HF_TOKEN", "")  # what --token-stdin puts there goes with the test
    sounds = make_folder(tmp_path / "sounds", low=8, high=8)
    give("hf_me\n")
    arguments = ["train", str(sounds), "--model", "forest", "--output_dir", str(tmp_path / "run")]
    assert main([*arguments, "--push_to_hub", "sounds", "--no-examples", "--token-stdin"]) == 0
    assert "proved: 5 sounds" in capsys.readouterr().out
    files = hub.files("me/sounds")
    assert json.loads(files["config.json"])["architecture"] == "forest"
    assert not [path for path in files if path.startswith("examples/")]
