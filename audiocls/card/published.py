"""The card as it goes to the Hub: it loads the model by its id, and what people wrote into it by hand stays.

Sections of ours are written anew from the card of the model folder. Where a text of theirs differs between the folder
and the Hub, the one that was changed since the last push counts: a push notes short hashes of what came from the folder
in an invisible line of the card. Without such a note the Hub's text stays. Pushing twice changes nothing.
"""

import ast
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from huggingface_hub import constants

from audiocls.card.front_matter import divided, written
from audiocls.card.model_card import eval_results_texts, python_string
from audiocls.card.proved import BADGE, with_badge
from audiocls.card.published_metadata import Publication, known_licence, merged_metadata
from audiocls.card.sections import INTRODUCTION, Body, Section, closed, joined, parse_body
from audiocls.card.text import EXAMPLES_TITLE, escape, one_line
from audiocls.errors import ModelError

LOCAL, REMOTE = "README.md of the model folder", "README.md on the Hub"
_LINKS = re.compile(r"(?P<links>.*?) <!-- audiocls: links -->[ \t]*")
_PROGRAM = re.compile(r"(?ms)^```python\n.*?^```$")
_LOADED = re.compile(r"""((?:model=|from_pretrained\())("(?:[^"\\\n]|\\.)*")""")
_TARGETS = {"spaces": r"/spaces/([^()\s]+)\)", "datasets": r"Data: \[([^\]]+)\]"}
_SIZE = re.compile(r"\*\*Size\.\*\* .*?: (?=[\d,]+ (?:clips?|labels?) for )")
_NO_LICENCE = "No licence was chosen"


def published_card(
    local: str,
    *,
    repo_id: str,
    remote: str | None = None,
    license: str | None = None,
    dataset_id: str | None = None,
    space_id: str | None = None,
    examples: Sequence[tuple[str, str]] = (),
    proved: str | None = None,
) -> str:
    """The README.md to upload.

    Args:
        local: README.md of the model folder, maybe edited there.
        repo_id: "user/name" of the model on the Hub.
        remote: README.md as it is on the Hub now, maybe edited there; None if there is none.
        license: of the model, as the Hub names it; None keeps that of the local card, else that of the remote one.
        dataset_id: "user/name" of the data set if the Hub has it; None keeps what the remote card says of these data.
        space_id: "user/name" of an app that serves the model; None keeps the one that the remote card names.
        examples: (label, path in the repository) of clips to offer on the page.
        proved: the line of a passed proof, as for `proved.with_badge`; None leaves it out. Pass `proved.badge(remote)`
            where nothing else of the repository changes.

    Raises:
        ModelError: the metadata of a card cannot be read; the message names the card and the line.
    """
    front, markdown = divided(local, LOCAL)
    remote_front, remote_markdown = divided(remote or "", REMOTE)
    mine, theirs = parse_body(markdown), parse_body(remote_markdown)
    publication = Publication(repo_id, license, dataset_id, tuple(examples), theirs.record)
    if space_id is None:
        space_id = _linked(theirs, "spaces")
    if not examples:
        _without_examples(mine)
    if dataset_id is None:
        publication.keep_dataset(front.values, _linked(theirs, "datasets"))
    values = merged_metadata(front.values, remote_front.values, publication)
    _for_the_hub(mine, publication, space_id)
    _tell_licence(mine, theirs, values["license"], license or known_licence(front.values.get("license")))
    body = _merged(mine, theirs, publication)
    body.record = frozenset(publication.noted)
    card = written(values, [remote_front, front]) + "\n" + joined(body)
    return with_badge(card, proved or "")


def kept_sections(local: str, remote: str | None) -> list[str]:
    """What people wrote into the card on the Hub and a push keeps: titles of sections, and where other text is.

    Raises:
        ModelError: as `published_card`.
    """
    theirs = parse_body(divided(remote or "", REMOTE)[1])
    mine = parse_body(divided(local, LOCAL)[1])
    known = {section.text for section in mine.sections if not section.ours}
    kept = ["the text above the title"] if theirs.before and theirs.before != mine.before else []
    for section in theirs.sections:
        if section.ours is None and section.text not in known:
            kept.append(one_line(section.title))
        elif section.tail and section.tail not in [other.tail for other in mine.sections]:
            kept.append(f"the text below {one_line(section.title) or 'the introduction'}")
    return kept


def renamed(card: str, name: str) -> str:
    """The card of a model folder for a copy of the model in a folder of this name. A proof was of the earlier one.

    Raises:
        ModelError: its metadata cannot be read.
    """
    front, markdown = divided(card, LOCAL)
    body = parse_body(markdown)
    if _rename(body, name):
        card = written(front.values, [front]) + "\n" + joined(body)
    return with_badge(card, "")


def published_eval_results(folder: str | Path, dataset_id: str) -> dict[str, str]:
    """The scores on the test part for the Hub's leaderboards, once the data set is there, as {path: YAML}.

    Args:
        folder: the model folder; of its metrics.json the scores are read.
        dataset_id: "user/name" of the data set on the Hub, maybe with "@revision".

    Returns:
        Empty where nothing was measured on a test part.

    Raises:
        ModelError: metrics.json cannot be read.
    """
    path = Path(folder) / "metrics.json"
    if not path.is_file():
        return {}
    try:
        metrics = json.loads(path.read_text(encoding="utf-8"))
        return eval_results_texts(metrics, dataset_id) if metrics.get("split") == "test" else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{path}: cannot be read as the scores of a model: {error}; train or evaluate again"
        ) from error


def _linked(body: Body, kind: str) -> str | None:
    """The Space ("spaces") or data set ("datasets") that a published card links to at its top."""
    introduction = body.ours(INTRODUCTION)
    for line in introduction.text.split("\n") if introduction else ():
        if found := _LINKS.fullmatch(line):
            target = re.search(_TARGETS[kind], found["links"])
            return target[1].replace("\\", "") if target else None
    return None


def _without_examples(mine: Body) -> None:
    if data := mine.ours("Training data"):
        paragraphs = data.text.split("\n\n")
        data.text = "\n\n".join(part for part in paragraphs if not part.startswith(EXAMPLES_TITLE))


def _for_the_hub(mine: Body, publication: Publication, space_id: str | None) -> None:
    """Make the local card's sections those of the repository: its name, its id in the programs, its links."""
    _rename(mine, publication.repo_id)
    if introduction := mine.ours(INTRODUCTION):
        lines = introduction.text.split("\n")
        lines = [line for line in lines if not BADGE.fullmatch(line) and not _LINKS.fullmatch(line)]
        links = _links(publication.dataset_id, space_id)
        introduction.text = "\n\n".join(part for part in (links, "\n".join(lines).strip("\n")) if part)
    data = mine.ours("Training data")
    if data and publication.dataset_id:
        data.text = _SIZE.sub(
            lambda _: f"**Size.** {_dataset_link(publication.dataset_id or '')}: ", data.text, count=1
        )


def _rename(body: Body, name: str) -> bool:
    """Load the model by this name in all programs, if there are any; a title that was its name before is this one's."""
    earlier = set()
    for section in body.sections:
        if section.ours:
            earlier |= {_literal(found[2]) for found in _LOADED.finditer(section.text)}
            section.text = _PROGRAM.sub(lambda found: _loading(found[0], name), section.text)
    introduction = body.ours(INTRODUCTION)
    if introduction and introduction.heading in {f"# {escape(each.rpartition('/')[2])}" for each in earlier}:
        introduction.heading = f"# {escape(name.rpartition('/')[2])}"
    return bool(earlier)


def _literal(text: str) -> str:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):  # a backslash that somebody wrote
        return text


def _loading(program: str, name: str) -> str:
    return _LOADED.sub(lambda found: found[1] + python_string(name), program)


def _links(dataset_id: str | None, space_id: str | None) -> str:
    links = [f"[Try it in the browser]({constants.ENDPOINT}/spaces/{quote(space_id)})"] if space_id else []
    if dataset_id:
        links.append(f"Data: {_dataset_link(dataset_id)}")
    return f"{' · '.join(links)} <!-- audiocls: links -->" if links else ""


def _dataset_link(dataset_id: str) -> str:
    return f"[{escape(dataset_id)}]({constants.ENDPOINT}/datasets/{quote(dataset_id.partition('@')[0])})"


def _tell_licence(mine: Body, theirs: Body, value: Any, ours: Any) -> None:
    """The section on the licence names the one of the metadata; one that people wrote stays where we know none."""
    section, remote = mine.ours("Licence"), theirs.ours("Licence")
    if section is None:
        return
    written_by_hand = remote and not remote.text.startswith(_NO_LICENCE) and not re.fullmatch(r"\S+\.", remote.text)
    if not ours and remote and written_by_hand:
        section.text = remote.text
    elif section.text.startswith(_NO_LICENCE) or re.fullmatch(r"\S+\.", section.text):
        section.text = f"{escape(value)}." if known_licence(value) else section.text


def _merged(mine: Body, theirs: Body, publication: Publication) -> Body:
    """Our sections as they are here and what people wrote, in the order of the card on the Hub."""
    here, there = _keyed(mine), _keyed(theirs)
    merged = Body(publication.settled("before", closed(mine.before), closed(theirs.before)) or "")
    found = {key: _settled(key, here.get(key), there.get(key), publication) for key in [*here, *there]}
    order = list(there)
    place = 0  # below the section that it follows here
    for key in here:
        if key in there:
            place = order.index(key) + 1
        else:
            order.insert(place, key)
            place += 1
    merged.sections = [section for key in order if (section := found[key])]
    return merged


def _keyed(body: Body) -> dict[tuple[str, int], Section]:
    """The sections by name, those of other people also by how often their title came before."""
    keyed: dict[tuple[str, int], Section] = {}
    for section in body.sections:
        name, number = f"our {section.ours}" if section.ours else f"section {section.title}", 0
        while (name, number) in keyed:
            number += 1
        keyed[name, number] = section
    return keyed


def _settled(
    key: tuple[str, int], here: Section | None, there: Section | None, publication: Publication
) -> Section | None:
    """A section as it is published: ours from here, theirs as it was changed last; None where nothing is left of it."""
    name = " ".join(map(str, key))
    either = here or there
    if either is None or either.ours is None:
        texts = [closed(_whole(section)) if section else "" for section in (here, there)]
        chosen = publication.settled(name, *texts)
        return Section(chosen, either.title if either else "", "") if chosen else None
    tail = publication.settled(f"below {name}", *(closed(side.tail) if side else "" for side in (here, there))) or ""
    if here is None:  # the card of the folder has no such section any more
        return Section("", "", tail) if tail else None
    heading = here.heading
    if either.ours == INTRODUCTION:
        heading = publication.settled("title", here.heading, there.heading if there else "") or here.heading
    return Section(heading, here.title, closed(here.text), here.ours, tail)


def _whole(section: Section) -> str:
    return "\n\n".join(part for part in (section.heading, section.text) if part)
