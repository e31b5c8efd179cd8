import pytest

from audiocls.config import TrainConfig
from audiocls.data.grouping import known_groups
from audiocls.data.listing import Item, Listing
from audiocls.errors import DataError, UsageError

FILES = ["dog/rex_1.wav", "dog/rex_2.wav", "cat/tom_1.wav", "cat/x.wav"]


def groups(tmp_path, items=None, **settings):
    listing = Listing(root=tmp_path)
    items = items or [Item(file, file, ("a",)) for file in FILES]
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


@pytest.mark.parametrize("names", [FILES[:3], ["rex_1.wav", "rex_2.wav", "tom_1.wav"], ["./" + f for f in FILES[:3]]])
def test_a_table_by_path_or_bare_name(tmp_path, names):
    rows = "".join(f"{name},{group}\n" for name, group in zip(names, "aab", strict=True))
    (tmp_path / "t.csv").write_text("file,group\n" + rows)
    found, warnings = groups(tmp_path, group_table=str(tmp_path / "t.csv"))
    assert found.names == ["a", "a", "b", None]
    assert "cat/x.wav" in warnings[0]


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
    with pytest.raises(UsageError, match="none of the 4 files"):
        groups(tmp_path, group_table=str(tmp_path / "t.csv"))
    with pytest.raises(UsageError, match="choose one"):
        groups(tmp_path, group_table=str(tmp_path / "t.csv"), group_regex="x")
