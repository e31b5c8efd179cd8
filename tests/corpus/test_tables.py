import csv
import json

from audiocls.corpus.parts import FAILED, Part, Parts, file_stamp
from audiocls.corpus.tables import result_header, write_tables
from audiocls.detection.event import Event
from audiocls.recordings.label_tables import read_events

# Names that would clash with the other columns, and with one another, were they not told apart.
LABELS = ["events", "reason", 'a,"b"', "events:events"]


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_columns_never_clash():
    header = result_header(LABELS)
    assert len(header) == len(set(header))


def test_events_and_sums_of_all_parts_in_the_order_given(tmp_path):
    parts = Parts(tmp_path)
    events = (Event(0.5, 1.25, "events", 0.9, 0.8), Event(1.0, 3.0, "events"), Event(2.0, 2.5, 'a,"b"', 0.6, 0.5))
    parts.write(Part("b.wav", "1:1", duration_seconds=10.0, recorded_at="2024-01-31T05:30:00", events=events))
    parts.write(Part("a.wav", "", FAILED, "no such file"))
    seen = []
    write_tables(tmp_path, ["a.wav", "b.wav", "c.wav"], LABELS, True, lambda part, clock: seen.append(part.recording))
    assert seen == ["a.wav", "b.wav"]
    first, second = rows(tmp_path / "results.csv")
    assert first["status"] == "failed"
    assert first["reason"] == "no such file"
    assert first["events"] == first["duration_seconds"] == first["events:reason"] == ""
    assert second["recorded_at"] == "2024-01-31 05:30:00"
    assert (second["events"], second["events:events"], second["seconds:events"]) == ("3", "2", "2.750")
    assert (second["events:reason"], second['seconds:a,"b"']) == ("0", "0.500")
    table = read_events(tmp_path / "events.csv")
    assert [row.event for row in table] == list(events)
    assert {row.recording for row in table} == {"b.wav"}
    assert [row.event for row in read_events(tmp_path / "events.json")] == list(events)


def test_tables_without_events_are_tables(tmp_path):
    write_tables(tmp_path, [], LABELS, True)
    assert read_events(tmp_path / "events.csv") == []
    assert json.loads((tmp_path / "events.json").read_text()) == {"events": []}


def test_odd_clocks_are_in_the_rows(tmp_path):
    parts = Parts(tmp_path)
    for name, moment in (("R1.wav", "2024-01-31T05:30:00"), ("R2.wav", "2024-01-31T05:29:00")):
        parts.write(Part(name, file_stamp(name), duration_seconds=10.0, recorded_at=moment))
    write_tables(tmp_path, ["R1.wav", "R2.wav"], ["owl"])
    assert [row["clock"] for row in rows(tmp_path / "results.csv")] == ["", "the clock goes back by 60 s"]
