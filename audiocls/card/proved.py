"""The line of a passed proof below a card's title: set, replaced, read and removed."""

import re

from audiocls.card.front_matter import divided
from audiocls.card.model_card import README
from audiocls.card.sections import INTRODUCTION, parse_body
from audiocls.card.text import one_line

BADGE = re.compile(r"> ✓ (?P<line>.*?) <!-- audiocls: proof -->[ \t]*")


def badge(card: str | None) -> str | None:
    """The line of a passed proof that the card shows below its title; None if it shows none."""
    return _around_badge(card or "")[1]


def with_badge(card: str, line: str) -> str:
    """The card with the line of a passed proof (Markdown, shown with a check mark) below its title.

    It replaces an earlier one; an empty line removes it. Nothing else changes but that lines end in a line feed.
    """
    above, earlier, below = _around_badge(card)
    line = one_line(line.replace("<!--", "").replace("-->", ""))
    if not line and earlier is None:
        return above + below
    shown = [f"> ✓ {line} <!-- audiocls: proof -->"] if line else []
    return "\n\n".join(part for part in (above.rstrip("\n"), *shown, below.strip("\n")) if part) + "\n"


def _around_badge(card: str) -> tuple[str, str | None, str]:
    """The card up to its title, the line of the proof, and what is below; lines end in a line feed."""
    card = card.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    markdown = divided(card, README)[1]
    body = parse_body(markdown)
    introduction = body.ours(INTRODUCTION)
    heading = introduction.heading if introduction else ""
    place = len(card) - len(markdown)
    if heading:
        place = card.index(heading, place + len(body.before)) + len(heading)
    above, below = card[:place], card[place:]
    first, _, rest = below.lstrip("\n").partition("\n")
    found = BADGE.fullmatch(first)
    return (above, found["line"], rest) if found else (above, None, below)
