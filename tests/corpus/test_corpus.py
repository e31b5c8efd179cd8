"""The whole way from recordings to tables, on real sounds and an untrained model: what is found is for other tests."""

import csv
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from audiocls.audio.decoding import decode
from audiocls.corpus import hearing
from audiocls.corpus.corpus import detect_recordings
from audiocls.corpus.listening import Listening
from audiocls.corpus.progress import Progress
from audiocls.detection.detector import Detector
from audiocls.detection.options import DetectOptions
from audiocls.errors import DataError, OutputError, UsageError
from audiocls.inference.classifier import AudioClassifier
from audiocls.recordings.label_tables import read_events
from audiocls.training.launch import run_together
from tests.small_models import SOUNDS, small_model, write_small_model

RATE = 16000
OPTIONS = DetectOptions(window_seconds=1.0, threshold="0.15")
OUTPUTS = ("events.csv", "results.csv", "events.json", "scores.parquet", "summary.png", "detection.json")


@pytest.fixture(scope="module")
def classifier():
    return AudioClassifier.of(small_model(), None)


@pytest.fixture(scope="module")
def sounds():
    clips = [decode(path, RATE) for path in sorted(SOUNDS.rglob("*.*"))[::9]]
    return np.concatenate(clips)[: 40 * RATE]


@pytest.fixture
def site(tmp_path, sounds, monkeypatch):
    """Two recordings of one name in two folders, and a third one."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("a/20240131_053000.wav", "b/20240131_053000.wav", "b/20240131_063000.flac")):
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, sounds[number * 5 * RATE : (number * 5 + 4) * RATE + number * 700], RATE)
    return tmp_path / "site"


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def detect(classifier, inputs, out="out", options=OPTIONS, **rest):
    rest = {"exports": ("csv", "json", "audacity", "raven"), "scores": True, "num_workers": 2} | rest
    return detect_recordings(classifier, inputs, out, options, **rest)


def contents(folder):
    """Everything that a person sees there."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in Path(folder).rglob("*")
        if path.is_file() and ".parts" not in path.parts
    }


@pytest.fixture
def heard(monkeypatch):
    """The recordings that were opened since, in any order."""
    opened = []

    class Counted(hearing.AudioStream):
        def __init__(self, source, *rest):
            opened.append(source)
            super().__init__(source, *rest)

    monkeypatch.setattr(hearing, "AudioStream", Counted)
    return opened


def test_tables_label_files_and_pictures_of_a_corpus(classifier, site, sounds):
    corpus = detect(classifier, ["site"])
    names = ["site/a/20240131_053000.wav", "site/b/20240131_053000.wav", "site/b/20240131_063000.flac"]
    results = rows("out/results.csv")
    assert [row["recording"] for row in results] == names
    assert [row["status"] for row in results] == ["ok"] * 3
    assert [float(row["duration_seconds"]) for row in results] == pytest.approx([4, 4.044, 4.088], abs=1e-3)
    assert results[2]["recorded_at"] == "2024-01-31 06:30:00"
    events = read_events("out/events.csv")
    assert len(events) >= 3
    assert sum(corpus.events.values()) == len(events) == sum(int(row["events"]) for row in results)
    for row in results:
        own = [each.event for each in events if each.recording == row["recording"]]
        for label in classifier.labels:
            assert int(row[f"events:{label}"]) == sum(event.label == label for event in own)
        for suffix in (".labels.txt", ".selections.txt"):
            told = [each.event for each in read_events(f"out/labels/{row['recording']}{suffix}")]
            assert [(event.label, event.end_seconds) for event in told] == [
                (event.label, event.end_seconds) for event in own
            ]
        assert Path(f"out/timelines/{row['recording']}.png").exists()
    assert set(OUTPUTS) <= set(contents("out"))
    scores = pq.read_table("out/scores.parquet").to_pandas()
    first = scores[scores.recording == names[0]]
    assert list(first.end_seconds) == pytest.approx([1, 1.752, 2.504, 3.256, 4])  # a hop of 47 frames
    expected = classifier.predict_waveforms([decode(names[0], RATE)[2 * 12032 : 2 * 12032 + RATE]])[0]
    np.testing.assert_allclose(
        first.iloc[2][[f"score:{label}" for label in classifier.labels]].astype(float), expected, atol=1e-3
    )


def test_a_second_call_hears_nothing_again_but_what_changed(classifier, site, heard):
    detect(classifier, ["site"])
    before = contents("out")
    heard.clear()
    detect(classifier, ["site"])
    assert heard == []
    assert contents("out") == before
    os.utime("site/a/20240131_053000.wav", (1, 1))
    detect(classifier, ["site"])
    assert heard == ["site/a/20240131_053000.wav"]
    assert contents("out") == before


def test_what_is_asked_for_later_is_made_later(classifier, site, heard):
    detect(classifier, ["site"], scores=False, pictures=False, exports=())
    assert not Path("out/labels").exists()
    heard.clear()
    detect(classifier, ["site"], scores=False, pictures=False, exports=("raven",))
    assert heard == []
    assert len(list(Path("out/labels").rglob("*.selections.txt"))) == 3
    detect(classifier, ["site"], scores=False)
    assert len(heard) == 3  # the pictures need the sound
    assert len(list(Path("out/timelines").rglob("*.png"))) == 3


def test_recordings_of_earlier_calls_stay_and_the_order_of_calls_does_not_count(classifier, site):
    detect(classifier, ["site/b"])
    corpus = detect(classifier, ["site/a"])
    assert (corpus.recordings, corpus.asked) == (3, 1)
    detect(classifier, ["site"], "whole")
    assert contents("out") == contents("whole")


@pytest.mark.parametrize("workers", [1, 3])
def test_any_number_of_threads_gives_the_same_bytes(classifier, site, workers):
    detect(classifier, ["site"])
    detect(classifier, ["site"], "other", num_workers=workers)
    assert contents("out") == contents("other")


def test_recordings_that_cannot_be_used_are_rows_and_the_rest_goes_on(classifier, site, sounds, tmp_path):
    (site / "empty.wav").touch()
    (site / "text.wav").write_text("no sound")
    soundfile.write(site / "short.wav", sounds[:4000], RATE)
    soundfile.write(site / "silent.wav", np.zeros(3 * RATE, np.float32), RATE)
    soundfile.write(site / "cut.wav", sounds[: 8 * RATE], RATE)
    os.truncate(site / "cut.wav", 44 + 2 * 5 * RATE)
    (site / "list.txt").write_text("gone.wav\nsite\n")
    with open(site / "list.txt", "rb") as stdin, pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", type("Stdin", (), {"buffer": stdin}))
        corpus = detect(classifier, ["-"])
    told = {Path(row["recording"]).name: row for row in rows("out/results.csv")}
    assert told["empty.wav"]["reason"] == "the file is empty (0 bytes)"
    assert told["text.wav"]["reason"].startswith("not an audio file")
    assert told["gone.wav"]["reason"] == "no such file"
    assert {told[name]["status"] for name in ("empty.wav", "text.wav", "gone.wav")} == {"failed"}
    assert told["short.wav"]["status"] == "ok"
    assert told["short.wav"]["reason"] == "shorter than a window of 1 s"
    assert (told["silent.wav"]["status"], told["silent.wav"]["events"]) == ("ok", "0")
    assert told["silent.wav"]["reason"] == "silent throughout"
    assert told["cut.wav"]["status"] == "partial"
    assert told["cut.wav"]["reason"].startswith("ends early")
    assert float(told["cut.wav"]["duration_seconds"]) == 5
    assert int(told["cut.wav"]["events"]) > 0
    with pytest.raises(DataError, match=r"^3 of 9 recordings could not be read$"):
        corpus.check()
    soundfile.write(site / "empty.wav", sounds[:RATE], RATE)  # mended: tried again
    assert len(detect(classifier, ["site"]).failed) == 1


def test_a_file_that_is_no_sound_any_more_leaves_nothing_of_before(classifier, site):
    detect(classifier, ["site"])
    Path("site/a/20240131_053000.wav").write_text("overwritten")
    detect(classifier, ["site"])
    assert "site/a/20240131_053000.wav" not in Path("out/events.csv").read_text()
    assert not list(Path("out/labels/site/a").iterdir()) + list(Path("out/timelines/site/a").iterdir())
    assert "site/a/20240131_053000.wav" not in pq.read_table("out/scores.parquet")["recording"].to_pylist()


def test_other_settings_or_another_model_are_told_and_overwrite_replaces(classifier, site):
    detect(classifier, ["site"])
    stricter = dataclasses.replace(OPTIONS, threshold="0.3", merge_gap_seconds=2.0)
    with pytest.raises(UsageError, match=r"out holds results of another run: .*--overwrite") as told:
        detect(classifier, ["site"], options=stricter)
    assert "merge_gap_seconds was" in str(told.value)
    assert "thresholds of animal was 0.15 and is 0.3 now" in str(told.value)
    other = AudioClassifier.of(small_model(hop_length=320), None)
    with pytest.raises(UsageError, match=r"the model was .* with other weights"):
        detect(other, ["site"])
    detect(classifier, ["site/a"], options=stricter, overwrite=True)
    assert len(rows("out/results.csv")) == 1
    assert json.loads(Path("out/detection.json").read_text())["settings"]["merge_gap_seconds"] == 2.0


def test_a_folder_with_other_things_is_never_touched(classifier, site):
    Path("out").mkdir()
    Path("out/thesis.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="holds no results of detect"):
            detect(classifier, ["site"], overwrite=overwrite)
    assert [path.name for path in Path("out").iterdir() if path.name != ".parts"] == ["thesis.txt"]
    with pytest.raises(OutputError, match="is a file"):
        detect(classifier, ["site"], "out/thesis.txt")


@pytest.mark.parametrize(
    ("rest", "error", "told"),
    [
        ({"exports": ("textgrid",)}, UsageError, "textgrid"),
        ({"num_workers": -1}, UsageError, "num_workers"),
        ({"options": DetectOptions(classes="owl")}, UsageError, "owl"),
        ({"inputs": ["nowhere"]}, DataError, "nowhere"),
    ],
)
def test_wrong_use_is_told_before_anything_is_made(classifier, site, rest, error, told):
    with pytest.raises(error, match=told):
        detect(classifier, **{"inputs": ["site"], **rest})
    assert not Path("out").exists()


def test_stopping_keeps_what_is_done_and_the_same_call_goes_on(classifier, site, heard, monkeypatch):
    detect(classifier, ["site"], "whole")
    heard.clear()
    shown = Progress.show

    def stop(progress):
        shown(progress)
        if progress._finished == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "show", stop)
    with pytest.raises(KeyboardInterrupt):
        detect(classifier, ["site"], num_workers=1)
    monkeypatch.setattr(Progress, "show", shown)
    done = rows("out/results.csv")
    assert 1 <= len(done) < 3
    assert not list(Path("out").rglob("*.partial"))
    heard.clear()
    detect(classifier, ["site"])
    assert len(heard) == 3 - len(done)
    assert contents("out") == contents("whole")


SCRIPT = """
import sys
from audiocls.detection.detector import Detector
from audiocls.detection.options import DetectOptions
from audiocls.corpus.corpus import detect_recordings
detect_recordings("model", ["site"], "out", DetectOptions(window_seconds=1.0, threshold="0.15"),
                  exports=("csv", "json", "audacity", "raven"), scores=True, num_workers=1)
"""


def test_a_killed_run_goes_on_where_it_was_and_no_second_one_may_write(site, sounds, tmp_path, heard):
    write_small_model(tmp_path / "model")
    classifier = AudioClassifier.from_pretrained("model")
    for number in range(8):
        soundfile.write(site / f"{number:02d}.wav", np.tile(sounds, 3), RATE)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, "-c", SCRIPT], env=environment) as process:
        end = time.monotonic() + 120
        while len(list(Path("out/.parts").glob("*.json"))) < 2:
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        with pytest.raises(UsageError, match="another detect is writing"):
            detect(classifier, ["site"])
        process.send_signal(signal.SIGKILL)
    done = len(list(Path("out/.parts").glob("*.json")))
    assert done < 11
    detect(classifier, ["site"])
    assert len(heard) == 11 - done
    assert not list(Path("out").rglob("*.partial"))
    detect(classifier, ["site"], "whole")
    assert contents("out") == contents("whole")


def process_main(arguments):
    out, *inputs = arguments
    corpus = detect(lambda: AudioClassifier.from_pretrained("model"), inputs, out, num_workers=1)
    assert (corpus.recordings > 0) == (os.environ["RANK"] == "0")
    return 0


def test_two_processes_give_the_same_bytes(site, tmp_path, monkeypatch):
    write_small_model(tmp_path / "model")
    (site / "text.wav").write_text("no sound")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert run_together(2, process_main, ["two", "site"]) == 0
    detect(AudioClassifier.from_pretrained("model"), ["site"], num_workers=1)
    assert contents("two") == contents("out")


def test_tables_are_renewed_while_a_run_goes_on(classifier, site, monkeypatch):
    monkeypatch.setattr("audiocls.corpus.listening.RENEWAL_SECONDS", 0.0)
    sizes = []
    finish = Listening.finish

    def look(self, *rest):
        sizes.append(len(rows("out/results.csv")))
        return finish(self, *rest)

    monkeypatch.setattr(Listening, "finish", look)
    detect(classifier, ["site"], num_workers=1)
    assert sizes[0] >= 1


def test_a_long_recording_is_not_kept_in_memory(classifier, sounds):
    """What is held after ten minutes with sounds in them is some seconds."""
    detector = Detector(classifier, OPTIONS)
    for start in range(0, 600 * RATE, 30 * RATE):
        detector.push(np.take(sounds, np.arange(start, start + 30 * RATE), mode="wrap"))
    assert sum(len(block) for block in detector._hearing._blocks) < 60 * RATE
