import os
import unicodedata

import pytest

from audiocls.data.sources import find_source
from audiocls.errors import DataError


def found(root):
    """{file: (labels, part)}"""
    return {item.file: (item.labels, item.part) for item in find_source(str(root)).items}


def test_class_folders(tmp_path, make_folder):
    make_folder(tmp_path, dog=2, cat=1)
    assert found(tmp_path) == {
        "cat/cat_0.wav": (("cat",), None),
        "dog/dog_0.wav": (("dog",), None),
        "dog/dog_1.wav": (("dog",), None),
    }


def test_files_deeper_in_a_class_folder_belong_to_the_class(tmp_path, make_tone, make_folder):
    make_folder(tmp_path, dog=1, cat=1)
    make_tone(tmp_path / "dog" / "2020" / "may" / "a.wav")
    assert found(tmp_path)["dog/2020/may/a.wav"] == (("dog",), None)


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [("train", "val", "test"), ("Training", "dev", "Testing"), ("train", "valid", "eval"), ("train", "validation", "")],
)
def test_parts_under_all_their_usual_names(tmp_path, make_folder, train, validation, test):
    names = {train: "train", validation: "validation", test: "test"}
    names.pop("", None)
    for name in names:
        make_folder(tmp_path / name, dog=1, cat=1)
    assert found(tmp_path) == {
        f"{name}/{label}/{label}_0.wav": ((label,), part) for name, part in names.items() for label in ("dog", "cat")
    }


def test_a_class_may_be_called_train(tmp_path, make_folder):
    make_folder(tmp_path, train=2, car=2)
    assert {labels for labels, _ in found(tmp_path).values()} == {("train",), ("car",)}
    assert {part for _, part in found(tmp_path).values()} == {None}


def test_what_lies_beside_the_parts_is_named(tmp_path, make_folder, make_tone):
    make_folder(tmp_path / "train", dog=1, cat=1)
    make_folder(tmp_path / "test", dog=1, cat=1)
    make_tone(tmp_path / "old" / "x.wav")
    make_tone(tmp_path / "loose.wav")
    listing = find_source(str(tmp_path))
    assert len(listing.items) == 4
    assert [skipped.file for skipped in listing.skipped] == ["loose.wav", "old/x.wav"]


def test_loose_files_beside_class_folders_are_skipped_by_name(tmp_path, make_folder, make_tone):
    make_folder(tmp_path, dog=1, cat=1)
    make_tone(tmp_path / "loose.wav")
    listing = find_source(str(tmp_path))
    assert [(skipped.file, skipped.reason) for skipped in listing.skipped] == [("loose.wav", "not in a class folder")]


def test_companions_are_ignored_quietly_and_unknown_kinds_are_counted(tmp_path, make_folder):
    make_folder(tmp_path, dog=1, cat=1)
    quiet = [".DS_Store", "Thumbs.db", "desktop.ini", "notes.txt", "a.json", "LICENSE", "._dog_0.wav", "pic.PNG"]
    for name in [*quiet, "sound.xyz"]:
        (tmp_path / "dog" / name).write_bytes(b"x")
    (tmp_path / ".git").mkdir()
    (tmp_path / "__MACOSX" / "dog").mkdir(parents=True)
    (tmp_path / "__MACOSX" / "dog" / "a.wav").write_bytes(b"x")
    listing = find_source(str(tmp_path))
    assert len(listing.items) == 2
    assert listing.skipped == []
    assert listing.warnings == ["1 file of an unknown kind was ignored: dog/sound.xyz"]


def test_names_with_spaces_quotes_emoji_newlines_and_broken_bytes(tmp_path, make_folder, make_tone):
    make_folder(tmp_path, cat=1)
    names = ["a b.wav", 'it\'s "so".wav', "🐕.wav", "line\nbreak.wav", "ünï.WAV", "x" * 200 + ".wav"]
    for name in names:
        make_tone(tmp_path / "dog days" / name)
    broken = os.path.join(os.fsencode(tmp_path / "dog days"), b"caf\xe9.wav")
    with open(broken, "wb") as file:
        file.write((tmp_path / "dog days" / "a b.wav").read_bytes())
    files = found(tmp_path)
    assert {f"dog days/{name}" for name in names} < set(files)
    assert "dog days/caf\\xe9.wav" in files
    for name in files:
        name.encode("utf-8")


def test_the_order_of_the_file_system_does_not_matter(tmp_path, make_folder, monkeypatch):
    make_folder(tmp_path, dog=3, cat=3)
    expected = [item.file for item in find_source(str(tmp_path)).items]
    listdir, scandir = os.listdir, os.scandir

    class Reversed(list):
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(os, "listdir", lambda path: sorted(listdir(path), reverse=True))
    monkeypatch.setattr(
        os, "scandir", lambda path: Reversed(sorted(scandir(path), key=lambda entry: entry.name, reverse=True))
    )
    assert [item.file for item in find_source(str(tmp_path)).items] == expected == sorted(expected)


def test_circles_of_links_end_and_are_named_but_other_links_are_followed(tmp_path, make_folder):
    make_folder(tmp_path / "data", dog=1, cat=1)
    make_folder(tmp_path / "elsewhere", bird=1)
    (tmp_path / "data" / "dog" / "again").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "dog" / "self").symlink_to("self")
    (tmp_path / "data" / "bird").symlink_to(tmp_path / "elsewhere" / "bird")
    listing = find_source(str(tmp_path / "data"))
    assert [item.file for item in listing.items] == ["bird/bird_0.wav", "cat/cat_0.wav", "dog/dog_0.wav"]
    assert any("dog/again" in warning and "link back" in warning for warning in listing.warnings)


def test_an_unreadable_folder_is_named(tmp_path, make_folder, monkeypatch):
    make_folder(tmp_path, dog=1, cat=1)
    (tmp_path / "dog" / "locked").mkdir()
    scandir = os.scandir

    def refuse(path):  # the tests may run as root, who may read anything
        if os.fspath(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    listing = find_source(str(tmp_path))
    assert len(listing.items) == 2
    assert [(s.file, s.reason) for s in listing.skipped] == [
        ("dog/locked/", "the folder cannot be read: permission denied")
    ]


@pytest.mark.parametrize(
    ("first", "second"), [("Dog", "dog"), ("café", unicodedata.normalize("NFD", "café")), ("dog ", "dog_"[:3])]
)
def test_class_names_that_differ_only_in_writing_are_refused(tmp_path, make_folder, first, second):
    make_folder(tmp_path, **{first: 1, second: 1, "cat": 1})
    if first.strip() == second:
        assert {labels for labels, _ in found(tmp_path).values()} == {("dog",), ("cat",)}
    else:
        with pytest.raises(DataError, match="differ only in case") as caught:
            find_source(str(tmp_path))
        assert repr(first) in str(caught.value)
        assert repr(second) in str(caught.value)


def test_empty_class_folders_are_named(tmp_path, make_folder):
    make_folder(tmp_path, dog=1, cat=1)
    (tmp_path / "bird").mkdir()
    assert find_source(str(tmp_path)).warnings == ["class folder bird holds no audio files; it is left out"]


@pytest.mark.parametrize("kind", ["empty", "text only", "loose only", "missing", "file"])
def test_places_without_labelled_sounds_are_refused_in_one_line(tmp_path, make_tone, kind):
    place = tmp_path / "data"
    if kind == "file":
        place.write_text("x")
    elif kind != "missing":
        place.mkdir()
    if kind == "text only":
        (place / "dog").mkdir()
        (place / "dog" / "a.txt").write_text("x")
    if kind == "loose only":
        make_tone(place / "a.wav")
    with pytest.raises(DataError) as caught:
        find_source(str(place))
    assert "\n" not in str(caught.value)
    assert str(place) in str(caught.value)


def test_one_wrapping_folder_is_stepped_into(tmp_path, make_folder):
    make_folder(tmp_path / "my-sounds", dog=1, cat=1)
    assert set(found(tmp_path)) == {"dog/dog_0.wav", "cat/cat_0.wav"}
    assert find_source(str(tmp_path)).warnings == ["classes are the folders inside my-sounds"]
    make_folder(tmp_path / "other" / "x" / "train", dog=1, cat=1)
    make_folder(tmp_path / "other" / "x" / "test", dog=1, cat=1)
    assert {part for _, part in found(tmp_path / "other").values()} == {"train", "test"}


def test_the_bundled_sounds(everyday_sounds):
    listing = find_source(str(everyday_sounds))
    assert len(listing.items) == 279
    assert listing.skipped == []
    assert listing.warnings == []


def test_clips_that_are_still_to_be_sorted_are_left_out_and_named(tmp_path, make_folder):
    make_folder(tmp_path, cat=2, dog=2, unsorted=3)
    listing = find_source(str(tmp_path))
    assert {label for item in listing.items for label in item.labels} == {"cat", "dog"}
    assert any("unsorted" in warning and "to be sorted" in warning for warning in listing.warnings)
