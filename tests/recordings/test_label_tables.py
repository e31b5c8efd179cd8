"""Tables of events of other programs are read, and what is wrong in one is named with its line and field."""

import pytest

from audiocls.detection.event import Event
from audiocls.errors import DataError
from audiocls.recordings.label_tables import is_table, read_events, table_stem

RAVEN_HEADER = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tAnnotation"


def read(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_events(path)


def plain(rows):
    return [(r.recording, r.event.start_seconds, r.event.end_seconds, r.event.label) for r in rows]


DOG_AND_CAT = [(None, 0.5, 1.25, "dog"), (None, 2.0, 2.0, "a cat")]


@pytest.mark.parametrize(
    "text",
    [
        "start_seconds,end_seconds,label\n0.5,1.25,dog\n2,2,a cat\n",
        "\ufeffstart_seconds,end_seconds,label,comment\r\n0.5,1.25, dog ,x\r\n\r\n2,2,a cat,\r\n",
        "onset;offset;event_label\n0,5;1,25;dog\n2;2;a cat\n",
        "onset\toffset\tevent_label\n0.5\t1.25\tdog\n2\t2\ta cat\n",
        "TIME,DURATION,LABEL\n0.5,0.75,dog\n2,0,a cat\n",
        "Start (s),End (s),Scientific name,Common name,Confidence\n0.5,1.25,Canis,dog,1\n2,2,Felis,a cat,1\n",
        "0.500000\t1.250000\tdog\n\\\t100.0\t2000.0\n2.000000\t2.000000\ta cat\n",
        "0,5\t1,25\tdog\n2\t2\ta cat\n",
        "0.5,1.25,dog\n2,2,a cat\n",
        '[{"start_seconds": 0.5, "end_seconds": 1.25, "label": "dog"}, {"start": 2, "end": 2, "label": "a cat"}]',
        '{"events": [{"start": 0.5, "end": 1.25, "label": "dog"}, {"start": 2, "end": 2, "label": "a cat"}]}',
        f"{RAVEN_HEADER}\n1\tWaveform 1\t1\t0.5\t1.25\t0\t8000\tdog\n1\tSpectrogram 1\t1\t0.5\t1.25\t0\t8000\tdog\n"
        "2\tSpectrogram 1\t1\t2.0\t2.0\t0\t8000\ta cat\n",
    ],
)
def test_the_same_events_in_many_formats(tmp_path, text):
    assert plain(read(tmp_path, text)) == DOG_AND_CAT
    assert plain(read(tmp_path, text.encode("utf-16"))) == DOG_AND_CAT


def test_recordings_and_scores(tmp_path):
    rows = read(tmp_path, "filename,onset,offset,event_label,peak_score\na.wav,0,1,dog,0.75\n,1,2,cat,\n")
    assert rows[0].recording == "a.wav"
    assert rows[0].event == Event(0.0, 1.0, "dog", 0.75, 0.75)
    assert rows[1].recording is None
    assert rows[1].event == Event(1.0, 2.0, "cat", 1.0, 1.0)
    assert rows[1].where.endswith("t.csv, line 3")


def test_a_table_without_header_may_name_files(tmp_path):
    assert plain(read(tmp_path, "a.wav\t0.1\t0.5\tdog\nb.wav\t0\t1\tcat\n")) == [
        ("a.wav", 0.1, 0.5, "dog"),
        ("b.wav", 0.0, 1.0, "cat"),
    ]


def test_raven_counts_from_the_start_of_each_file(tmp_path):
    text = f"{RAVEN_HEADER}\tBegin File\tFile Offset (s)\n1\tS\t1\t70.0\t71.5\t0\t8\tdog\tb.wav\t10.0\n"
    assert plain(read(tmp_path, text)) == [("b.wav", 10.0, 11.5, "dog")]


@pytest.mark.parametrize(
    "text", ["", "\n\n", "start_seconds,end_seconds,label\n", "[]", '{"events": []}', RAVEN_HEADER]
)
def test_a_table_may_hold_no_events(tmp_path, text):
    assert read(tmp_path, text) == []


CSV = "start_seconds,end_seconds,label,peak_score\n0,1,dog,1\n\n"


@pytest.mark.parametrize(
    ("text", "line", "field"),
    [
        (CSV + "-1,1,dog,1\n", "line 4", "start_seconds is -1"),
        (CSV + "2,1,dog,1\n", "line 4", "end_seconds is 1, before the start at 2"),
        (CSV + "x,1,dog,1\n", "line 4", "start_seconds is 'x'"),
        (CSV + "nan,1,dog,1\n", "line 4", "start_seconds is 'nan'"),
        (CSV + "0,inf,dog,1\n", "line 4", "end_seconds is 'inf'"),
        (CSV + "0,1_0,dog,1\n", "line 4", "end_seconds is '1_0'"),
        (CSV + "0,1e999,dog,1\n", "line 4", "end_seconds is '1e999'"),
        (CSV + "0,,dog,1\n", "line 4", "end_seconds is empty"),
        (CSV + "0\n", "line 4", "end_seconds is empty"),
        (CSV + "0,1, ,1\n", "line 4", "label is empty"),
        (CSV + "0,1,dog,1.5\n", "line 4", "peak_score is '1.5'"),
        (CSV + '0,1,"dog\nwood",1\n0,x,dog,1\n', "line 6", "end_seconds is 'x'"),
        ("0.0\t1.0\tdog\n2.0\t1.0\tdog\n", "line 2", "before the start"),
        ("0.0\t1.0\t\n", "line 1", "label is empty"),
        ("start,label\n0,dog\n", "line 1", "no column end_seconds"),
        ("a,b\n0,1\n", "line 1", "no column start_seconds"),
        (RAVEN_HEADER.replace("Annotation", "Notes") + "\n", "line 1", "no column label"),
        ('[{"start": 0, "end": 1, "label": "x"}, {"start": 0, "end": true, "label": "x"}]', "event 2", "end is 'true'"),
        ('[{"start": 0, "end": 1, "label": 7}]', "event 1", "label is '7'"),
        ('[{"start": 0, "end": 1}]', "event 1", "no column label"),
        ("[3]", "event 1", "it is '3'"),
        ("{", "t.csv", "not valid JSON"),
        ('{"a": 1}', "t.csv", "list of events"),
        (b"\xff\xd8\x00\x01", "t.csv", "not UTF-8"),
        (b"start,end,label\n0,1,\xe9t\xe9\n", "t.csv", "not UTF-8"),
    ],
)
def test_what_is_wrong_is_named_on_one_line(tmp_path, text, line, field):
    with pytest.raises(DataError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert "t.csv" in message
    assert line in message
    assert field in message
    assert "\n" not in message


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv: the table cannot be read"):
        read_events(tmp_path / "none.csv")
    with pytest.raises(DataError, match="cannot be read"):
        read_events(tmp_path)


def test_names_of_tables(tmp_path):
    for name in ("a.b.csv", "a.b.TXT", "a.b.labels.txt", "a.b.selections.txt", "a.b.events.json"):
        assert table_stem(f"folder/{name}") == "a.b"
        assert is_table(tmp_path / name)
    assert not is_table(tmp_path / "a.wav")
