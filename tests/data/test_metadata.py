import pytest

from audiocls.data.sources import find_source
from audiocls.errors import DataError


@pytest.fixture
def clips(tmp_path, make_tone):
    for name in ("a", "b", "c", "d e"):
        make_tone(tmp_path / "clips" / f"{name}.wav")
    return tmp_path


def table(folder, text, encoding="utf-8"):
    (folder / "metadata.csv").write_text(text, encoding=encoding)
    return find_source(str(folder))


@pytest.mark.parametrize("column", ["file_name", "file_path", "File_Name"])
@pytest.mark.parametrize("label", ["label", "class", "category"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_rows_name_files_and_labels(clips, column, label, delimiter):
    rows = [[column, label, "group", "split"], ["clips/a.wav", "dog", "g1", "train"], ["clips/b.wav", "cat", "", "val"]]
    rows += [['"clips/c.wav"', "dog", "g2", "test"], ["clips/d e.wav", " cat ", "g2", ""]]
    listing = table(clips, "\n".join(delimiter.join(row) for row in rows), "utf-8-sig")
    assert [(item.file, item.labels, item.part, item.group) for item in listing.items] == [
        ("clips/a.wav", ("dog",), "train", "g1"),
        ("clips/b.wav", ("cat",), "validation", None),
        ("clips/c.wav", ("dog",), "test", "g2"),
        ("clips/d e.wav", ("cat",), None, "g2"),
    ]
    assert not listing.multi_label


def test_labels_separated_by_bars_make_a_multi_label_set(clips):
    listing = table(clips, "file_name,labels\nclips/a.wav,dog|cat\nclips/b.wav,cat\nclips/c.wav,\n")
    assert listing.multi_label
    assert [item.labels for item in listing.items] == [("dog", "cat"), ("cat",)]


def test_the_order_of_the_rows_does_not_matter(clips):
    rows = ["clips/c.wav,x\n", "clips/a.wav,y\n", "clips/b.wav,x\n"]
    first = table(clips, "file_name,label\n" + "".join(rows)).items
    assert table(clips, "file_name,label\n" + "".join(reversed(rows))).items == first


def test_a_bar_in_a_single_label_column_is_part_of_the_name(clips):
    listing = table(clips, "file_name,label\nclips/a.wav,dog|cat\nclips/b.wav,x\n")
    assert not listing.multi_label
    assert listing.items[0].labels == ("dog|cat",)


def test_every_row_and_file_that_is_not_used_is_named(clips):
    listing = table(
        clips, "file_name,label\nclips/a.wav,dog\nclips/none.wav,dog\nclips/b.wav,\n,cat\nclips/a.wav,cat\n"
    )
    assert {(skipped.file, skipped.reason) for skipped in listing.skipped} == {
        ("clips/none.wav", "listed in metadata.csv but not there"),
        ("clips/b.wav", "no label in metadata.csv"),
        ("metadata.csv, a row", "the row names no file"),
        ("clips/c.wav", "not listed in metadata.csv"),
        ("clips/d e.wav", "not listed in metadata.csv"),
    }
    assert listing.warnings == ["in metadata.csv twice with different labels; the first counts: clips/a.wav"]


def test_parts_may_have_a_table_each(tmp_path, make_tone):
    for part in ("train", "test"):
        make_tone(tmp_path / part / "a.wav")
        make_tone(tmp_path / part / "b.wav")
        (tmp_path / part / "metadata.csv").write_text("file_name,label\na.wav,dog\nb.wav,cat\n")
    assert {(item.file, item.labels, item.part) for item in find_source(str(tmp_path)).items} == {
        (f"{part}/{name}.wav", (label,), part)
        for part in ("train", "test")
        for name, label in (("a", "dog"), ("b", "cat"))
    }


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "empty"),
        ("name,label\nclips/a.wav,dog\n", "no column file_name"),
        ("file_name,loudness\nclips/a.wav,3\n", "no column label"),
        ("file_name,label,split\nclips/a.wav,dog,fold3\n", "'fold3'"),
        ("file_name,label\n", "no labelled audio"),
    ],
)
def test_tables_that_cannot_be_used(clips, text, complaint):
    with pytest.raises(DataError, match=complaint) as caught:
        table(clips, text)
    assert "\n" not in str(caught.value)


def test_a_table_in_another_encoding_is_refused(clips):
    with pytest.raises(DataError, match="UTF-8"):
        table(clips, "file_name,label\nclips/a.wav,Hündin\n", "latin-1")
