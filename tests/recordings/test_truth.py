"""Tables of what is true find their recordings, and say what does not fit."""

import pytest

from audiocls.errors import DataError
from audiocls.recordings.truth import check_ends, read_truth

LABELS = ["dog", "cat"]
HEADER = "recording,start_seconds,end_seconds,label\n"


def table(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def starts(truth):
    return {file: [row.event.start_seconds for row in rows] for file, rows in truth.events.items()}


@pytest.mark.parametrize(
    "name", ["rec/a.wav", "a.wav", "a", "./a.wav", "rec\\a.wav", "/elsewhere/a.wav", "a.flac", "data/rec/a"]
)
def test_a_recording_is_named_in_many_ways(tmp_path, name):
    path = table(tmp_path / "t.csv", f"{HEADER}{name},1,2,dog\n")
    assert starts(read_truth(path, ["data/rec/a.wav", "data/rec/aa.wav"], LABELS)) == {"data/rec/a.wav": [1.0]}


def test_two_recordings_of_one_name_need_their_folder(tmp_path):
    files = ["x/a.wav", "y/a.wav"]
    with pytest.raises(DataError, match=r"t\.csv, line 2: recording a\.wav could be any of x/a\.wav, y/a\.wav"):
        read_truth(table(tmp_path / "t.csv", f"{HEADER}a.wav,1,2,dog\n"), files, LABELS)
    assert starts(read_truth(table(tmp_path / "t.csv", f"{HEADER}y/a.wav,1,2,dog\n"), files, LABELS)) == {
        "y/a.wav": [1.0]
    }


def test_a_name_that_is_not_among_the_recordings(tmp_path):
    path = table(tmp_path / "t.csv", f"{HEADER}a.wav,1,2,dog\nb.wav,1,2,dog\n")
    with pytest.raises(DataError, match=r"line 3: recording 'b\.wav' is not among the recordings \(a\.wav\)"):
        read_truth(path, ["a.wav"], LABELS)


def test_a_label_that_the_model_does_not_know(tmp_path):
    path = table(tmp_path / "a.txt", "1\t2\tdog\n3\t4\towl\n")
    with pytest.raises(DataError, match=r"a\.txt, line 2: the model has no class 'owl'; it has dog, cat"):
        read_truth(path, ["a.wav"], LABELS)


def test_a_table_for_each_recording_beside_them(tmp_path):
    table(tmp_path / "a.txt", "1\t2\tdog\n")
    table(tmp_path / "b.selections.txt", "")
    table(tmp_path / "README.txt", "what this is: about dogs")
    table(tmp_path / "field_notes.csv", "who,when\nme,today\n")
    table(tmp_path / "events.csv", f"{HEADER}c.wav,5,6,cat\n")  # what was found the last time
    files = [str(tmp_path / name) for name in ("a.wav", "b.wav", "c.wav")]
    truth = read_truth(tmp_path, files, LABELS)
    assert starts(truth) == {files[0]: [1.0], files[1]: []}
    assert any("field_notes.csv" in note for note in truth.notes)
    assert any("left out" in note and "c.wav" in note for note in truth.notes)
    assert starts(read_truth(tmp_path, files, LABELS, unnamed_are_empty=True))[files[2]] == []
    assert starts(read_truth(f"{tmp_path}/[ab].*txt", files, LABELS)) == {files[0]: [1.0], files[1]: []}


def test_a_broken_table_of_a_recording_is_never_passed_over(tmp_path):
    table(tmp_path / "a.txt", "1\t2\tdog\n3\tx\tdog\n")
    with pytest.raises(DataError, match=r"a\.txt, line 2: end_seconds is 'x'"):
        read_truth(tmp_path, [str(tmp_path / "a.wav")], LABELS)


def test_two_tables_for_one_recording(tmp_path):
    table(tmp_path / "a.txt", "1\t2\tdog\n")
    table(tmp_path / "a.csv", "start,end,label\n1,2,dog\n")
    with pytest.raises(DataError, match=r"both tell of"):
        read_truth(tmp_path, [str(tmp_path / "a.wav")], LABELS)


def test_recordings_of_one_name_have_the_table_beside_them(tmp_path):
    files = [str(tmp_path / folder / "a.wav") for folder in "xy"]
    for number, folder in enumerate("xy"):
        table(tmp_path / folder / "a.txt", f"{number}\t9\tdog\n")
    assert starts(read_truth(f"{tmp_path}/*/a.txt", files, LABELS)) == {files[0]: [0.0], files[1]: [1.0]}


def test_a_folder_is_searched_throughout(tmp_path):
    """Recorders on different sites give their files the same names."""
    files = [str(tmp_path / "x" / folder / "a.wav") for folder in ("siteA", "siteB/north", "")]
    for root in ("x", "truth"):
        for number, folder in enumerate(("siteA", "siteB/north", "")):
            table(tmp_path / root / folder / "a.csv", f"start,end,label\n{number},9,dog\n")
    table(tmp_path / "x" / "found" / "detection.json", "{}")
    table(tmp_path / "x" / "found" / "labels" / "siteA" / "a.txt", "5\t9\tdog\n")  # what a model found
    table(tmp_path / "x" / ".trash" / "siteA" / "a.txt", "6\t9\tdog\n")
    (tmp_path / "x" / "siteA" / "again").symlink_to(tmp_path / "x")
    wanted = dict(zip(files, [[0.0], [1.0], [2.0]], strict=True))
    for root in ("x", "truth"):
        truth = read_truth(tmp_path / root, files, LABELS)
        assert starts(truth) == wanted
        assert truth.notes == []


def test_a_table_of_another_site_is_of_no_recording(tmp_path):
    table(tmp_path / "siteA" / "a.csv", "start,end,label\n1,9,dog\n")
    table(tmp_path / "siteB" / "a.csv", "start,end,label\n2,9,dog\n")
    recording = str(tmp_path / "siteA" / "a.wav")
    truth = read_truth(tmp_path, [recording], LABELS)
    assert starts(truth) == {recording: [1.0]}
    assert truth.notes == [f"tables that belong to no recording: {tmp_path}/siteB/a.csv"]
    (tmp_path / "siteA" / "a.csv").unlink()
    with pytest.raises(DataError, match="tells of none of the recordings"):
        read_truth(tmp_path, [recording], LABELS)


def test_a_table_without_names_belongs_to_the_only_recording(tmp_path):
    path = table(tmp_path / "truth.csv", "start,end,label\n1,2,dog\n")
    assert starts(read_truth(path, ["a.wav"], LABELS)) == {"a.wav": [1.0]}
    with pytest.raises(DataError, match="no recording is named, and none is called truth"):
        read_truth(path, ["a.wav", "b.wav"], LABELS)


def test_nothing_that_fits(tmp_path):
    recordings = [str(tmp_path / "a.wav")]
    with pytest.raises(DataError, match="holds no tables"):
        read_truth(tmp_path, recordings, LABELS)
    with pytest.raises(DataError, match="no file fits this pattern"):
        read_truth(f"{tmp_path}/*.csv", recordings, LABELS)
    table(tmp_path / "b.txt", "1\t2\tdog\n")
    with pytest.raises(DataError, match="tells of none of the recordings"):
        read_truth(tmp_path, recordings, LABELS)
    with pytest.raises(DataError, match="cannot be read"):
        read_truth(tmp_path / "none.csv", recordings, LABELS)


def test_an_event_behind_the_end_is_of_another_recording(tmp_path):
    rows = read_truth(table(tmp_path / "a.txt", "1\t2\tdog\n9\t10.05\tdog\n"), ["a.wav"], LABELS).events["a.wav"]
    check_ends(rows, "a.wav", 10.0)  # people round
    with pytest.raises(DataError, match=r"a\.txt, line 2: the event ends at 10\.05 s, but a\.wav is over at 9\.50 s"):
        check_ends(rows, "a.wav", 9.5)
