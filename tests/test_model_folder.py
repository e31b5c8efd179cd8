"""A run's folder has its final name only when it is complete, and nothing is overwritten by surprise."""

import errno
import os

import pytest

from audiocls.errors import OutputError, UsageError
from audiocls.model_folder import RunFolder, default_output_dir, explained, newest_run


def finish(folder, text="weights"):
    folder.create()
    (folder.partial / "config.json").write_text("{}")
    (folder.partial / "model.safetensors").write_text(text)
    return folder.complete()


def test_the_final_name_appears_only_when_complete(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.create()
    assert not folder.final.exists()
    assert finish(folder).is_dir()
    assert not folder.partial.exists()


def test_an_existing_folder_is_kept_unless_told_otherwise(tmp_path):
    finish(RunFolder(tmp_path / "run"), "old")
    with pytest.raises(UsageError, match="--overwrite"):
        RunFolder(tmp_path / "run")
    with pytest.raises(UsageError, match="nothing to resume"):
        RunFolder(tmp_path / "run", resume=True)
    finish(RunFolder(tmp_path / "run", overwrite=True), "new")
    assert (tmp_path / "run" / "model.safetensors").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_interrupted_run_is_not_forgotten_silently(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.create()
    folder.checkpoint.write_text("state")
    with pytest.raises(UsageError, match="--resume"):
        RunFolder(tmp_path / "run")
    RunFolder(tmp_path / "run", resume=True).create()
    assert folder.checkpoint.exists()
    RunFolder(tmp_path / "run", overwrite=True).create()
    assert not folder.checkpoint.exists()


def test_default_names_are_free_and_plain(tmp_path):
    assert default_output_dir("my sounds/été", tmp_path).name == "my-sounds-été"
    (tmp_path / "a").mkdir()
    (tmp_path / "a-2.partial").mkdir()
    assert default_output_dir("a", tmp_path).name == "a-2"
    assert default_output_dir("../..", tmp_path).parent == tmp_path


def test_the_newest_complete_run_is_found(tmp_path):
    assert newest_run(tmp_path) is None
    for age, name in enumerate(["new", "old"]):
        finish(RunFolder(tmp_path / name))
        os.utime(tmp_path / name / "model.safetensors", (1000 - age, 1000 - age))
    (tmp_path / "broken").mkdir()
    assert newest_run(tmp_path).name == "new"


def test_a_full_disk_is_one_line(tmp_path):
    with pytest.raises(OutputError, match="disk is full"), explained(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")
