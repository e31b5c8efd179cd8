"""A card's text taken apart at its headings: the sections that audiocls writes, and what people wrote around them.

Each section of ours ends in an invisible mark. Sections of other titles, text above the first heading and text below a
mark are theirs. A card without marks, as older versions wrote it, is divided by its headings alone.
"""

import re
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

INTRODUCTION = "introduction"
TITLES = ("Use it", "Scores", "Limits", "Training data", "Training", "Licence")  # those of the template
_MARK = re.compile(r" {0,3}<!-- audiocls: end of (?P<name>[\w ]+) -->[ \t]*")
_RECORD = re.compile(r" {0,3}<!-- audiocls: pushed (?P<record>[0-9a-f ]*) -->[ \t]*")
# What ends a block of code or HTML that was left open, by CommonMark.
_CLOSERS = ("-->", "?>", "]]>", ">", "</pre>", "</script>", "</style>", "</textarea>")

_blocks = MarkdownIt("commonmark").enable("table").disable("inline")


@dataclass
class Section:
    """A heading and what is below it, without blank lines around. `ours` names the section of ours it is."""

    heading: str
    title: str
    text: str
    ours: str | None = None
    tail: str = ""  # of a section of ours: what people wrote below its mark


@dataclass
class Body:
    """A card without its metadata. `record` holds what `published` noted at the last push."""

    before: str = ""
    sections: list[Section] = field(default_factory=list)
    record: frozenset[str] = frozenset()

    def ours(self, name: str) -> Section | None:
        return next((section for section in self.sections if section.ours == name), None)


@dataclass
class _Span:
    """Lines from one heading to the next; `marks` are (line, name)."""

    start: int
    end: int
    heading_end: int
    tag: str
    title: str
    marks: list[tuple[int, str]]

    @property
    def names(self) -> list[str]:
        return [name for _, name in self.marks]


def parse_body(text: str) -> Body:
    """Take a card's Markdown (lines end in a line feed) apart. `joined` puts it together again."""
    lines = text.split("\n")
    spans, records = _spans(lines)
    record = frozenset(" ".join(_RECORD.fullmatch(lines[number])["record"] for number in records).split())  # type: ignore[index]
    for number in [*records, *(number for span in spans for number, _ in span.marks)]:
        lines[number] = ""
    body = Body(record=record)
    named = _names(spans)
    for number, span in enumerate(spans):
        if number in named:
            body.sections.append(_ours(span, named[number], lines))
        elif span.tag:
            heading = _cut(lines, span.start, span.heading_end)
            body.sections.append(Section(heading, span.title, _cut(lines, span.heading_end, span.end)))
        else:
            body.before = _cut(lines, span.start, span.end)
    return body


def _names(spans: list[_Span]) -> dict[int, str]:
    """Which spans are sections of ours: by title and mark, else by title, else by the mark alone."""
    named = {}
    for name in (INTRODUCTION, *TITLES):
        tags, marked_tags = (("h1",), ("", "h1")) if name == INTRODUCTION else (("h2",), ("h2",))
        titled = [n for n, span in enumerate(spans) if span.tag in tags and name in (INTRODUCTION, span.title)]
        marked = [n for n, span in enumerate(spans) if span.tag in marked_tags and name in span.names]
        for number in [*(n for n in titled if n in marked), *titled, *marked]:
            if number not in named:
                named[number] = name
                break
    return named


def _ours(span: _Span, name: str, lines: list[str]) -> Section:
    ends = [number for number, marked in span.marks if marked == name]
    end = ends[0] if ends else span.end
    return Section(
        heading=_cut(lines, span.start, span.heading_end),
        title=span.title,
        text=_cut(lines, span.heading_end, end),
        ours=name,
        tail=_cut(lines, end, span.end),
    )


def _cut(lines: list[str], start: int, end: int) -> str:
    return "\n".join(lines[start:end]).strip("\n")


def joined(body: Body) -> str:
    """The card's Markdown, with a mark below each section of ours."""
    pieces = [body.before]
    for section in body.sections:
        pieces += [section.heading, section.text]
        if section.ours:
            pieces += [f"<!-- audiocls: end of {section.ours} -->", section.tail]
    if body.record:
        pieces.append(f"<!-- audiocls: pushed {' '.join(sorted(body.record))} -->")
    return "\n\n".join(piece for piece in pieces if piece) + "\n"


def closed(text: str) -> str:
    """The text; where it leaves a block of code or a comment open, which would swallow what follows, it is closed."""
    if not _is_open(text):
        return text
    fences = [token.markup for token in _blocks.parse(text) if token.type == "fence"][-1:]
    return next((whole for closer in [*fences, *_CLOSERS] if not _is_open(whole := f"{text}\n{closer}")), text)


def _is_open(text: str) -> bool:
    """Whether the text would swallow a heading below it."""
    return [token.type for token in _blocks.parse(f"{text}\n\n# end")][-3:-2] != ["heading_open"]


def _spans(lines: list[str]) -> tuple[list[_Span], list[int]]:
    """The lines of the text before the first heading and of each section, and the lines of records."""
    spans = [_Span(0, len(lines), 0, "", "", [])]
    records = []
    tokens = _tokens(lines)
    for number, token in enumerate(tokens):
        if token.level or token.map is None:
            continue
        start, end = token.map
        if token.type == "heading_open" and token.tag in ("h1", "h2"):
            spans[-1].end = start
            spans.append(_Span(start, len(lines), end, token.tag, tokens[number + 1].content.strip(), []))
        elif token.type == "html_block":
            if found := _MARK.fullmatch(lines[start]):
                spans[-1].marks.append((start, found["name"]))
            elif _RECORD.fullmatch(lines[start]):
                records.append(start)
    return spans, records


def _tokens(lines: list[str]) -> list[Token]:
    """The blocks of the text. One that was left open, and so swallowed a mark of ours, does not count as a block."""
    shown = list(lines)
    while True:
        tokens = _blocks.parse("\n".join(shown))
        open_blocks = [token.map[0] for token in tokens if token.map and _swallows(token, lines)]
        if not open_blocks:
            return tokens
        for start in open_blocks:
            shown[start] = ""


def _swallows(token: Token, lines: list[str]) -> bool:
    if token.type not in ("fence", "html_block") or token.map is None:
        return False
    start, end = token.map
    return any(_is_mark(line) for line in lines[start + 1 : end])


def _is_mark(line: str) -> bool:
    return bool(_MARK.fullmatch(line) or _RECORD.fullmatch(line))
