"""What README says can be typed, can be typed."""

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from audiocls.cli import RUN
from audiocls.commands import build_parser
from tests.small_models import write_small_model

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)
SHELL = [line.split("#")[0].strip() for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]


@pytest.mark.parametrize("line", [line for line in SHELL if line.startswith("audiocls ") and " app" not in line])
def test_every_audiocls_command_parses(line):
    arguments = build_parser().parse_args(shlex.split(line)[1:])
    assert arguments.command in RUN


def test_every_make_target_exists():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = {line.split()[1] for line in SHELL if line.startswith("make ")}
    assert {"demo", "test"} <= named
    assert named <= targets


def test_every_linked_file_exists():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


def test_the_python_examples_run(tmp_path, monkeypatch, capsys, everyday_sounds):
    monkeypatch.chdir(tmp_path)
    write_small_model(tmp_path / "runs" / "my_sounds")
    clip = everyday_sounds / "test" / "wood" / "wood_03.ogg"
    for name in ("clip.wav", "clip.mp3", "a.wav", "b.flac", "c.ogg"):
        shutil.copy(clip, tmp_path / name)
    samples = np.random.default_rng(0).normal(0, 0.1, 48000).astype(np.float32)
    namespace = {"samples": samples, "blocks": [samples] * 3}
    blocks = [block for kind, block in BLOCKS if kind == "python"]
    assert blocks
    for block in blocks:
        exec(block, namespace)
    assert "label" in capsys.readouterr().out
