import pytest

from audiocls.corpus.parts import FAILED, PARTIAL, Part
from audiocls.corpus.summary import Corpus, format_corpus
from audiocls.corpus.summary_picture import summary_figure, write_summary_picture
from audiocls.detection.event import Event
from audiocls.errors import DataError


@pytest.fixture
def corpus(tmp_path):
    found = Corpus(tmp_path, ("owl", "fox"), asked=4)
    events = [Event(0, 2, "owl"), Event(1799, 1801, "owl"), Event(1801, 1802, "fox")]
    found.add(Part("a.wav", "", duration_seconds=5400.0, recorded_at="2024-01-31T23:30:00", events=events), "")
    found.add(
        Part("b.wav", "", PARTIAL, "ends early", 10.0, "1970-01-01T00:00:00", events[:1]), "the clock was not set"
    )
    found.add(Part("c.wav", "", duration_seconds=20.0), "")
    found.add(Part("d.wav", "", FAILED, "damaged"), "")
    found.failed.append(("d.wav", "damaged"))
    return found


def test_counts_by_class(corpus):
    assert corpus.events == {"owl": 3, "fox": 1}
    assert corpus.event_seconds == {"owl": 6, "fox": 1}
    assert corpus.found_in == {"owl": 2, "fox": 1}
    assert corpus.seconds == 5430


def test_events_are_counted_in_the_hour_in_which_they_begin_and_sound_in_all_that_it_fills(corpus):
    assert corpus.timed == 1  # the clock of b was not set
    assert corpus.hours["owl"][23] == 2
    assert corpus.hours["fox"][0] == 1
    assert corpus.hour_seconds[23] == 1800
    assert corpus.hour_seconds[0] == 3600
    assert sum(corpus.hour_seconds) == 5400


def test_the_text_tells_everything_in_short(corpus):
    text = format_corpus(corpus)
    assert text.splitlines()[1].split() == ["owl", "3", "6.0", "2"]
    assert "4 recordings, 1:30:30 of sound" in text
    assert "1 could not be read:\n  d.wav: damaged" in text
    assert "b.wav: ends early" in text
    assert "b.wav: the clock was not set" in text


def test_what_could_not_be_read_ends_in_one_line(corpus):
    with pytest.raises(DataError, match=r"^1 of 4 recordings could not be read$"):
        corpus.check()
    Corpus(corpus.output_dir, ("owl",)).check()


def test_the_picture_has_hours_only_when_times_are_known(corpus, tmp_path):
    figure = summary_figure(corpus)
    counts, hours = figure.axes[:2]
    assert [bar.get_width() for bar in counts.patches] == [3, 1]
    rates = hours.images[0].get_array() ** 2
    assert rates[0, 23] == pytest.approx(4)  # two in half an hour
    assert rates[1, 0] == pytest.approx(1)
    assert rates.mask[:, 1:23].all()  # nothing was recorded then
    write_summary_picture(corpus, tmp_path / "summary.png")
    assert (tmp_path / "summary.png").stat().st_size > 5000
    corpus.timed = 0
    assert len(summary_figure(corpus).axes) == 1


def test_a_corpus_without_events_can_be_drawn(tmp_path):
    empty = Corpus(tmp_path, ("$owl$", "日本"))
    write_summary_picture(empty, tmp_path / "summary.png")
    empty.add(Part("a.wav", "", duration_seconds=5.0, recorded_at="2024-01-31T23:30:00"), "")
    write_summary_picture(empty, tmp_path / "summary.png")
