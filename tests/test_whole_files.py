import os

import pytest

from audiocls.errors import OutputError
from audiocls.whole_files import whole_file, write_text


def test_text_is_written_as_it_is(tmp_path):
    write_text(tmp_path / "new" / "a.txt", "a\r\nb\nü🐶")
    assert (tmp_path / "new" / "a.txt").read_bytes() == "a\r\nb\nü🐶".encode()


def test_bytes_that_are_no_text_become_visible(tmp_path):
    write_text(tmp_path / "a.txt", os.fsdecode(b"caf\xe9.wav"))
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "caf\\udce9.wav"


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail_halfway():
        with whole_file(path) as beside:
            beside.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        write_text(tmp_path / "file" / "a.txt", "x")
