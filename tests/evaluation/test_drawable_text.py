import pytest

from audiocls.evaluation.drawable_text import drawable


@pytest.mark.parametrize("text", ["dog", "Straßenlärm", "собака", "κύμα", "$x$ a_b^2"])
def test_what_the_font_has_stays(text):
    assert drawable(text, 40) == text


def test_what_the_font_lacks_is_made_visible():
    assert drawable("狗 dog", 40) == "□ dog"


def test_marks_and_selectors_without_a_glyph_leave_nothing_behind():
    assert drawable("a\U000e0100b\U000e0020", 40) == "ab"


def test_line_breaks_and_control_characters_become_one_line():
    assert drawable("two\nlines\tand\x07 bell", 40) == "two lines and bell"


def test_long_text_is_cut():
    assert drawable("x" * 50, 10) == "xxxxxx…xxx"
