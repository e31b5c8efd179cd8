"""Many files, without a page: answers as of the command line, zips within limits, files that cannot be read."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiocls.cli import main
from audiocls.errors import DataError
from audiocls.ui import sounds
from audiocls.ui.batch import run as batches
from audiocls.ui.batch.run import Batch, Given, sounds_in, sounds_of
from audiocls.ui.batch.view import progress_bar, summary
from tests.small_models import SOUNDS


@pytest.fixture
def folder(tmp_path):
    """Real sounds of three classes, one file that is none, one that is silent."""
    for label in ("drum", "speech", "water"):
        for path in sorted((SOUNDS / label).glob("*.ogg"))[:4]:
            target = tmp_path / "sounds" / label / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    (tmp_path / "sounds" / "drum" / "broken.wav").write_text("no sound in here")
    soundfile.write(tmp_path / "sounds" / "silent.wav", np.zeros(16000), 16000)
    return tmp_path / "sounds"


def pack(folder, path):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
    return path


def finished(classifier, files, **options):
    batch = Batch(classifier, files, **options)
    batch.run()
    return batch


def test_the_csv_of_a_zip_is_that_of_the_command_line_to_the_byte(classifier, folder, tmp_path, monkeypatch, capsys):
    (tmp_path / "own").mkdir()
    files = sounds_of([Given("sounds.zip", pack(folder, tmp_path / "sounds.zip"))], tmp_path / "own")
    batch = finished(classifier, files)
    monkeypatch.chdir(folder)
    names = sorted(os.listdir(folder), key=os.fsencode)
    assert main(["predict", str(classifier.folder), *names, "--format", "csv"]) == 1  # one is unreadable
    assert batch.csv() == capsys.readouterr().out
    assert batch.csv().count("\n") == 15


def test_the_csv_of_a_folder_is_that_of_the_command_line_to_the_byte(classifier, folder, capsys):
    batch = finished(classifier, sounds_in(str(folder)))
    assert main(["predict", str(classifier.folder), str(folder), "--format", "csv"]) == 1
    assert batch.csv() == capsys.readouterr().out


def test_a_file_that_cannot_be_read_is_told_in_its_row_and_the_others_go_on(classifier, folder):
    batch = finished(classifier, sounds_in(str(folder)))
    rows = {Path(row[0]).name: row for row in batch.rows()}
    assert len(rows) == 14
    assert rows["broken.wav"][1:4] == ["", None, ""]
    assert "not an audio file" in rows["broken.wav"][4]
    assert rows["silent.wav"][1] == "none of these"
    _, answer, score, following, why = rows["drum_00.ogg"]
    expected = classifier(folder / "drum" / "drum_00.ogg")
    assert (answer, why) == (expected[0]["label"], "")
    assert score == pytest.approx(expected[0]["score"], abs=1e-4)
    assert following.startswith(f"{expected[1]['label']} {expected[1]['score']:.3f}, {expected[2]['label']}")
    counts = dict(batch.counts())
    assert counts["not read"] == counts["none of these"] == 1
    assert sum(counts.values()) == 14
    assert batch.told() == "Done: 14 files."


def test_a_sound_over_the_limit_is_a_row_too(classifier, folder, monkeypatch):
    monkeypatch.setattr(sounds, "LONGEST_SOUND_SECONDS", 0.5)
    batch = finished(classifier, sounds_in(str(folder)))
    assert {row[4].split(";")[-1].strip() for row in batch.rows() if row[4].startswith("This sound lasts")} == {
        "the limit is 0. The command line takes recordings of any length."
    }


def test_it_stops_when_asked_when_nobody_wants_it_and_at_the_limit(classifier, folder):
    files = sounds_in(str(folder))
    batch = Batch(classifier, files)
    batch.stop()
    batch.run()
    assert (batch.answers, batch.told()) == ([], "Stopped after 0 of 14 files.")
    asked = iter([True] * 5)
    unwanted = finished(classifier, files, wanted=lambda: next(asked, False))
    assert unwanted.told() == "Stopped after 5 of 14 files."
    assert len(unwanted.rows()) == unwanted.csv().count("\n") - 1 == 5
    long = finished(classifier, files, most_seconds=3.0)
    assert 0 < len(long.answers) < 14
    assert "last longer than" in long.told()


def test_a_mistake_of_ours_ends_it_with_a_word(classifier, folder, monkeypatch, caplog):
    monkeypatch.setattr(batches, "read_within_limits", lambda *_: 1 / 0)
    batch = finished(classifier, sounds_in(str(folder)))
    assert batch.ended
    assert "the log of the app says more" in batch.told()
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("name", ["../evil.wav", "/tmp/evil.wav", "C:/evil.wav"])
def test_zips_that_lead_outside_are_refused_and_nothing_is_written(tmp_path, name):
    (tmp_path / "own").mkdir()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(DataError, match=r"^my\.zip: refused"):
        sounds_of([Given("my.zip", tmp_path / "a.zip")], tmp_path / "own")
    assert list((tmp_path / "own").iterdir()) == []
    assert not list(tmp_path.rglob("*.wav"))


def test_zips_are_held_to_the_limits_of_the_app(tmp_path, folder, monkeypatch):
    (tmp_path / "own").mkdir()
    path = pack(folder, tmp_path / "a.zip")
    monkeypatch.setattr(batches, "LARGEST_BATCH_BYTES", 1000)
    with pytest.raises(DataError, match="when unpacked"):
        sounds_of([Given("a.zip", path)], tmp_path / "own")
    monkeypatch.setattr(batches, "LARGEST_BATCH_BYTES", 10**9)
    monkeypatch.setattr(batches, "MOST_BATCH_FILES", 13)
    with pytest.raises(DataError, match="14 files in one zip; at most 13"):
        sounds_of([Given("a.zip", path)], tmp_path / "own")
    with pytest.raises(DataError, match="14 files are too many for this page"):
        sounds_of([Given(str(n), path.with_suffix(".wav")) for n in range(14)], tmp_path / "own")
    with pytest.raises(DataError, match="no such file or folder"):
        sounds_in(str(tmp_path / "nowhere"))


def test_a_zip_without_sounds_is_told_and_several_zips_keep_their_names_apart(tmp_path, folder):
    (tmp_path / "own").mkdir()
    with zipfile.ZipFile(tmp_path / "texts.zip", "w") as archive:
        archive.writestr("notes.txt", "hello")
    with pytest.raises(DataError, match=r"^texts\.zip: there is no sound in it"):
        sounds_of([Given("texts.zip", tmp_path / "texts.zip")], tmp_path / "own")
    path = pack(folder, tmp_path / "a.zip")
    wav = folder / "silent.wav"
    (tmp_path / "other").mkdir()
    found = sounds_of([Given("one.zip", path), Given("two.zip", path), Given("x.wav", wav)], tmp_path / "other")
    assert len(found) == 29
    assert {each.name.split("/")[0] for each in found} == {"one", "two", "x.wav"}


def test_names_from_outside_are_text_on_the_page(classifier, folder):
    batch = finished(classifier, [Given("<b>a.ogg", folder / "drum" / "drum_00.ogg")])
    assert "<b>" not in summary([("<b>", 3)])
    assert progress_bar(batch) == '<p role="status">Done: 1 files.</p>'
