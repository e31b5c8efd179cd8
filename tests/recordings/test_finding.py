import io
import os

import pytest

from audiocls.errors import DataError
from audiocls.recordings.finding import find_recordings, kept_stdin, shown_path


@pytest.fixture
def site(tmp_path, monkeypatch):
    for name in ("a/1.wav", "a/deep/2.FLAC", "b/1.wav", "b/notes.txt", "b/.hidden.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_folders_are_searched_and_paths_stay_relative_or_absolute_as_given(site):
    assert find_recordings(["a", "b"]) == ["a/1.wav", "a/deep/2.FLAC", "b/1.wav"]
    assert find_recordings([site / "b"]) == [str(site / "b" / "1.wav")]


def test_a_recording_named_twice_is_one_and_the_order_of_the_inputs_does_not_count(site):
    assert find_recordings(["b/1.wav", "./a", "b", "a/1.wav"]) == find_recordings(["a", "b"])


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("**/*.wav", ["a/1.wav", "b/1.wav"]),
        ("**", ["a/1.wav", "a/deep/2.FLAC", "b/1.wav"]),
        ("[ab]", ["a/1.wav", "a/deep/2.FLAC", "b/1.wav"]),
        ("b/*", ["b/1.wav"]),
    ],
)
def test_patterns_in_quotes_find_audio_files(site, pattern, found):
    assert find_recordings([pattern]) == found


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(site):
    (site / "rec[1].wav").write_bytes(b"x")
    assert find_recordings(["rec[1].wav"]) == ["rec[1].wav"]


@pytest.mark.parametrize("separator", [b"\n", b"\r\n", b"\0"])
def test_a_list_on_standard_input_may_name_what_is_not_there(site, separator):
    stdin = io.BytesIO(separator.join([b"a", b"gone.wav", b"b/1.wav"]) + separator)
    assert find_recordings(["-"], stdin) == ["a/1.wav", "a/deep/2.FLAC", "b/1.wav", "gone.wav"]


def test_the_list_is_kept_for_processes_without_standard_input(site, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"b\n")))
    with kept_stdin(["-"]):
        assert find_recordings(["-"]) == ["b/1.wav"]
        assert find_recordings(["-"]) == ["b/1.wav"]
    assert "AUDIOCLS_INPUT_LIST" not in os.environ


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        (["gone.wav"], "gone.wav: there is no such file"),
        (["*.mp3"], "no audio file fits"),
        (["empty"], "holds no audio files"),
        ([], "no recordings were named"),
    ],
)
def test_what_is_missing_is_told_in_one_line(site, inputs, told):
    (site / "empty").mkdir()
    with pytest.raises(DataError, match=told):
        find_recordings(inputs)


def test_names_that_are_no_utf8_are_shown_with_escapes():
    assert shown_path(os.fsdecode(b"a/\xff.wav")) == "a/\\xff.wav"
