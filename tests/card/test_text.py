import html

import pytest
from markdown_it import MarkdownIt

from audiocls.card.text import counted, duration, escape, one_line

HOSTILE = [
    "<script>alert(1)</script>",
    "a|b",
    "*bold* _x_ __y__ `code`",
    "under_score_name",
    "# head",
    "1. one",
    "- item",
    "> quote",
    "---",
    "===",
    "[link](http://x) ![img](y)",
    "~~gone~~",
    "&amp; &lt;",
    "back\\slash \\* \\| \\",
    "two\nlines\r\nand\ttabs",
    "$$x^2$$",
    "🐶 狗 كلب",
    "{{ jinja }} {% raw %}",
    "\"quotes\" 'single'",
    "<!-- comment",
    "https://example.org/a_b",
    "4.9 MB",
    "    indented",
    "+ plus",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_escaped_text_shows_as_it_is_in_a_table_and_as_a_paragraph(text):
    markdown = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    paragraph = markdown.render(escape(text)).strip()
    assert html.unescape(paragraph) == f"<p>{one_line(text)}</p>"
    table = markdown.render(f"| a | b |\n|---|---|\n| {escape(text)} | end |\n")
    assert f"<td>{one_line(text)}</td>\n<td>end</td>" in html.unescape(table)


def test_one_line_drops_control_characters():
    assert one_line("a\x00b\u2028c \n d") == "a b c d"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (48.3, "48 s"), (89.6, "90 s"), (150, "2 min"), (5399, "90 min"), (9000, "2.5 h")],
)
def test_durations_have_no_more_digits_than_matter(seconds, text):
    assert duration(seconds) == text


def test_counts_have_their_plural():
    assert (counted(1, "clip"), counted(1200, "clip")) == ("1 clip", "1,200 clips")
