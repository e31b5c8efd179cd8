"""Scores of events are those that sed_eval gives, and what they say of simple cases is what one would say."""

import math

import numpy as np
import pytest
import sed_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocls.detection.event import Event
from audiocls.evaluation.event_matching import matches, segments
from audiocls.evaluation.event_scores import LEAST_RECORDINGS, Findings, score_events

LABELS = ["animal", "bell", "drum"]
# On a grid whose steps are and are not multiples of the collar, so that starts lie exactly on its border, too.
TIMES = st.integers(0, 600).map(lambda tick: tick * 0.05)


@st.composite
def events(draw):
    start = draw(TIMES)
    return Event(start, start + draw(st.integers(1, 60)) * 0.05, draw(st.sampled_from(LABELS)))


RECORDINGS = st.lists(
    st.tuples(st.lists(events(), min_size=1, max_size=12), st.lists(events(), max_size=12)), min_size=1, max_size=3
)


def plain(events):
    return [{"onset": e.start_seconds, "offset": e.end_seconds, "event_label": e.label} for e in events]


def peer(metric, recordings, **evaluated):
    metric.empty_system_output_handling = "zero_score"  # a class that is never found counts in the mean
    for heard in recordings:
        length = dict.fromkeys(evaluated, heard.seconds)
        metric.evaluate(plain(heard.truth), plain(heard.found), **length)
    return metric.results()


def same(own, theirs):
    """None stands for what sed_eval calls NaN, or 0 where nothing was found."""
    return theirs == 0 or math.isnan(theirs) if own is None else own == pytest.approx(theirs, abs=1e-9)


def check(own, theirs):
    scores = [(own["overall"], theirs["overall"]["f_measure"])]
    scores += [(own["per_class"][label], theirs["class_wise"][label]["f_measure"]) for label in LABELS]
    for mine, others in scores:
        assert same(mine["precision"], others["precision"])
        assert same(mine["recall"], others["recall"])
        if mine["true"]:
            assert same(mine["f1"], others["f_measure"])
    for label in LABELS:
        counts = theirs["class_wise"][label]["count"]
        assert (own["per_class"][label]["found"], own["per_class"][label]["true"]) == (counts["Nsys"], counts["Nref"])
    average = theirs["class_wise_average"]["f_measure"]
    assert same(own["macro"]["recall"], average["recall"])
    assert same(own["macro"]["f1"], average["f_measure"])


@settings(max_examples=80, deadline=None)
@given(pairs=RECORDINGS, collar=st.sampled_from([0.1, 0.2, 0.25, 1.0]))
def test_events_are_counted_as_sed_eval_counts_them(pairs, collar):
    recordings = [Findings(f"r{n}", 40.0, truth, found) for n, (truth, found) in enumerate(pairs)]
    own = score_events(recordings, LABELS, collar)
    for key, ends in (("events", False), ("events_with_ends", True)):
        metric = sed_eval.sound_event.EventBasedMetrics(LABELS, evaluate_offset=ends, t_collar=collar)
        check(own[key], peer(metric, recordings))


@settings(max_examples=80, deadline=None)
@pytest.mark.filterwarnings("ignore:Mean of empty slice")  # of sed_eval, where no event lies before the end
@given(pairs=RECORDINGS, length=st.sampled_from([0.5, 1.0, 2.5]), seconds=st.sampled_from([10.0, 31.7, 40.0]))
def test_segments_are_counted_as_sed_eval_counts_them(pairs, length, seconds):
    recordings = [Findings(f"r{n}", seconds, truth, found) for n, (truth, found) in enumerate(pairs)]
    own = score_events(recordings, LABELS, segment_seconds=length)["segments"]
    metric = sed_eval.sound_event.SegmentBasedMetrics(LABELS, time_resolution=length)
    theirs = peer(metric, recordings, evaluated_length_seconds=seconds)
    if own["overall"]["true"]:
        check(own, theirs)
        rate = theirs["overall"]["error_rate"]["error_rate"]
        assert own["overall"]["error_rate"] == pytest.approx(rate, abs=1e-9, rel=0)


def test_an_event_is_found_once_only_and_as_many_as_can_be():
    truth = [Event(1.0, 2.0, "drum"), Event(1.3, 2.0, "drum")]
    # Taking the nearest first would pair 1.15 with 1.0 or 1.3 and leave 0.85 or 1.45 its only partner.
    assert len(matches(truth, [Event(1.15, 2, "drum"), Event(0.85, 2, "drum")], 0.2)) == 2
    assert len(matches(truth[:1], [Event(1.0, 2, "drum")] * 3, 0.2)) == 1
    assert matches([], truth, 0.2) == []


def test_a_start_on_the_border_of_the_collar_is_right():
    truth = [Event(1.0, 2.0, "drum")]
    assert matches(truth, [Event(1.25, 2.0, "drum")], 0.25) == [(0, 0)]
    assert matches(truth, [Event(0.75, 2.0, "drum")], 0.25) == [(0, 0)]
    assert matches(truth, [Event(1.2501, 2.0, "drum")], 0.25) == []


def test_ends_count_only_where_asked():
    truth, found = [Event(1.0, 2.0, "drum")], [Event(1.1, 2.6, "drum")]
    assert matches(truth, found, 0.2) == [(0, 0)]
    assert matches(truth, found, 0.2, with_ends=True) == []
    assert matches(truth, [Event(1.1, 2.4, "drum")], 0.2, with_ends=True) == [(0, 0)]


def test_thousands_of_events_take_no_square_of_time_or_memory():
    times = np.arange(30_000) * 3.0
    truth = [Event(t, t + 1, "drum") for t in times]
    found = [Event(t + 0.1, t + 1, "drum") for t in times[::-1]]
    assert len(matches(truth, found, 0.2)) == 30_000


def test_segments_end_with_the_recording():
    touched = segments([Event(0.5, 1.0, "drum"), Event(2.0, 9.0, "bell")], LABELS, 3.5, 1.0)
    assert touched.tolist() == [[0, 0, 1], [0, 0, 0], [0, 1, 0], [0, 1, 0]]


def test_what_is_told_of_a_simple_case():
    truth = [Event(1.0, 2.0, "drum"), Event(5.0, 6.0, "bell")]
    found = [Event(1.1, 2.0, "drum"), Event(8.0, 9.0, "drum"), Event(9.0, 9.5, "drum")]
    told = score_events([Findings("a", 1800.0, truth, found)], LABELS)
    assert told["events"]["overall"] == {
        "precision": pytest.approx(1 / 3),
        "recall": 0.5,
        "f1": pytest.approx(0.4),
        "true": 2,
        "found": 3,
        "hits": 1,
        "f1_interval": None,
    }
    assert told["events"]["per_class"]["animal"]["f1"] is None  # nothing there, nothing found
    assert told["events"]["per_class"]["bell"]["precision"] is None
    assert told["events"]["macro"]["f1"] == pytest.approx(0.25)
    assert told["false_alarms_per_hour"]["overall"] == 4.0
    assert told["false_alarms_per_hour"]["per_class"]["drum"] == 4.0
    row = told["counts"]["per_recording"][0]
    assert (row["true"], row["found"], row["error"], row["relative_error"]) == (2, 3, 1, 0.5)
    assert row["per_class"]["drum"] == {"true": 1, "found": 3, "error": 2, "relative_error": 2.0}
    assert row["per_class"]["animal"]["relative_error"] is None
    assert "cannot be told from 1 recording" in told["intervals"]


def test_counts_that_are_off_both_ways_do_not_cancel():
    one = Findings("a", 60.0, [Event(1, 2, "drum")] * 2, [])
    other = Findings("b", 60.0, [Event(1, 2, "drum")] * 2, [Event(1, 2, "drum")] * 4)
    counts = score_events([one, other], ["drum"])["counts"]
    assert counts["mean_absolute_error"] == 2.0
    assert counts["mean_relative_error"] == 1.0
    assert counts["total_relative_error"] == 0.0


def test_intervals_come_of_recordings_and_only_of_enough():
    rng = np.random.default_rng(0)

    def recordings(count):
        for number in range(count):
            truth = [Event(10.0 * n, 10 * n + 1, "drum") for n in range(10)]
            yield Findings(str(number), 100.0, truth, truth[: rng.integers(4, 10)])

    few = score_events(list(recordings(LEAST_RECORDINGS - 1)), LABELS)
    assert few["events"]["overall"]["f1_interval"] is None
    many, more = (score_events(list(recordings(count)), LABELS)["events"]["overall"] for count in (12, 200))
    widths = [told["f1_interval"][1] - told["f1_interval"][0] for told in (many, more)]
    assert many["f1_interval"][0] < many["f1"] < many["f1_interval"][1]
    assert widths[1] == pytest.approx(widths[0] * math.sqrt(12 / 200), rel=0.5)


def test_a_recording_in_which_nothing_happens_tells_of_false_alarms_only():
    told = score_events([Findings("a", 3600.0, [], [Event(1, 2, "drum")])], LABELS)
    assert told["events"]["overall"]["recall"] is None
    assert told["events"]["overall"]["precision"] == 0
    assert told["segments"]["overall"]["error_rate"] is None
    assert told["false_alarms_per_hour"]["overall"] == 1.0
    assert told["counts"]["mean_relative_error"] is None
