import pytest

from audiocls.text_layout import pad, shorten, size, text_width


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("狗", 2), ("🐶", 2), ("e\u0301", 1), ("", 0)])
def test_width_on_a_terminal(text, width):
    assert text_width(text) == width


def test_padding_counts_columns_not_characters():
    assert pad("狗", 4) == "狗  "


def test_long_names_keep_start_and_end():
    assert shorten("recording of a street, take 12", 16) == "recording …ke 12"


@pytest.mark.parametrize("width", range(3, 12))
def test_wide_characters_never_overflow(width):
    assert text_width(shorten("狗a狗b狗c狗d狗e", width)) <= width


def test_sizes_are_said_in_round_numbers():
    assert [size(number) for number in (10, 2_500, 1_234_567, 2e9)] == ["1 kB", "2 kB", "1.2 MB", "2.0 GB"]
