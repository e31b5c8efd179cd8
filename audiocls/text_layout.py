"""Names and numbers as a terminal shows them: their width, cutting and padding them; bytes in round numbers."""

import unicodedata


def text_width(text: str) -> int:
    """Columns a terminal gives the text: two for wide characters (Chinese, emoji), none for combining marks."""
    return sum(map(_character_width, text))


def _character_width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shorten(text: str, max_width: int) -> str:
    """The text, or its start and end with "…" between them when it is wider than `max_width` columns.

    The end is kept because it is often what tells two long names apart.
    """
    if text_width(text) <= max_width:
        return text
    tail = (max_width - 1) // 3
    return _fitting(text, max_width - 1 - tail) + "…" + _fitting(text[::-1], tail)[::-1]


def _fitting(text: str, width: int) -> str:
    for end in range(min(len(text), width * 4), -1, -1):
        if text_width(text[:end]) <= width:
            return text[:end]
    return ""


def pad(text: str, width: int) -> str:
    """The text with spaces after it up to `width` columns."""
    return text + " " * (width - text_width(text))


def size(number: int) -> str:
    """A number of bytes for a person: "3 kB", "1.2 MB"."""
    unit, scale = ("GB", 1e9) if number >= 1e9 else ("MB", 1e6)
    return f"{number / scale:.1f} {unit}" if number >= 1e6 else f"{max(1, round(number / 1e3))} kB"
