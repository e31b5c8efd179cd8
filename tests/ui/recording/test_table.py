"""The table of events that a person goes over: filter, correct, take back, write."""

import csv
import io
import math

import pytest

from audiocls.detection.event import Event
from audiocls.errors import UsageError
from audiocls.recordings.label_tables import TableEvent, read_events
from audiocls.recordings.label_writing import events_text
from audiocls.ui.recording import table as recording_table
from audiocls.ui.recording.table import EventTable

EVENTS = [Event(0.5, 1.25, "drum", 0.91, 0.8), Event(2.0, 4.0, "wood", 0.4, 0.3), Event(5.0, 5.5, "drum", 0.6, 0.5)]


@pytest.fixture
def table():
    return EventTable("site, 1.wav", EVENTS, 10.0, 8000.0)


def csv_rows(table):
    return list(csv.DictReader(io.StringIO(table.text("csv"))))


def test_without_corrections_the_tables_are_those_of_the_command_line(table):
    assert table.text("csv") == events_text([TableEvent("site, 1.wav", event) for event in EVENTS], "csv")
    for form in ("audacity", "raven"):
        assert table.text(form) == events_text([TableEvent(None, event) for event in EVENTS], form, 8000.0)
    assert table.corrections() == (0, 0, 0)


def test_events_are_filtered_by_label_and_score(table):
    assert [row.number for row in table.rows()] == [1, 2, 3]
    assert [row.number for row in table.rows(["drum"])] == [1, 3]
    assert [row.number for row in table.rows([], 0.6)] == [1, 3]
    assert [row.number for row in table.rows(["drum"], 0.7)] == [1]


def test_a_corrected_label_has_the_score_of_a_person_and_says_what_it_was(table):
    row = table.change(1, " metal ", 0.5, 1.25)
    assert row.event == Event(0.5, 1.25, "metal", 1.0, 1.0)
    assert row.correction == "label was drum (0.91)"
    rows = csv_rows(table)
    assert [each["correction"] for each in rows] == ["label was drum (0.91)", "", ""]
    assert table.text("audacity").splitlines()[0].endswith("\tmetal")
    assert table.change(1, "drum", 0.5, 1.25).event == EVENTS[0]
    assert "correction" not in table.text("csv").splitlines()[0]


def test_other_times_keep_the_score_and_times_that_a_field_rounds_are_no_correction():
    table = EventTable("a.wav", [Event(0.123456, 1.0, "drum", 0.9, 0.8)], 10.0, 8000.0)
    assert table.change(1, "drum", 0.123, 1.0).correction == ""
    row = table.change(1, "drum", 0.2, 1.0)
    assert (row.event.peak_score, row.correction) == (0.9, "was 0.123 to 1.000 s")


def test_what_is_deleted_leaves_the_tables_and_comes_back(table, tmp_path):
    table.delete(2)
    assert [each["label"] for each in csv_rows(table)] == ["drum", "drum"]
    assert [row.correction for row in table.rows()] == ["", "deleted", ""]
    assert table.counts() == [("drum", 2, 1.25)]
    for form in ("csv", "audacity", "raven"):
        path = tmp_path / "table.txt"
        path.write_text(table.text(form))
        assert [row.event.label for row in read_events(path)] == ["drum", "drum"]
    assert table.restore(2).event == EVENTS[1]
    assert table.corrections() == (0, 0, 0)


def test_a_missed_event_is_added_in_its_place_and_counted(table):
    row = table.add("rain", 4.5, 4.75)
    assert (row.number, row.correction, row.event.peak_score) == (4, "added", 1.0)
    assert [each.number for each in table.rows()] == [1, 2, 4, 3]
    assert table.labels() == ["drum", "rain", "wood"]
    table.change(3, "wood", 5.0, 5.5)
    table.delete(1)
    assert table.corrections() == (1, 1, 1)
    assert [each["label"] for each in csv_rows(table)] == ["wood", "rain", "wood"]
    table.delete(row.number)
    assert table.corrections() == (1, 0, 1)


@pytest.mark.parametrize(
    ("label", "start", "end"),
    [
        ("", 1, 2),
        ("x" * 101, 1, 2),
        ("drum", 2, 1),
        ("drum", 1, 1),
        ("drum", -1, 1),
        ("drum", 9, 11),
        ("drum", None, 2),
        ("drum", 1, None),
        ("drum", math.nan, 2),
        ("drum", 1, math.inf),
    ],
)
def test_what_cannot_be_an_event_is_refused_and_changes_nothing(table, label, start, end):
    before = table.rows()
    for wrong in (lambda: table.change(1, label, start, end), lambda: table.add(label, start, end)):
        with pytest.raises(UsageError, match="event"):
            wrong()
    assert table.rows() == before


def test_an_event_that_is_not_there_is_told_of(table):
    for wrong in (table.delete, table.restore, lambda number: table.change(number, "drum", 0, 1)):
        with pytest.raises(UsageError, match="not in the table"):
            wrong(17)


def test_nobody_can_add_without_end(table, monkeypatch):
    monkeypatch.setattr(recording_table, "MOST_CORRECTED_EVENTS", 3)
    with pytest.raises(UsageError, match="No more than 3"):
        table.add("drum", 1, 2)
