"""The metadata at the top of a card: read with the lines of its keys, and written so that what did not change stays."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from audiocls.card.text import one_line
from audiocls.errors import ModelError

_BLOCK = re.compile(r"\s*---[ \t]*\n(?P<yaml>(?:[\s\S]*?\n)?)---[ \t]*(?:\n|\Z)")


@dataclass(frozen=True)
class FrontMatter:
    """Metadata of a card, and the lines that hold each key."""

    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, str] = field(default_factory=dict)


def divided(card: str, where: str) -> tuple[FrontMatter, str]:
    """Divide a card into its metadata and its Markdown, whose lines end in a line feed.

    Args:
        where: what to call the card in an error.

    Raises:
        ModelError: the metadata is no YAML, or no keys and values.
    """
    card = card.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    found = _BLOCK.match(card)
    if not found:
        return FrontMatter(), card
    first_line = card[: found.start("yaml")].count("\n") + 1
    return _read(found["yaml"], where, first_line), card[found.end() :]


def _read(text: str, where: str, first_line: int) -> FrontMatter:
    def wrong(line: int, reason: str) -> ModelError:
        told = f"the metadata at the top is no valid YAML: {one_line(reason)}"
        return ModelError(f"{where}, line {first_line + line}: {told}; mend it there")

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise wrong(mark.line if mark else 0, error.problem or error.context or "cannot be read") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        line = text[: getattr(error, "position", 0)].count("\n")
        raise wrong(line, getattr(error, "reason", "") or str(error) or "cannot be read") from error
    if node is None or values is None:
        return FrontMatter()
    if not isinstance(node, yaml.MappingNode):
        raise wrong(0, "it is not a list of keys with values")
    starts: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
            raise wrong(key.start_mark.line, "a key is not a word")
        if key.value in starts:
            raise wrong(key.start_mark.line, f"{key.value} is there twice")
        starts[key.value] = key.start_mark.line
    return FrontMatter(values, {} if node.flow_style else _lines_of_keys(text, starts))


def _lines_of_keys(text: str, starts: Mapping[str, int]) -> dict[str, str]:
    """The lines of each key up to the next one; comments above the first key count to it."""
    lines = text.split("\n")
    begins = [0, *list(starts.values())[1:]]
    ends = [*begins[1:], len(lines)]
    return {
        key: "\n".join(lines[begin:end]).rstrip("\n") + "\n"
        for key, begin, end in zip(starts, begins, ends, strict=True)
    }


def written(values: Mapping[str, Any], sources: Sequence[FrontMatter]) -> str:
    """The metadata as the block at the top of a card; a key that has the value it has in a source keeps its lines."""
    parts = [_kept_lines(key, value, sources) or _dumped({key: value}) for key, value in values.items()]
    text = "".join(parts)
    try:
        same = repr(yaml.safe_load(text)) == repr(dict(values))
    except (yaml.YAMLError, ValueError):  # lines that refer to lines of another key
        same = False
    return f"---\n{text if same else _dumped(values)}---\n"


def _kept_lines(key: str, value: Any, sources: Sequence[FrontMatter]) -> str | None:
    for source in sources:
        if key in source.lines and repr(source.values[key]) == repr(value):
            return source.lines[key]
    return None


def _dumped(values: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, width=4096) if values else ""
