import pytest

from audiocls.config import TrainConfig
from audiocls.data.grouping import known_groups
from audiocls.data.listing import Item, Listing
from audiocls.errors import DataError, UsageError

# Groups of these: rex, rex, tom, and one that the names do not tell.
FILES = ["dog/rex_1.wav", "dog/rex_2.wav", "cat/tom_1.wav", "cat/x.wav"]


def groups(tmp_path, items=None, **settings):
    listing = Listing(root=tmp_path)
    listing.items = items = items or [Item(file, file, ("a",)) for file in FILES]
    return known_groups(listing, items, TrainConfig(**settings)), listing.warnings


def test_without_anything_known_there_are_no_groups(tmp_path):
    assert groups(tmp_path)[0].names == [None] * 4


@pytest.mark.parametrize("expression", [r"/([a-z]+)_\d", r"[a-z]+(?=_\d)"])
def test_an_expression_captures_the_group_and_says_what_it_misses(tmp_path, expression):
    found, warnings = groups(tmp_path, group_regex=expression)
    assert found.names == ["rex", "rex", "tom", None]
    assert "cat/x.wav" in warnings[0]


@pytest.mark.parametrize("expression", ["(", "nothing like it"])
def test_a_wrong_expression_is_a_usage_error(tmp_path, expression):
    with pytest.raises(UsageError, match="group_regex"):
        groups(tmp_path, group_regex=expression)


@pytest.mark.parametrize("expression", ["/", "[.](wav)"])
def test_an_expression_that_puts_everything_into_one_group_is_a_usage_error(tmp_path, expression):
    with pytest.raises(UsageError, match=r"puts all 4 files into one group, such as .*capture only"):
        groups(tmp_path, group_regex=expression)


@pytest.mark.parametrize("expression", [".*", "(.+)[.]wav", "[^/]+$"])
def test_an_expression_that_gives_each_file_its_own_group_is_a_usage_error(tmp_path, expression):
    with pytest.raises(UsageError, match=r"each of the 4 files its own group, such as .*capture only"):
        groups(tmp_path, group_regex=expression)


def table(tmp_path, names, group_names):
    rows = "".join(f"{name},{group}\n" for name, group in zip(names, group_names, strict=True))
    (tmp_path / "t.csv").write_text("file,group\n" + rows)
    return str(tmp_path / "t.csv")


@pytest.mark.parametrize(
    "names", [FILES, ["rex_1.wav", "rex_2.wav", "tom_1.wav", "x.wav"], ["./" + file for file in FILES]]
)
def test_a_table_by_path_or_bare_name(tmp_path, names):
    found, warnings = groups(tmp_path, group_table=table(tmp_path, names, ["a", "a", "b", ""]))
    assert found.names == ["a", "a", "b", None]
    assert warnings == []


def test_a_table_that_misses_files_is_refused_with_their_names(tmp_path):
    with pytest.raises(DataError, match=r"t.csv: has no row for 1 file of the data: cat/x.wav; add"):
        groups(tmp_path, group_table=table(tmp_path, FILES[:3], "aab"))
    with pytest.raises(DataError, match=r"has no row for 3 files of the data: dog/rex_2.wav, cat/tom_1.wav, cat/x.wav"):
        groups(tmp_path, group_table=table(tmp_path, FILES[:1], "a"))


def test_a_table_that_names_files_that_are_not_there_is_refused_with_their_names(tmp_path):
    with pytest.raises(DataError, match=r"t.csv: names 1 file not in the data: dog/rex_9.wav; correct or remove"):
        groups(tmp_path, group_table=table(tmp_path, [*FILES, "dog/rex_9.wav"], "aabcd"))


def test_a_table_may_name_files_of_the_data_that_are_not_used(tmp_path):
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "other.wav").write_bytes(b"")  # of a part that was not asked for
    for name in ("test/other.wav", "other.wav"):
        found, _ = groups(tmp_path, group_table=table(tmp_path, [*FILES, name], "aabcd"))
        assert found.names == ["a", "a", "b", "c"]


def test_a_table_with_one_group_for_everything_is_refused(tmp_path):
    with pytest.raises(DataError, match="puts all 4 files into one group, studio"):
        groups(tmp_path, group_table=table(tmp_path, FILES, ["studio"] * 4))


def test_an_attribution_table_beside_the_data_is_used_by_itself(tmp_path):
    (tmp_path / "ATTRIBUTION.csv").write_text("file,group,licence\ndog/rex_1.wav,r,CC0\ndog/rex_2.wav,r,CC0\n")
    found, _ = groups(tmp_path)
    assert found.names == ["r", "r", None, None]
    assert found.origin == "ATTRIBUTION.csv"
    (tmp_path / "ATTRIBUTION.csv").write_text("file,licence\ndog/rex_1.wav,CC0\n")
    assert groups(tmp_path)[0].names == [None] * 4


def test_the_metadata_wins_over_the_attribution_table_and_an_option_over_both(tmp_path):
    (tmp_path / "ATTRIBUTION.csv").write_text("file,group\ndog/rex_1.wav,attribution\n")
    items = [Item(file, file, ("a",), group="metadata") for file in FILES]
    assert groups(tmp_path, items)[0].names == ["metadata"] * 4
    assert groups(tmp_path, items, group_regex="^[a-z]+")[0].names == ["dog", "dog", "cat", "cat"]


def test_tables_that_cannot_be_used(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        groups(tmp_path, group_table=str(tmp_path / "none.csv"))
    (tmp_path / "t.csv").write_text("name,speaker\na,b\n")
    with pytest.raises(DataError, match="columns file and group"):
        groups(tmp_path, group_table=str(tmp_path / "t.csv"))
    (tmp_path / "t.csv").write_text("file,group\na,b\n")
    with pytest.raises(DataError, match="none of the 4 files"):
        groups(tmp_path, group_table=str(tmp_path / "t.csv"))
    with pytest.raises(UsageError, match="choose one"):
        groups(tmp_path, group_table=str(tmp_path / "t.csv"), group_regex="x")
