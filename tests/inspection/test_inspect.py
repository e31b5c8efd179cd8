"""The whole audit on small data sets with known faults, and what comes of hopeless input."""

import json
import os
import re
import shutil
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import soundfile

from audiocls.errors import DataError, OutputError, UsageError
from audiocls.inspection.inspect import REPORT_HTML, REPORT_JSON, inspect
from audiocls.inspection.terminal import report_text


def titles(report):
    return [finding["title"] for finding in report["findings"]]


def finding(report, title):
    return next(one for one in report["findings"] if one["title"] == title)


@pytest.fixture
def faulty(tmp_path, make_tone, everyday_sounds):
    """Real sounds in train and test, one of them in both and one under two labels; files with every kind of fault."""
    root = tmp_path / "faulty"
    for label in ("water", "speech", "music"):
        for part, first in (("train", 0), ("test", 8)):
            (root / part / label).mkdir(parents=True)
            for path in sorted((everyday_sounds / "train" / label).glob("*.ogg"))[first : first + 6]:
                shutil.copy(path, root / part / label)
    shutil.copy(root / "train" / "water" / "water_01.ogg", root / "test" / "water" / "again.ogg")
    samples, rate = soundfile.read(root / "train" / "speech" / "speech_02.ogg")
    soundfile.write(root / "train" / "music" / "wrong.wav", 0.6 * samples, rate)
    bad = root / "train" / "water"
    (bad / "empty.wav").touch()
    (bad / "text.mp3").write_text("no sound")
    soundfile.write(bad / "silent.wav", np.zeros(8000), 16000)
    soundfile.write(bad / "one.wav", np.array([0.5]), 16000)
    soundfile.write(bad / "hot.wav", np.clip(5 * samples, -1, 1), rate)
    return root


def test_every_fault_is_told_and_the_gravest_first(faulty, tmp_path, capsys):
    report = inspect(faulty, tmp_path / "out", verbose=True)
    printed = capsys.readouterr().out
    found = titles(report)
    assert found[:3] == ["The parts share recordings", "Copies with different labels", "Files that cannot be used"]
    assert "test/water/again.ogg = train/water/water_01.ogg" in str(finding(report, found[0])["files"])
    assert "wrong.wav" in str(finding(report, found[1])["files"])
    assert {entry["file"] for kind in ("unreadable", "silent", "too short") for entry in report["problems"][kind]} == {
        f"train/water/{name}" for name in ("empty.wav", "text.mp3", "silent.wav", "one.wav")
    }
    assert [entry["file"] for entry in report["problems"]["clipped"]] == ["train/water/hot.wav"]
    assert (report["clips"], report["usable"]) == (43, 39)
    assert report["parts"] == {"test": 19, "train": 24}
    assert report["classes"]["water"]["clips"] == 18
    for title in found:
        assert title in printed
    assert all(one["action"] for one in report["findings"] if one["weight"] == "mend")
    assert max(map(len, printed.splitlines()[:-1])) <= 110  # the last one is a path


def test_the_report_is_written_whole_and_read_back(faulty, tmp_path):
    report = inspect(faulty, tmp_path / "out")
    assert json.loads((tmp_path / "out" / REPORT_JSON).read_text()) == report
    text = (tmp_path / "out" / REPORT_HTML).read_text()
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#)""", text)  # nothing from elsewhere: it works offline
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", text)
    pictures = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(pictures) >= 4
    for picture in pictures:
        ElementTree.fromstring(picture.replace("xlink:href", "href"))
        assert "var(--ink)" in picture
    assert inspect(faulty, tmp_path / "out") == report  # an earlier report is replaced


def test_names_are_shown_and_not_obeyed(tmp_path, make_tone):
    root = tmp_path / "data"
    for label in ("<script>alert(1)</script>", 'b"&$x$', "caf\u00e9 \u732b"):
        for clip in range(3):
            make_tone(root / label.replace("/", "\u2215") / f"<img src=x>{clip}.wav", hz=300 + 100 * clip)
    shutil.copy(next(root.rglob("*.wav")), os.fsencode(str(root / 'b"&$x$')) + b"/caf\xe9.wav")
    report = inspect(root, tmp_path / "out")
    text = (tmp_path / "out" / REPORT_HTML).read_text()
    assert "<script>" not in text
    assert "<img" not in text
    assert "caf\\xe9.wav" in text
    assert "caf\\xe9.wav" in report_text(report)


def test_likely_groups_come_with_the_option(tmp_path, make_tone):
    for label in ("yes", "no"):
        for speaker in ("anna", "ben", "eva", "leo", "max"):
            for take in range(3):
                make_tone(tmp_path / "data" / label / f"{speaker}_{label}_{take}.wav", hz=300 + 40 * take)
    report = inspect(tmp_path / "data")
    assert report["groups"]["guesses"][0]["num_groups"] == 5
    assert "--group_regex '" in finding(report, "Likely groups in the file names")["action"]
    assert report["shortcuts"][0]["num_sets"] <= 5  # and they count as groups from here on


def test_a_shortcut_is_told_in_plain_words(tmp_path, make_tone):
    for label, gain in (("near", 1.0), ("far", 0.05)):
        for clip in range(20):
            path = make_tone(tmp_path / "data" / label / f"{clip}.wav", hz=300 + 17 * clip)
            samples, rate = soundfile.read(path)
            soundfile.write(path, gain * samples, rate)
    report = inspect(tmp_path / "data")
    told = finding(report, "Classes can be told by loudness alone")
    assert told["weight"] == "mend"
    assert "reaches 1.00" in told["text"]
    assert "0.50 by chance" in told["text"]
    assert "(far)" in told["text"]


def test_known_groups_on_both_sides_are_a_leak(tmp_path, make_tone):
    rows = ["file_name,label,group,split"]
    for clip in range(24):
        make_tone(tmp_path / "data" / f"{clip}.wav", hz=250 + 31 * clip)
        rows.append(f"{clip}.wav,{'ab'[clip % 2]},speaker {clip % 6},{'test' if clip > 15 else 'train'}")
    (tmp_path / "data" / "metadata.csv").write_text("\n".join(rows))
    report = inspect(tmp_path / "data")
    assert "6 of 6 groups" in finding(report, "The parts share groups")["text"]


def test_background_is_no_class(tmp_path, make_folder):
    make_folder(tmp_path / "data", low=6, high=6, background=4)
    report = inspect(tmp_path / "data")
    assert set(report["classes"]) == {"low", "high", "(no class)"}
    assert "2 classes" in report["headline"]


def test_one_class_and_one_clip_are_inspected_all_the_same(tmp_path, make_folder):
    make_folder(tmp_path / "data", low=1)
    report = inspect(tmp_path / "data", tmp_path / "out")
    assert "Only one class" in titles(report)
    assert report["shortcuts"] == []
    assert (tmp_path / "out" / REPORT_HTML).is_file()


def test_several_labels_a_clip(tmp_path, make_tone):
    rows = ["file_name,labels"]
    for clip in range(18):
        make_tone(tmp_path / "data" / f"{clip}.wav", hz=250 + 31 * clip)
        rows.append(f"{clip}.wav,{('rain', 'rain|wind', 'wind|birds')[clip % 3]}")
    (tmp_path / "data" / "metadata.csv").write_text("\n".join(rows))
    report = inspect(tmp_path / "data", tmp_path / "out")
    assert report["multi_label"]
    assert {label: one["clips"] for label, one in report["classes"].items()} == {"birds": 6, "rain": 12, "wind": 12}
    assert all(one["chance"] == 0.5 for one in report["shortcuts"])


def test_hopeless_input_is_one_line(tmp_path, make_folder):
    make_folder(tmp_path / "data", low=2)
    (tmp_path / "none" / "a").mkdir(parents=True)
    (tmp_path / "none" / "a" / "x.wav").write_bytes(b"no sound")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").touch()
    for data, output_dir, error, told in (
        ("missing", None, DataError, "no such folder"),
        ("none", None, DataError, "a/x.wav"),
        ("data", "other", OutputError, "choose another --output_dir"),
        ("data", "other/thesis.txt", OutputError, "is a file"),
    ):
        with pytest.raises(error, match=told) as caught:
            inspect(tmp_path / data, None if output_dir is None else tmp_path / output_dir)
        assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="label_regex"):
        inspect(tmp_path / "data", label_regex="(")
