"""What a training learns from: whose it is, what is refused, and where it lies."""

import zipfile

import pytest

from audiocls.errors import DataError, UsageError
from audiocls.ui.serving.visitors import Visitor
from audiocls.ui.train import material as module
from audiocls.ui.train.material import named_material, taught_material, zip_material
from audiocls.ui.train.taught import TaughtSounds
from tests.small_models import SOUNDS
from tests.ui.train.lessons import write_lesson

HERE, ELSEWHERE = Visitor("a", True), Visitor("b", False)


@pytest.fixture
def sounds_zip(tmp_path):
    path = tmp_path / "my sounds.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for label in ("drum", "water"):
            for file in sorted((SOUNDS / label).iterdir())[:2]:
                archive.write(file, f"{label}/{file.name}")
    return path


def test_a_zip_is_taken_along_with_its_training(sounds_zip, tmp_path):
    given = zip_material(str(sounds_zip), tmp_path / "workspace")
    assert given.private
    taken = given.taken_to(tmp_path / "training")
    assert taken.data == str(tmp_path / "training" / "data" / "my-sounds.zip")
    assert zipfile.ZipFile(taken.data).namelist() == zipfile.ZipFile(sounds_zip).namelist()
    assert taken.environment(tmp_path)["AUDIOCLS_CACHE"].startswith(str(tmp_path))


def test_what_was_looked_at_before_goes(sounds_zip, tmp_path):
    first = zip_material(str(sounds_zip), tmp_path / "workspace")
    second = zip_material(str(sounds_zip), tmp_path / "workspace")
    assert not first.held.exists()
    assert second.held.exists()


@pytest.mark.parametrize("name", ["../up.wav", "/etc/passwd", "drum/../../up.wav"])
def test_a_zip_that_leads_out_of_its_folder_is_refused_before_anything_is_kept(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(name, "x")
    with pytest.raises(DataError, match="outside") as error:
        zip_material(str(tmp_path / "bad.zip"), tmp_path / "workspace")
    assert str(tmp_path) not in str(error.value)
    assert not list((tmp_path / "workspace").glob("*"))


def test_a_zip_over_a_limit_is_refused(sounds_zip, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_TRAINING_FILES", 3)
    with pytest.raises(DataError, match="at most 3"):
        zip_material(str(sounds_zip), tmp_path)
    monkeypatch.setattr(module, "LARGEST_TRAINING_ZIP_BYTES", 1000)
    with pytest.raises(UsageError, match="limit"):
        zip_material(str(sounds_zip), tmp_path)


def test_what_is_no_zip_is_told(tmp_path):
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(DataError, match="not a zip"):
        zip_material(str(tmp_path / "text.zip"), tmp_path)
    with pytest.raises(UsageError, match="no zip yet"):
        zip_material(None, tmp_path)


def test_only_who_sits_here_names_folders_of_this_machine():
    assert named_material(str(SOUNDS), HERE).data == str(SOUNDS)
    with pytest.raises(UsageError, match="on the machine itself"):
        named_material(str(SOUNDS), ELSEWHERE)
    for name in ("", None, "--help"):
        with pytest.raises(UsageError):
            named_material(name, HERE)


def test_two_sounds_are_needed(tmp_path):
    taught = TaughtSounds(tmp_path / "taught")
    with pytest.raises(UsageError, match="Name a sound"):
        taught_material(taught, tmp_path)
    taught.add("drum", write_lesson(tmp_path / "a.wav", "drum", 2))
    with pytest.raises(UsageError, match="another sound"):
        taught_material(taught, tmp_path)
    taught.add("metal", write_lesson(tmp_path / "b.wav", "metal", 2))
    assert "flatter" in taught_material(taught, tmp_path).remark
