"""Whose recording is where: uploads move to the visitor's own folder, files of this machine are for who sits at it."""

import numpy as np
import pytest
import soundfile

from audiocls.detection.options import DetectOptions
from audiocls.errors import DataError
from audiocls.ui.recording import desk as recording_desk
from audiocls.ui.recording.desk import Desks
from audiocls.ui.serving.visitors import Visitor
from audiocls.ui.serving.workspaces import Workspaces

HERE, ELSEWHERE = Visitor("here", local=True), Visitor("elsewhere", local=False)
RATE = 16000


@pytest.fixture
def workspaces(tmp_path):
    return Workspaces(tmp_path)


@pytest.fixture
def desks(workspaces):
    return Desks(workspaces)


def uploaded(tmp_path, seconds=2.0, name="night.wav"):
    path = tmp_path / "uploads" / name
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, 0.1 * np.sin(np.arange(round(seconds * RATE)) / 5), RATE)
    return path


def test_an_upload_moves_into_the_folder_of_its_visitor_and_goes_with_it(desks, workspaces, tmp_path):
    path = uploaded(tmp_path)
    desk = desks.take_upload(ELSEWHERE, path)
    assert not path.exists()
    assert desk.path.is_relative_to(workspaces.folder(ELSEWHERE))
    assert (desk.name, desk.info.seconds, desk.own) == ("night.wav", 2.0, True)
    assert desks.get(ELSEWHERE) is desk
    assert desks.get(HERE) is None
    workspaces.forget("elsewhere")
    assert not desk.path.exists()
    assert desks.get(ELSEWHERE) is None


def test_the_next_one_takes_its_place(desks, tmp_path):
    first = desks.take_upload(ELSEWHERE, uploaded(tmp_path))
    second = desks.take_upload(ELSEWHERE, uploaded(tmp_path, 3.0, "day.flac"))
    assert [each.name for each in second.folder.iterdir()] == ["sound.flac"]
    assert not first.path.exists()


def test_a_visitor_who_leaves_ends_the_search(desks, workspaces, classifier, tmp_path):
    desk = desks.take_upload(ELSEWHERE, uploaded(tmp_path, 200.0))
    search = desk.find(classifier, DetectOptions())
    assert desk.find(classifier, DetectOptions()) is search, "one at a time"
    workspaces.forget("elsewhere")
    search.join()
    assert search.state == "stopped"


def test_what_is_too_long_or_no_sound_is_deleted_with_a_line(desks, workspaces, tmp_path, monkeypatch):
    monkeypatch.setattr(recording_desk, "LONGEST_RECORDING_SECONDS", 3600.0)
    monkeypatch.setattr(recording_desk, "LARGEST_UPLOAD_BYTES", 200_000)
    text = tmp_path / "text.wav"
    text.write_text("no sound in here")
    with pytest.raises(DataError, match=r"^text\.wav: This file cannot be read as sound"):
        desks.take_upload(ELSEWHERE, text)
    with pytest.raises(DataError, match="has 1 MB; the limit is 0 MB"):
        desks.take_upload(ELSEWHERE, uploaded(tmp_path, 20.0))
    soundfile.write(tmp_path / "long.wav", np.zeros(4000 * 1000, np.float32), 1000, subtype="PCM_U8")
    monkeypatch.setattr(recording_desk, "LARGEST_UPLOAD_BYTES", 1e9)
    with pytest.raises(DataError, match=r"lasts 1\.1 hours; the limit is 1"):
        desks.take_upload(ELSEWHERE, tmp_path / "long.wav")
    assert list((workspaces.folder(ELSEWHERE) / "recording").iterdir()) == []
    assert desks.get(ELSEWHERE) is None
    with pytest.raises(DataError, match="not here any more"):
        desks.take_upload(ELSEWHERE, tmp_path / "gone.wav")


def test_a_file_of_this_machine_stays_where_it_is(desks, workspaces, tmp_path):
    path = uploaded(tmp_path)
    desk = desks.take_file(HERE, f" {path} ")
    assert (desk.path, desk.own) == (path, False)
    desks.take_upload(HERE, uploaded(tmp_path, 3.0, "other.wav"))
    workspaces.forget("here")
    assert path.exists()
    for wrong in ("", "nowhere.wav", str(tmp_path), "\0"):
        with pytest.raises(DataError, match="no file on this machine"):
            desks.take_file(HERE, wrong)


def test_nobody_else_can_name_files(desks, tmp_path):
    path = uploaded(tmp_path)
    with pytest.raises(DataError, match="Only who sits at the machine"):
        desks.take_file(ELSEWHERE, str(path))
    assert desks.get(ELSEWHERE) is None


def test_a_part_is_heard_as_it_is_in_the_file(desks, tmp_path):
    samples = np.stack([np.linspace(0, 0.5, 4 * RATE), np.linspace(0.5, 0, 4 * RATE)], 1)
    path = tmp_path / "stereo.wav"
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    part, rate = desks.take_upload(ELSEWHERE, path).excerpt(1.0, 1.5)
    assert (rate, part.shape, part.dtype) == (RATE, (RATE // 2,), np.float32)
    np.testing.assert_allclose(part, 0.25, atol=1e-6)
