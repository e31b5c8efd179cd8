"""From recordings to clips, end to end on real sounds: edges, labels, groups, interruptions, bad files."""

import csv
import itertools
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from audiocls.config import TrainConfig
from audiocls.cutting.segment import segment
from audiocls.cutting.segment_journal import HIDDEN
from audiocls.cutting.segment_options import SegmentOptions
from audiocls.cutting.uniform_blocks import UniformBlocks
from audiocls.data.dataset import load_audio_data
from audiocls.errors import DataError, OutputError, UsageError

RATE = 16000
CLASSES = ("animal", "wood", "speech")


@pytest.fixture(scope="module")
def sounds(everyday_sounds):
    """Real sounds of three classes without the silence around them: (label, float32 (time,))."""
    found = []
    for label, number in itertools.product(CLASSES, range(0, 30, 2)):
        sound, _ = soundfile.read(everyday_sounds / "train" / label / f"{label}_{number:02d}.ogg", dtype="float32")
        level = 10 * np.log10((sound[: len(sound) // 160 * 160].reshape(-1, 160) ** 2).mean(axis=1) + 1e-12)
        loud = np.flatnonzero(level > level.max() - 20)
        last = max(loud[-1] + 1, loud[0] + 15)
        found.append((label, sound[loud[0] * 160 : last * 160][: 2 * RATE]))
    return found


@pytest.fixture(scope="module")
def make_recording(sounds):
    """Write some of the sounds, 1.8 s apart, in noise 20 dB below them; returns (label, start, end) of each."""

    def make(path, chosen, gap=1.8, rate=RATE, channels=1):
        rng = np.random.default_rng(len(str(path.name)))
        spans, parts, at = [], [np.zeros(2 * RATE, np.float32)], 2 * RATE
        for index in chosen:
            label, sound = sounds[index]
            sound = 0.1 * sound / np.sqrt((sound**2).mean())
            spans.append((label, at / RATE, (at + len(sound)) / RATE))
            parts += [sound, np.zeros(int(gap * RATE), np.float32)]
            at += len(parts[-2]) + len(parts[-1])
        samples = np.concatenate([*parts, np.zeros(RATE, np.float32)])
        samples = np.clip(samples + 0.01 * rng.standard_normal(len(samples)).astype(np.float32), -1, 1)
        if rate != RATE:
            import soxr

            samples = soxr.resample(samples, RATE, rate)
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.stack([samples * 0.9**i for i in range(channels)], axis=1), rate)
        return spans

    return make


@pytest.fixture(scope="module")
def recordings(tmp_path_factory, make_recording):
    """Three recordings of five sounds of each class, with Audacity labels beside them, and where the sounds are."""
    root = tmp_path_factory.mktemp("recordings")
    spans = {}
    for number in range(3):
        chosen = [15 * kind + 5 * number + i for i in range(5) for kind in range(3)]
        spans[f"rec{number}"] = make_recording(root / f"rec{number}.wav", chosen)
        lines = [f"{start:.6f}\t{end:.6f}\t{label}\n" for label, start, end in spans[f"rec{number}"]]
        (root / f"rec{number}.txt").write_text("".join(lines))
    return root, spans


def rows_of(folder):
    with open(folder / "segments.csv", newline="") as file:
        return list(csv.DictReader(file))


def files_in(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.wav")}


def test_clips_are_the_sounds_in_number_edges_and_samples(recordings, tmp_path):
    root, spans = recordings
    options = SegmentOptions(padding_seconds=0, background=3)
    told = segment([str(root)], tmp_path / "out", options)
    rows = rows_of(tmp_path / "out")
    close = total = 0
    for name, truth in spans.items():
        own = [row for row in rows if row["group"] == name and row["file"].startswith("unsorted/")]
        total += len(own)
        edges = [(float(row["start_seconds"]), float(row["end_seconds"])) for row in own]
        for _, start, end in truth:
            hits = [each for each in edges if each[0] < end and each[1] > start]
            assert hits
            close += abs(hits[0][0] - start) <= 0.02 and abs(hits[-1][1] - end) <= 0.1
    assert told.clips == {"unsorted": total, "background": 9}
    assert abs(total - 45) <= 3
    assert close >= 40
    for row in rows:
        samples, rate = soundfile.read(root / row["recording"], dtype="int16")
        clip, _ = soundfile.read(tmp_path / "out" / row["file"], dtype="int16")
        first = round(float(row["start_seconds"]) * rate)
        np.testing.assert_array_equal(clip, samples[first : first + len(clip)])
        assert len(clip) == round(float(row["end_seconds"]) * rate) - first
    sounding = [float(row["snr_db"]) for row in rows if row["file"].startswith("unsorted/")]
    assert abs(np.median(sounding) - 20) < 2
    for row in rows:
        if row["file"].startswith("background/"):
            start, end = float(row["start_seconds"]), float(row["end_seconds"])
            assert not [each for each in spans[row["group"]] if each[1] < end and each[2] > start]
            assert float(row["snr_db"]) < -5


def test_labelled_clips_are_a_data_set_with_a_group_a_recording(recordings, tmp_path):
    root, spans = recordings
    told = segment([str(root)], tmp_path / "out", SegmentOptions(labels=str(root), padding_seconds=0, background=4))
    assert told.clips == {"animal": 15, "wood": 15, "speech": 15, "background": 12}
    for row in rows_of(tmp_path / "out"):
        if row["label"] != "background":
            span = (row["label"], pytest.approx(float(row["start_seconds"]), abs=1e-4))
            assert span in [each[:2] for each in spans[row["group"]]]
            assert row["file"].startswith(row["label"] + "/rec")
    data = load_audio_data(str(tmp_path / "out"), TrainConfig(num_workers=1))
    assert data.labels == sorted(CLASSES)
    assert not data.skipped
    parts = [set(clips.groups) for clips in (data.train, data.validation, data.test)]
    assert set.union(*parts) == set(spans)
    assert all(not first & second for first, second in itertools.combinations(parts, 2))
    assert len(data.negatives) + len(data.test_negatives) == 12


def test_groups_still_hold_when_clips_are_sorted_by_hand(recordings, tmp_path):
    root, spans = recordings
    segment([str(root)], tmp_path / "out")
    for row in rows_of(tmp_path / "out"):
        middle = (float(row["start_seconds"]) + float(row["end_seconds"])) / 2
        labels = [label for label, start, end in spans[row["group"]] if start <= middle <= end]
        if labels:
            target = tmp_path / "out" / labels[0] / row["file"].partition("/")[2]
            target.parent.mkdir(exist_ok=True)
            (tmp_path / "out" / row["file"]).rename(target)
    for path in (tmp_path / "out" / "unsorted").iterdir():
        path.unlink()
    (tmp_path / "out" / "unsorted").rmdir()
    data = load_audio_data(str(tmp_path / "out"), TrainConfig(num_workers=1))
    assert data.groups_origin == "ATTRIBUTION.csv"
    assert not set(data.train.groups) & set(data.test.groups)


def test_an_interrupted_call_is_taken_up_and_ends_the_same(recordings, tmp_path, monkeypatch):
    root, _ = recordings
    segment([str(root)], tmp_path / "whole")
    moves = itertools.count()
    replace = os.replace

    def interrupted(source, target):
        if str(target).endswith(".wav") and next(moves) == 20:
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr("audiocls.cutting.segment_journal.os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        segment([str(root)], tmp_path / "out")
    monkeypatch.undo()
    assert 0 < len(rows_of(tmp_path / "out")) < 20  # the first recording is there, the second is not told of
    segment([str(root)], tmp_path / "out")
    assert files_in(tmp_path / "out") == files_in(tmp_path / "whole")
    assert rows_of(tmp_path / "out") == rows_of(tmp_path / "whole")
    assert not list((tmp_path / "out" / HIDDEN).glob("*.partial"))


def test_a_second_call_writes_no_clip_and_takes_new_recordings_in(make_recording, tmp_path):
    make_recording(tmp_path / "in" / "a.wav", [0, 20])
    segment([str(tmp_path / "in")], tmp_path / "in" / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "in" / "out").rglob("*.wav")}
    make_recording(tmp_path / "in" / "more" / "a.wav", [3, 22, 40])  # of the same name
    told = segment([str(tmp_path / "in")], tmp_path / "in" / "out")  # clips below are no recordings
    assert told.recordings == 2
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert {row["group"] for row in rows_of(tmp_path / "in" / "out")} == {"a", "more-a"}


def test_nothing_is_written_over(recordings, tmp_path):
    root, _ = recordings
    one = [str(root / "rec0.wav")]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds other files"):
        segment(one, tmp_path / "mine")
    with pytest.raises(UsageError, match="holds the recordings themselves"):
        segment(one, root)
    segment(one, tmp_path / "out")
    with pytest.raises(UsageError, match=r"snr_db was 6\.0, is 9\.0"):
        segment(one, tmp_path / "out", SegmentOptions(snr_db=9.0))
    before = files_in(tmp_path / "out")
    segment(one, tmp_path / "out", SegmentOptions(snr_db=9.0, padding_seconds=0), overwrite=True)
    assert files_in(tmp_path / "out").keys() != before.keys()
    row = rows_of(tmp_path / "out")[0]
    segment(one, tmp_path / "other", SegmentOptions(padding_seconds=0, snr_db=9.0))
    assert files_in(tmp_path / "out") == files_in(tmp_path / "other")
    (tmp_path / "taken" / HIDDEN).mkdir(parents=True)
    (tmp_path / "taken" / row["file"]).parent.mkdir()
    (tmp_path / "taken" / row["file"]).write_text("mine")
    with pytest.raises(OutputError, match="is there already"):
        segment(one, tmp_path / "taken", SegmentOptions(padding_seconds=0, snr_db=9.0))
    assert (tmp_path / "taken" / row["file"]).read_text() == "mine"


def test_bad_recordings_are_named_and_do_not_end_it(recordings, tmp_path):
    root, _ = recordings
    folder = tmp_path / "in"
    folder.mkdir()
    whole = (root / "rec0.wav").read_bytes()
    (folder / "a_text.wav").write_text("no sound")
    (folder / "b_cut.wav").write_bytes(whole[: len(whole) // 2])
    soundfile.write(folder / "c_silent.wav", np.zeros(RATE), RATE)
    soundfile.write(folder / "d_nan.wav", np.full(RATE, np.nan), RATE, "FLOAT")
    with pytest.raises(DataError, match="2 of 4 recordings could not be used"):
        segment([str(folder)], tmp_path / "out")
    with open(tmp_path / "out" / "recordings.csv", newline="") as file:
        about = {row["recording"].rpartition("/")[2]: row for row in csv.DictReader(file)}
    assert [about[name]["status"] for name in sorted(about)] == ["failed", "ok", "ok", "failed"]
    assert "ends early" in about["b_cut.wav"]["note"]
    assert int(about["b_cut.wav"]["clips"]) >= 5
    assert about["c_silent.wav"]["clips"] == "0"
    assert "not numbers" in about["d_nan.wav"]["note"]


def test_labels_that_are_no_folder_names_are_made_so_and_said(recordings, tmp_path):
    root, _ = recordings
    table = tmp_path / "labels.csv"
    names = ["a/b", "a-b", "..", "Dog", "dog", "x" * 300, "CON"]
    lines = [f'rec0,{2 + i},{2.5 + i},"{name}"\n' for i, name in enumerate(names)]
    table.write_text("recording,start_seconds,end_seconds,label\n" + "".join(lines))
    told = segment([str(root / "rec0.wav")], tmp_path / "out", SegmentOptions(labels=str(table)))
    assert told.clips == {"a-b": 1, "a-b-2": 1, "unnamed": 1, "Dog": 2, "x" * 80: 1, "CON_": 1}
    assert "label 'a/b' goes into the folder a-b-2" in told.notes
    assert "label 'dog' goes into the folder Dog" in told.notes
    assert {row["label"] for row in rows_of(tmp_path / "out")} == set(names)


def test_labels_out_of_place(recordings, tmp_path):
    root, _ = recordings
    end = soundfile.info(root / "rec0.wav").duration
    table = tmp_path / "labels.csv"

    def run(text, inputs=("rec0.wav",), **options):
        table.write_text("recording,start_seconds,end_seconds,label\n" + text)
        paths = [str(root / name) for name in inputs]
        return segment(paths, tmp_path / "out", SegmentOptions(labels=str(table), **options), overwrite=True)

    run(f"rec0.wav,{end - 1},{end + 5},late\nrec0.wav,{end + 1},{end + 2},later\nrec0.wav,3,3,point\n", min_seconds=0.2)
    point, late = rows_of(tmp_path / "out")
    assert (late["label"], float(late["end_seconds"])) == ("late", pytest.approx(end, abs=1e-4))
    assert float(point["start_seconds"]) == pytest.approx(2.8)  # 3 s, widened to 0.2 s and padded by 0.1 s
    entry = json.loads((tmp_path / "out" / HIDDEN / "rec0.json").read_text())
    assert any("later" in note for note in entry["notes"])
    assert any("late " in note for note in entry["notes"])
    with pytest.raises(DataError, match=r"names none of the given .* it has elsewhere\.wav, given are rec0"):
        run("elsewhere.wav,1,2,dog\n")
    with pytest.raises(DataError, match="line 2: start_seconds is -1"):
        run("rec0.wav,-1,2,dog\n")
    with pytest.raises(DataError, match="before the start"):
        run("rec0.wav,2,1,dog\n")
    with pytest.raises(DataError, match="name no recording, and 2 are given"):
        run(",1,2,dog\n", inputs=("rec0.wav", "rec1.wav"))
    with pytest.raises(DataError, match="no tables named as the recordings"):
        segment([str(root / "rec0.wav")], tmp_path / "o", SegmentOptions(labels=str(tmp_path)))
    told = run("rec0.wav,1,2,dog\nelsewhere.wav,1,2,dog\n", inputs=("rec0.wav", "rec1.wav"))
    assert any("elsewhere.wav" in note for note in told.notes)
    assert any("no labels for rec1.wav" in note for note in told.notes)
    assert told.recordings == 1


def test_long_sounds_are_split_in_their_pauses(make_recording, tmp_path):
    chosen = [30, 31, 32, 33, 34, 35]
    make_recording(tmp_path / "speech.wav", chosen, gap=0.25)
    segment([str(tmp_path / "speech.wav")], tmp_path / "out", SegmentOptions(max_seconds=4, merge_gap_seconds=1))
    rows = rows_of(tmp_path / "out")
    edges = [(float(row["start_seconds"]), float(row["end_seconds"])) for row in rows]
    assert len(edges) > 2
    assert all(0.2 <= end - start <= 4.001 for start, end in edges)
    inner = [end for (_, end), (start, _) in itertools.pairwise(edges) if end == start]
    assert inner
    samples, _ = soundfile.read(tmp_path / "speech.wav")
    around = [samples[int((point - 0.025) * RATE) : int((point + 0.025) * RATE)].std() for point in inner]
    assert max(around) < 0.02  # the noise alone is 0.01, the sounds 0.1


def test_padding_ends_half_way_to_the_next_sound(recordings, tmp_path):
    root, spans = recordings
    seconds = soundfile.info(root / "rec1.wav").duration
    for name, labels in (("heard", None), ("labelled", "beside")):
        options = SegmentOptions(padding_seconds=50, labels=labels, max_seconds=20, merge_gap_seconds=0.1)
        segment([str(root / "rec1.wav")], tmp_path / name, options)
        rows = rows_of(tmp_path / name)
        edges = [(float(row["start_seconds"]), float(row["end_seconds"])) for row in rows]
        assert edges[0][0] == 0
        assert edges[-1][1] == pytest.approx(seconds)
        assert all(first[1] == second[0] for first, second in itertools.pairwise(edges))  # all is there, and once
    middles = [(first[2] + second[1]) / 2 for first, second in itertools.pairwise(spans["rec1"])]
    assert [end for _, end in edges[:-1]] == pytest.approx(middles, abs=1e-3)


def test_events_that_detect_has_found_can_be_cut(recordings, tmp_path):
    root, spans = recordings
    table = tmp_path / "events.csv"  # as detect writes it
    rows = [f"{root}/rec1.wav,3.0,4.0,dog,0.9,0.8", f"{root}/rec2.wav,5.0,5.5,cat,0.9,0.8"]
    header = "recording,start_seconds,end_seconds,label,peak_score,mean_score"
    table.write_text("\n".join([header, *rows]) + "\n")
    told = segment([str(root)], tmp_path / "out", SegmentOptions(labels=str(table), padding_seconds=0, background=4))
    assert told.clips == {"dog": 1, "cat": 1, "background": 8}
    for row in rows_of(tmp_path / "out"):  # what is not labelled is no background where something sounds
        if row["label"] == "background":
            start, end = float(row["start_seconds"]), float(row["end_seconds"])
            assert not [each for each in spans[row["group"]] if each[1] < end and each[2] > start]
    clip, _ = soundfile.read(tmp_path / "out" / "dog" / "rec1_000003.000.wav", dtype="int16")
    whole, _ = soundfile.read(root / "rec1.wav", dtype="int16")
    np.testing.assert_array_equal(clip, whole[3 * RATE : 4 * RATE])


def test_rate_and_channels_are_kept_unless_asked(make_recording, tmp_path):
    spans = make_recording(tmp_path / "stereo.flac", [0, 20, 41], rate=44100, channels=2)
    segment([str(tmp_path / "stereo.flac")], tmp_path / "kept", SegmentOptions(padding_seconds=0, format="flac"))
    segment([str(tmp_path / "stereo.flac")], tmp_path / "lower", SegmentOptions(padding_seconds=0, sampling_rate=8000))
    for folder, rate in (("kept", 44100), ("lower", 8000)):
        rows = rows_of(tmp_path / folder)
        starts = np.array([float(row["start_seconds"]) for row in rows])
        assert all(np.abs(starts - start).min() <= 0.03 for _, start, _ in spans)
        for row in rows:
            clip, found = soundfile.read(tmp_path / folder / row["file"])
            assert (found, clip.shape[1]) == (rate, 2)
            assert np.quantile(np.abs(clip[:, 1] - 0.9 * clip[:, 0]), 0.95) < 1e-3


def test_rate_and_channels_that_change_on_the_way(make_recording, tmp_path):
    first = make_recording(tmp_path / "first.ogg", [0, 20], rate=44100, channels=2)
    second = make_recording(tmp_path / "second.ogg", [3, 41], rate=16000)
    seconds = soundfile.info(tmp_path / "first.ogg").duration
    joined = (tmp_path / "first.ogg").read_bytes() + (tmp_path / "second.ogg").read_bytes()
    (tmp_path / "joined.ogg").write_bytes(joined)
    segment([str(tmp_path / "joined.ogg")], tmp_path / "out", SegmentOptions(padding_seconds=0))
    rows = rows_of(tmp_path / "out")
    starts = np.array([float(row["start_seconds"]) for row in rows])
    for begin in [start for _, start, _ in first] + [seconds + start for _, start, _ in second]:
        assert np.abs(starts - begin).min() <= 0.03
    clip, rate = soundfile.read(tmp_path / "out" / rows[-1]["file"])
    assert (rate, clip.shape[1]) == (44100, 2)
    with open(tmp_path / "out" / "recordings.csv", newline="") as file:
        assert "changes from 44100 to 16000 Hz" in next(csv.DictReader(file))["note"]
    for rate in (8000, 48000):
        length = sum(len(block) for block in UniformBlocks(tmp_path / "joined.ogg", rate))
        assert abs(length - rate * (seconds + soundfile.info(tmp_path / "second.ogg").duration)) <= 3


def test_a_killed_call_is_taken_up(recordings, tmp_path):
    root, _ = recordings
    code = (
        "import os, sys, signal; from audiocls.cutting import segment_journal, segment; old = os.replace\n"
        "def replace(a, b):\n"
        "    replace.n += str(b).endswith('.wav')\n"
        "    os.kill(os.getpid(), signal.SIGKILL) if replace.n == 20 else old(a, b)\n"
        "replace.n = 0; os.replace = replace; segment.segment(sys.argv[1:2], sys.argv[2])"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(root), str(tmp_path / "out")], check=False)
    assert killed.returncode == -9
    assert not (tmp_path / "out" / "segments.csv").exists()
    segment([str(root)], tmp_path / "out")
    segment([str(root)], tmp_path / "whole")
    assert files_in(tmp_path / "out") == files_in(tmp_path / "whole")
    assert rows_of(tmp_path / "out") == rows_of(tmp_path / "whole")


def test_noise_is_reduced_in_the_clips_when_asked(recordings, tmp_path):
    root, spans = recordings
    one = [str(root / "rec0.wav")]
    labelled = SegmentOptions(labels=str(root), padding_seconds=0.5)
    gated = SegmentOptions(labels=str(root), padding_seconds=0.5, denoise="stationary")
    segment(one, tmp_path / "as_is", labelled)
    segment(one, tmp_path / "gated", gated)
    start = {row["file"]: float(row["start_seconds"]) for row in rows_of(tmp_path / "as_is")}
    for file, first in start.items():
        before, _ = soundfile.read(tmp_path / "as_is" / file)
        after, _ = soundfile.read(tmp_path / "gated" / file)
        assert len(before) == len(after)
        onset = next(begin for _, begin, _ in spans["rec0"] if begin > first - 1e-3)
        pause = slice(0, int((onset - first - 0.1) * RATE))
        if pause.stop > 1600:
            assert after[pause].std() < 0.5 * before[pause].std()


def test_options_out_of_range():
    with pytest.raises(UsageError, match="min_seconds"):
        SegmentOptions(min_seconds=-1)
    with pytest.raises(UsageError, match="at least twice min_seconds"):
        SegmentOptions(min_seconds=6, max_seconds=10)
