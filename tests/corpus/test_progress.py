import pytest

from audiocls.corpus.progress import GUESSED_SECONDS_PER_BYTE, Progress, clock


def test_what_is_left_is_guessed_from_the_sizes_of_files_of_the_same_kind():
    progress = Progress({"a.wav": 1000, "b.wav": 3000, "c.mp3": 100}, done=0, verbose=False)
    assert progress.seconds_left() == pytest.approx(4100 * GUESSED_SECONDS_PER_BYTE)
    progress.begin("c.mp3", 100.0)  # a second a byte
    progress.begin("a.wav", 10.0)  # a second for a hundred bytes
    progress.advance("a.wav", 4.0)
    assert progress.seconds == 4.0
    assert progress.seconds_left() == pytest.approx(100 + 6 + 30)
    progress.finish("a.wav")
    progress.finish("c.mp3")
    assert progress.seconds_left() == pytest.approx(30)


def test_a_recording_that_cannot_be_opened_or_is_longer_than_told_does_not_confuse_it():
    progress = Progress({"a.wav": 1000, "b.wav": 1000}, done=3, verbose=False)
    progress.finish("a.wav")
    progress.begin("b.wav", 2.0)
    progress.advance("b.wav", 5.0)
    assert progress.seconds_left() == 0
    progress.finish("b.wav")
    assert progress.seconds_left() == 0


def test_the_bar_tells_time_speed_and_count(capsys):
    with Progress({"a.wav": 1000}, done=2, verbose=True) as progress:
        progress.begin("a.wav", 7200.0)
        progress.advance("a.wav", 3600.0)
        progress._started -= 10
        progress.show()
    told = capsys.readouterr().err
    assert "50%" in told
    assert "1:00:00 of 2:00:00, 2 of 3 recordings" in told
    assert "x real time, 0:10 left" in told


def test_times_look_as_on_a_clock():
    assert [clock(seconds) for seconds in (0, 59.6, 3599, 36000)] == ["0:00", "1:00", "59:59", "10:00:00"]
