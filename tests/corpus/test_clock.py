from datetime import datetime, timedelta

from audiocls.corpus.clock import Timed, clock_notes

START = datetime(2024, 1, 31, 5, 0)
NOW = datetime(2025, 1, 1)


def minutes(path, *starts, seconds=600.0):
    return [Timed(path.format(n), START + timedelta(minutes=m), seconds) for n, m in enumerate(starts)]


def test_a_clock_that_runs_on_is_not_odd():
    assert clock_notes(minutes("a/REC{}_x.wav", 0, 10, 20, 60), NOW) == {}


def test_a_clock_that_goes_back_is_told_of_the_recording_after_the_jump():
    notes = clock_notes(minutes("a/REC{}.wav", 120, 130, 0, 10), NOW)
    assert list(notes) == ["a/REC2.wav"]
    assert notes["a/REC2.wav"] == "the clock goes back by 2 h"


def test_files_are_in_the_order_people_count_in():
    assert clock_notes([Timed("a/R9.wav", START, 60), Timed("a/R10.wav", START + timedelta(hours=1), 60)], NOW) == {}


def test_recordings_at_the_same_time_overlap_but_not_those_of_another_recorder():
    first = Timed("a/20240131_050000.wav", START, 600)
    second = Timed("a/20240131_050900.wav", START + timedelta(minutes=9), 600)
    other = Timed("b/20240131_050000.wav", START, 600)
    assert clock_notes([first, second, other], NOW) == {second.path: "overlaps 20240131_050000.wav by 60 s"}


def test_one_second_too_many_is_no_overlap():
    assert clock_notes(minutes("a/{}.wav", 0, 10, seconds=601), NOW) == {}


def test_clocks_that_were_not_set_or_run_ahead():
    notes = clock_notes(
        [
            Timed("a/1.wav", datetime(1970, 1, 1, 0, 5), 60),
            Timed("b/1.wav", datetime(2000, 1, 1), 60),
            Timed("c/1.wav", datetime(2031, 1, 1), 60),
        ],
        NOW,
    )
    assert notes["a/1.wav"] == "the clock was not set (1970)"
    assert notes["b/1.wav"] == "the clock was not set (2000)"
    assert notes["c/1.wav"] == "recorded in the future (2031-01-01)"
