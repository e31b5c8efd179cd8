import stat
import zipfile

import pytest

from audiocls.data import archives
from audiocls.data.sources import find_source
from audiocls.errors import DataError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIOCLS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def pack(path, folder, top=""):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, top + file.relative_to(folder).as_posix())
    return path


@pytest.mark.parametrize("top", ["", "my sounds/", "sounds-main/data/"])
def test_a_zip_of_class_folders_with_or_without_a_folder_around(tmp_path, make_folder, top):
    path = pack(tmp_path / "pets.zip", make_folder(tmp_path / "in", dog=2, cat=1), top)
    listing = find_source(str(path))
    assert [item.file for item in listing.items] == ["cat/cat_0.wav", "dog/dog_0.wav", "dog/dog_1.wav"]
    assert listing.name == "pets"


def test_parts_and_tables_in_a_zip(tmp_path, make_folder):
    for part in ("train", "test"):
        make_folder(tmp_path / "in" / part, dog=1, cat=1)
    assert {item.part for item in find_source(str(pack(tmp_path / "a.zip", tmp_path / "in"))).items} == {
        "train",
        "test",
    }
    (tmp_path / "in" / "metadata.csv").write_text("file_name,label\ntrain/dog/dog_0.wav,barking\n")
    listing = find_source(str(pack(tmp_path / "b.zip", tmp_path / "in")))
    assert [item.labels for item in listing.items] == [("barking",)]


def test_a_zip_is_unpacked_once_for_its_content(tmp_path, make_folder, monkeypatch):
    path = pack(tmp_path / "a.zip", make_folder(tmp_path / "in", dog=1, cat=1))
    first = find_source(str(path)).root
    path.rename(tmp_path / "b.zip")
    monkeypatch.setattr(archives, "unpack", lambda *_: pytest.fail("unpacked again"))
    assert find_source(str(tmp_path / "b.zip")).root == first


def test_what_a_mac_adds_is_left_out(tmp_path, make_folder):
    make_folder(tmp_path / "in" / "pets", dog=1, cat=1)
    path = pack(tmp_path / "a.zip", tmp_path / "in")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/pets/dog/._dog_0.wav", b"x")
        archive.writestr("pets/.DS_Store", b"x")
    listing = find_source(str(path))
    assert len(listing.items) == 2
    assert listing.skipped == []


@pytest.mark.parametrize("name", ["../evil.wav", "dog/../../evil.wav", "/tmp/evil.wav", "..\\evil.wav", "C:/evil.wav"])
def test_names_that_lead_outside_are_refused_and_nothing_is_written(tmp_path, cache, name):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("dog/a.wav", b"x")
        archive.writestr(name, b"x")
    with pytest.raises(DataError, match="outside"):
        find_source(str(tmp_path / "a.zip"))
    assert not list(tmp_path.rglob("*.wav"))


def test_links_are_refused(tmp_path):
    link = zipfile.ZipInfo("dog/a.wav")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="a link"):
        find_source(str(tmp_path / "a.zip"))


def test_bombs_are_refused_before_they_unpack(tmp_path, cache, monkeypatch):
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED_BYTES", 1 << 20)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("dog/a.wav", bytes(1 << 22))
    with pytest.raises(DataError, match="refused"):
        find_source(str(tmp_path / "a.zip"))
    assert not list(cache.rglob("*.wav"))


def test_limits_can_be_given(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(5):
            archive.writestr(f"dog/{number}.wav", bytes(3 << 20))
    with pytest.raises(DataError, match=r"^pets.zip: refused, 5 files in one zip; at most 4 are taken$"):
        archives.unpack(tmp_path / "a.zip", tmp_path / "out", archives.ZipLimits(files=4), name="pets.zip")
    with pytest.raises(DataError, match=r"^pets.zip: refused, 15 MB when unpacked; at most 14 MB are taken$"):
        archives.unpack(tmp_path / "a.zip", tmp_path / "out", archives.ZipLimits(5, 14 << 20), name="pets.zip")
    assert not (tmp_path / "out").exists()
    archives.unpack(tmp_path / "a.zip", tmp_path / "out", archives.ZipLimits(5, 15 << 20))
    assert len(list((tmp_path / "out").rglob("*.wav"))) == 5


def test_a_list_of_too_many_files_is_refused_before_it_is_read(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(100):
            archive.writestr(f"{number}.wav", b"")
    monkeypatch.setattr(archives.zipfile, "ZipFile", lambda *_: pytest.fail("the list was read"))
    with pytest.raises(DataError, match="too many files"):
        archives.unpack(tmp_path / "a.zip", tmp_path / "out", archives.ZipLimits(files=4))


@pytest.mark.parametrize("names", [("dog", "dog/a.wav"), ("dog/a.wav", "dog")])
def test_a_name_that_is_a_file_and_a_folder_is_damage(tmp_path, names):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    with pytest.raises(DataError, match="damaged"):
        archives.unpack(tmp_path / "a.zip", tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == [tmp_path / "a.zip"]


def test_an_entry_that_lies_about_its_size_is_refused(tmp_path, cache):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("dog/a.wav", bytes(100_000))
    data = bytearray((tmp_path / "a.zip").read_bytes())
    central = data.index(b"PK\x01\x02")
    for offset in (central + 24, 22):  # plain size in the directory and in the entry's own header
        data[offset : offset + 4] = (10).to_bytes(4, "little")
    (tmp_path / "a.zip").write_bytes(bytes(data))
    with pytest.raises(DataError, match="damaged"):
        find_source(str(tmp_path / "a.zip"))
    assert not list(cache.rglob("*.wav"))


@pytest.mark.parametrize("kind", ["text", "empty", "cut", "flipped"])
def test_damaged_zips_are_refused_in_one_line(tmp_path, make_folder, cache, kind):
    path = pack(tmp_path / "a.zip", make_folder(tmp_path / "in", dog=2, cat=2))
    data = bytearray(path.read_bytes())
    data[200] ^= 0xFF
    path.write_bytes(
        {"text": b"no zip", "empty": b"", "cut": bytes(data[: len(data) // 2]), "flipped": bytes(data)}[kind]
    )
    with pytest.raises(DataError, match="damaged") as caught:
        find_source(str(path))
    assert "\n" not in str(caught.value)
    assert not [path for path in (cache / "zips").iterdir() if path.is_dir()]


def test_a_protected_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("dog/a.wav", b"x" * 50)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(bytes(data))
    with pytest.raises(DataError, match="password"):
        find_source(str(tmp_path / "a.zip"))


def test_a_table_in_a_zip_cannot_name_files_outside(tmp_path, make_tone):
    make_tone(tmp_path / "in" / "a.wav")
    for outside in (make_tone(tmp_path / "private.wav"), "../../private.wav"):
        (tmp_path / "in" / "metadata.csv").write_text(f"file_name,label\na.wav,x\n{outside},y\n")
        path = pack(tmp_path / "a.zip", tmp_path / "in")
        (tmp_path / "cache" / "private.wav").parent.mkdir(exist_ok=True)
        (tmp_path / "cache" / "private.wav").write_bytes((tmp_path / "private.wav").read_bytes())
        with pytest.raises(DataError, match="outside the zip") as caught:
            find_source(str(path))
        assert "private" in str(caught.value)
