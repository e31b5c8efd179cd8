"""Text that matplotlib's own font can draw: what it has no glyph for is made visible instead of warned about."""

import unicodedata
from functools import lru_cache

from matplotlib.font_manager import FontProperties, findfont, get_font

from audiocls.text_layout import shorten

FONT = "DejaVu Sans"  # comes with matplotlib
MISSING = "□"


def drawable(text: str, max_width: int) -> str:
    """The text on one line, at most `max_width` columns, with "□" for what the font cannot draw.

    Right-to-left and stacked scripts are drawn letter by letter.
    """
    kept = []
    for character in unicodedata.normalize("NFC", " ".join(text.split())):
        if _has_glyph(character):
            kept.append(character)
        elif unicodedata.category(character) not in ("Mn", "Me", "Cf", "Cc"):
            kept.append(MISSING)
    return shorten("".join(kept), max_width)


@lru_cache(maxsize=4096)
def _has_glyph(character: str) -> bool:
    return character == " " or get_font(font_file()).get_char_index(ord(character)) != 0


@lru_cache(maxsize=1)
def font_file() -> str:
    """The path of FONT as a TrueType file."""
    return findfont(FontProperties(family=FONT))
