"""A recording heard for the app: the events of `audiocls detect`, stopping, waiting, and files that are not right."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from audiocls.corpus.corpus import detect_recordings
from audiocls.detection.options import DetectOptions
from audiocls.errors import AudioclsError, UsageError
from audiocls.ui.recording import search as recording_search
from audiocls.ui.recording.desk import Desk
from audiocls.ui.recording.search import Line, Search, detect_events
from audiocls.ui.recording.tab import options_of
from audiocls.ui.recording.words import outcome, progress_bar

FIELD = Path(__file__).parents[3] / "data" / "field_recordings" / "field_0.ogg"
OPTIONS = DetectOptions(threshold="0.25", min_duration_seconds=0.05)


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    """Half a minute of a real recording."""
    path = tmp_path_factory.mktemp("field") / "field.wav"
    waveform, rate = soundfile.read(FIELD, dtype="float32")
    soundfile.write(path, waveform[: 30 * rate], rate)
    return path


def finished(search):
    search.start()
    search.join()
    return search


def tables_of_the_command_line(classifier, path, tmp_path, monkeypatch):
    monkeypatch.chdir(path.parent)
    detect_recordings(classifier, [path.name], tmp_path / "found", OPTIONS, pictures=False, num_workers=1)
    labels = tmp_path / "found" / "labels"
    read = {"csv": (tmp_path / "found" / "events.csv").read_bytes()}
    read["audacity"] = next(labels.glob("*.labels.txt")).read_bytes()
    read["raven"] = next(labels.glob("*.selections.txt")).read_bytes()
    return read


def test_the_tables_are_those_of_the_command_line_byte_by_byte(classifier, field, tmp_path, monkeypatch):
    expected = tables_of_the_command_line(classifier, field, tmp_path, monkeypatch)
    assert expected["csv"].count(b"\n") > 5
    desk = Desk(tmp_path, field, field.name, None, own=False)
    desk.find(classifier, OPTIONS).join()
    table = desk.tabulate()
    assert {form: table.text(form).encode() for form in expected} == expected
    assert desk.picture["seconds"] == pytest.approx(30, abs=0.01)


def test_the_endpoint_gives_the_rows_of_the_table(classifier, field):
    events = detect_events(field, classifier, OPTIONS)
    search = finished(Search(field, classifier, OPTIONS))
    assert search.state == "done"
    assert [each["label"] for each in events] == [each.label for each in search.events]
    assert list(events[0]) == ["start_seconds", "end_seconds", "label", "peak_score", "mean_score"]
    np.testing.assert_allclose(
        [each["start_seconds"] for each in events], [each.start_seconds for each in search.events], atol=1e-6
    )


def test_what_was_found_before_it_was_stopped_stays(classifier, field, monkeypatch):
    monkeypatch.setattr(recording_search, "BLOCK_SECONDS", 5.0)
    whole = finished(Search(field, classifier, OPTIONS))
    looks = iter([True] * 4)
    search = finished(Search(field, classifier, OPTIONS, wanted=lambda: next(looks, False)))
    assert search.state == "stopped"
    assert 5 < search.seconds < 25
    edges = [(each.start_seconds, each.label) for each in whole.events if each.end_seconds < search.seconds - 3]
    assert edges
    assert set(edges) <= {(each.start_seconds, each.label) for each in search.events}
    assert outcome(search).startswith("Stopped: ")


def test_few_are_heard_at_once_and_the_others_wait_for_their_turn(classifier, field):
    line, first = Line(1, 1), object()
    line.join(first)
    search = Search(field, classifier, OPTIONS, line=line)
    search.start()
    assert (search.state, search.ahead) == ("waiting", 1)
    assert "1 before yours" in progress_bar(search)
    with pytest.raises(AudioclsError, match="Too many recordings are waiting"):
        Search(field, classifier, OPTIONS, line=line).start()
    time.sleep(0.3)
    assert search.state == "waiting"
    line.leave(first)
    search.join()
    assert search.state == "done"
    assert line.ahead(search) == 0


def test_who_waits_can_be_stopped(classifier, field):
    line = Line(1, 1)
    line.join(object())
    search = Search(field, classifier, OPTIONS, line=line)
    search.start()
    search.stop()
    search.join()
    assert (search.state, search.events) == ("stopped", [])
    Search(field, classifier, OPTIONS, line=line).start()  # the place in the line is free again


def test_a_file_that_is_no_sound_fails_with_a_line(classifier, tmp_path, capsys):
    path = tmp_path / "text.wav"
    path.write_text("no sound in here")
    search = finished(Search(path, classifier))
    assert search.state == "failed"
    assert outcome(search).startswith("This file cannot be read as sound: ")
    assert str(tmp_path) not in search.problem
    with pytest.raises(AudioclsError, match="cannot be read as sound"):
        detect_events(path, classifier)
    assert capsys.readouterr().err == ""


def test_silence_is_told_of(classifier, tmp_path):
    path = tmp_path / "silent.wav"
    soundfile.write(path, np.zeros(10 * 16000), 16000)
    search = finished(Search(path, classifier, OPTIONS))
    assert (search.state, search.events, search.silent) == ("done", [], True)
    assert "silent throughout" in outcome(search)


def test_nothing_found_says_what_to_do(classifier, field):
    search = finished(Search(field, classifier, DetectOptions(threshold="1")))
    assert search.events == []
    assert outcome(search).startswith("**No event** in 0:30 of sound")
    assert "lower threshold" in outcome(search)


def test_of_a_file_that_breaks_off_what_is_there_is_heard(classifier, field, tmp_path):
    path = tmp_path / "cut.wav"
    path.write_bytes(field.read_bytes()[: field.stat().st_size // 2])
    search = finished(Search(path, classifier, OPTIONS))
    assert search.state == "done"
    assert search.seconds == pytest.approx(15, abs=0.1)
    assert "ends early" in outcome(search)


def cores_of_a_new_thread():
    """On how many whoever comes to torch now computes."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(torch.get_num_threads).result()


def test_it_computes_on_one_core_and_leaves_others_theirs(classifier, field):
    before, both, seen = torch.get_num_threads(), threading.Barrier(2, timeout=60), []

    def search():
        first = iter([True])

        def look():
            if next(first, False):
                both.wait()  # two are heard at the same time
            seen.append((torch.get_num_threads(), cores_of_a_new_thread()))
            return True

        return Search(field, classifier, OPTIONS, wanted=look, line=Line(1, 0))

    try:
        torch.set_num_threads(3)
        searches = [search(), search()]
        for each in searches:
            each.start()
        for each in searches:
            each.join()
        assert [each.state for each in searches] == ["done", "done"]
        assert set(seen) == {(1, 3)}
        assert torch.get_num_threads() == cores_of_a_new_thread() == 3
    finally:
        torch.set_num_threads(before)


def test_what_comes_after_the_limit_is_not_heard(classifier, field, monkeypatch):
    monkeypatch.setattr(recording_search, "BLOCK_SECONDS", 2.0)
    search = finished(Search(field, classifier, OPTIONS, longest_seconds=10.0))
    assert search.state == "done"
    assert 10 <= search.seconds <= 12
    assert "was not heard" in outcome(search)


def test_options_that_do_not_fit_are_refused_before_anything_is_heard(classifier, field):
    with pytest.raises(UsageError, match="no class 'wolf'"):
        Search(field, classifier, DetectOptions(classes="wolf"))


def test_it_leaves_the_rest_of_the_machine_alone(classifier, field):
    before = threading.active_count()
    finished(Search(field, classifier, OPTIONS))
    assert threading.active_count() <= before


def test_what_is_left_open_on_the_page_is_left_to_the_model():
    assert options_of(True, 0.4, [], "", " ", None, "", "model") == DetectOptions(threshold="auto")
    chosen = options_of(False, 0.4, ["drum", "water"], "0", "0,5", "1.5", " 0.75 ", "stationary")
    assert (chosen.min_duration_seconds, chosen.merge_gap_seconds) == (0.0, 0.5)
    assert (chosen.window_seconds, chosen.hop_seconds) == (1.5, 0.75)
    assert (chosen.threshold, chosen.classes, chosen.denoise) == ("0.4", "drum,water", "stationary")
    with pytest.raises(UsageError, match=r'Window \(s\): "long" is no number of seconds'):
        options_of(True, 0.4, [], "", "", "long", "", "model")
    with pytest.raises(UsageError, match="window_seconds"):
        options_of(True, 0.4, [], "", "", "nan", "", "model")
