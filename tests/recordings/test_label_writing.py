"""What is written is read again as it was, whatever the labels."""

import csv

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocls.detection.event import Event
from audiocls.errors import UsageError
from audiocls.recordings.label_tables import TableEvent, read_events
from audiocls.recordings.label_writing import FORMAT_SUFFIXES, RAVEN_COLUMNS, events_text, write_events

TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12).map(str.strip).filter(bool)
TIMES = st.integers(0, 10**12).map(lambda us: us / 1e6)
SCORES = st.integers(0, 10**4).map(lambda share: share / 1e4)


@st.composite
def rows(draw, recordings=True):
    start, length = draw(TIMES), draw(st.integers(0, 10**8)) / 1e6
    event = Event(start, round(start + length, 6), draw(TEXT), draw(SCORES), draw(SCORES))
    return TableEvent(draw(TEXT) if recordings else None, event)


def flat(text):
    return " ".join(text.replace("\t", " ").splitlines()).strip()


def again(tmp_path_factory, events, form):
    path = tmp_path_factory.mktemp("tables") / f"x{FORMAT_SUFFIXES[form]}"
    write_events(events, path, form)
    return read_events(path)


@pytest.mark.parametrize("form", ["csv", "json"])
@settings(max_examples=60, deadline=None)
@given(events=st.lists(rows(), max_size=5) | st.lists(rows(recordings=False), max_size=5))
def test_our_tables_keep_everything(tmp_path_factory, form, events):
    assert again(tmp_path_factory, events, form) == events


@settings(max_examples=60, deadline=None)
@given(events=st.lists(rows().filter(lambda r: flat(r.event.label) and flat(r.recording)), max_size=5))
def test_raven_keeps_all_but_ends_of_lines_and_mean_scores(tmp_path_factory, events):
    found = again(tmp_path_factory, events, "raven")
    assert [(r.recording, r.event) for r in found] == [
        (
            flat(r.recording),
            Event(
                r.event.start_seconds,
                r.event.end_seconds,
                flat(r.event.label),
                r.event.peak_score,
                r.event.peak_score,
            ),
        )
        for r in events
    ]


@settings(max_examples=60, deadline=None)
@given(events=st.lists(rows(recordings=False).filter(lambda r: flat(r.event.label)), max_size=5))
def test_audacity_keeps_times_and_labels(tmp_path_factory, events):
    found = again(tmp_path_factory, events, "audacity")
    assert [r.event for r in found] == [
        Event(r.event.start_seconds, r.event.end_seconds, flat(r.event.label)) for r in events
    ]


def test_a_label_that_is_a_quote_is_kept(tmp_path):
    events = [TableEvent(None, Event(0.0, 1.0, '"')), TableEvent(None, Event(2.0, 3.0, "dog"))]
    for form in ("audacity", "raven", "csv", "json"):
        write_events(events, tmp_path / f"events{form}", form)
        assert [row.event.label for row in read_events(tmp_path / f"events{form}")] == ['"', "dog"]


def test_what_raven_and_audacity_expect():
    events = [TableEvent(None, Event(1.5, 2.0, 'say "a"', 0.9))]
    assert events_text(events, "audacity") == '1.500000\t2.000000\tsay "a"\n'
    table = list(csv.DictReader(events_text(events, "raven", 24000.0).splitlines(), delimiter="\t"))
    assert list(table[0]) == list(RAVEN_COLUMNS)
    assert table[0]["Begin Time (s)"] == "1.500000"
    assert table[0]["High Freq (Hz)"] == "24000.0"
    assert table[0]["Selection"] == "1"


def test_an_unknown_format_is_named():
    with pytest.raises(UsageError, match="'elan'; choose from csv"):
        events_text([], "elan")
