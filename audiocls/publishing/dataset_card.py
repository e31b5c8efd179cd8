"""The card of a data set on the Hub: what is in it, how to load it, under which licences; hand edits stay."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import DatasetCard, DatasetCardData

from audiocls.card.front_matter import divided, written
from audiocls.card.model_card import TASK
from audiocls.card.published import REMOTE
from audiocls.card.published_metadata import UNKNOWN
from audiocls.card.sections import Body, Section, closed, joined, parse_body
from audiocls.card.text import counted, duration, escape
from audiocls.data.attribution import AUTHOR_COLUMNS, LICENCE_COLUMNS, SOURCE_COLUMNS
from audiocls.data.hub_rows import NAME_COLUMN
from audiocls.data.listing import folded_name
from audiocls.data.negatives import NEGATIVE_NAMES
from audiocls.publishing.labelled_sounds import Sound, splits_of
from audiocls.publishing.shards import Split

TEMPLATE = Path(__file__).with_name("dataset_card.md")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_MOST_ROWS = 30
# Identifiers of the Hub that licences of sounds have; https://huggingface.co/docs/hub/repositories-licenses
_IDENTIFIERS = """
    cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0
    cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 apache-2.0 mit
    bsd-2-clause bsd-3-clause gpl-2.0 gpl-3.0 lgpl-2.1 lgpl-3.0 artistic-2.0 odbl pddl unlicense wtfpl mpl-2.0
"""
_KNOWN = frozenset(_IDENTIFIERS.split())


@dataclass(frozen=True)
class DataSetFacts:
    """What a card tells of: its sounds, how they were written, and what lies beside them.

    license: as the Hub names it; None takes what the sounds' own table tells.
    attribution: a sentence on the origin, for data without such a table.
    companions: files with licences and origins that are published beside the card.
    """

    repo_id: str
    sounds: Sequence[Sound]
    splits: Sequence[Split]
    features: Any  # datasets.Features
    license: str | None = None
    attribution: str | None = None
    companions: Sequence[str] = ()


def dataset_card(facts: DataSetFacts, remote: str | None = None) -> str:
    """The README.md to upload: our sections anew, everything that people wrote into the remote one as it is.

    Args:
        remote: README.md as it is on the Hub now; None if there is none.

    Raises:
        ModelError: the metadata of the remote card cannot be read.
    """
    front, markdown = divided(remote or "", REMOTE)
    values = _metadata(facts, front.values)
    mine, theirs = parse_body(_rendered(facts, values["license"])), parse_body(markdown)
    return written(values, [front]) + "\n" + joined(_merged(mine, theirs))


def _metadata(facts: DataSetFacts, there: Mapping[str, Any]) -> dict[str, Any]:
    """What the Hub and `datasets` read; of what is there already, all that is not ours to say stays."""
    from datasets import DatasetInfo
    from datasets.info import DatasetInfosDict
    from datasets.splits import SplitDict, SplitInfo
    from datasets.utils.metadata import MetadataConfigs

    data = DatasetCardData(**{key: value for key, value in there.items() if isinstance(key, str)})
    data["license"] = _license(facts) or there.get("license") or UNKNOWN
    data["pretty_name"] = there.get("pretty_name") or facts.repo_id.rpartition("/")[2]
    for key, wanted in (("task_categories", [TASK]), ("tags", ["audio", TASK, "audiocls"])):
        known = there.get(key) or []
        data[key] = list(dict.fromkeys([*([known] if isinstance(known, str) else known), *wanted]))
    count = len(facts.sounds)
    data["size_categories"] = [next((name for limit, name in _SIZES if count < limit), "1M<n<10M")]
    files = [{"split": split.name, "path": f"data/{split.name}-*"} for split in facts.splits]
    MetadataConfigs({"default": {"data_files": files}}).to_dataset_card_data(data)
    info = DatasetInfo(
        features=facts.features,
        splits=SplitDict({s.name: SplitInfo(s.name, s.num_bytes, s.num_rows) for s in facts.splits}),
        download_size=sum(split.file_bytes for split in facts.splits),
        dataset_size=sum(split.num_bytes for split in facts.splits),
    )
    DatasetInfosDict({"default": info}).to_dataset_card_data(data)
    return {key: value for key, value in data.to_dict().items() if value is not None}


def _license(facts: DataSetFacts) -> str | list[str] | None:
    """As the Hub names it: the chosen one, or those that the sounds' own table tells."""
    if facts.license:
        return facts.license.lower()
    told = _counts(facts.sounds, LICENCE_COLUMNS)
    if not told:
        return None
    names = sorted({name if (name := licence_identifier(text)) in _KNOWN else "other" for text in told})
    return names[0] if len(names) == 1 else names


def licence_identifier(text: str) -> str:
    """A licence's name as the Hub would write it: "CC BY-SA 3.0" is "cc-by-sa-3.0"."""
    name = re.sub(r"[\s_]+", "-", text.strip().lower())
    return "cc0-1.0" if name in ("cc0", "cc-0", "cc-zero", "public-domain-cc0") else name


def _rendered(facts: DataSetFacts, licence: str | Sequence[str]) -> str:
    splits = splits_of(facts.sounds)
    labels = sorted({label for sound in facts.sounds for label in sound.labels})
    counts = {split: Counter(label for sound in inside for label in sound.labels) for split, inside in splits.items()}
    rendered = DatasetCard.from_template(
        DatasetCardData(),
        template_path=str(TEMPLATE),
        name=escape(facts.repo_id.rpartition("/")[2]),
        summary=_summary(facts, labels),
        quality=_quality(facts.sounds),
        splits=list(splits),
        label_rows=[{"label": escape(label), "counts": [counts[split][label] for split in splits]} for label in labels],
        notes=_notes(facts, labels, list(splits)),
        column_rows=[{"name": name, "what": _column_text(name, facts.features)} for name in facts.features],
        repo_id=f'"{facts.repo_id}"',
        plain_id=facts.repo_id,
        first_split=f'"{facts.splits[0].name}"',
        label_column="labels" if "labels" in facts.features else "label",
        licence_notes=_licence_notes(facts, licence),
        licence_rows=_rows(_counts(facts.sounds, LICENCE_COLUMNS)),
        source_rows=_rows(_counts(facts.sounds, SOURCE_COLUMNS)),
    )
    return str(rendered.text)


def _summary(facts: DataSetFacts, labels: Sequence[str]) -> str:
    seconds = sum(sound.seconds for sound in facts.sounds)
    what = "of which several may apply to a sound" if "labels" in facts.features else "one for each sound"
    return f"{counted(len(facts.sounds), 'sound')} ({duration(seconds)}) with {counted(len(labels), 'label')}, {what}."


def _quality(sounds: Sequence[Sound]) -> str:
    def told(values: Counter[str]) -> str:
        return ", ".join(f"{escape(value)} ({count})" for value, count in _ordered(values))

    shortest, longest = min(sound.seconds for sound in sounds), max(sound.seconds for sound in sounds)
    channels = {1: "mono", 2: "stereo"}
    return (
        f"Formats: {told(Counter(sound.format for sound in sounds))}. "
        f"Sampling rates: {told(Counter(f'{sound.sampling_rate:,} Hz' for sound in sounds))}. "
        f"Channels: {told(Counter(channels.get(sound.channels, str(sound.channels)) for sound in sounds))}. "
        f"Lengths: {shortest:.2f} to {longest:.2f} s. The files are the original ones, byte for byte."
    )


def _notes(facts: DataSetFacts, labels: Sequence[str], splits: Sequence[str]) -> list[str]:
    notes = []
    negatives = [label for label in labels if folded_name(label) in NEGATIVE_NAMES]
    if negatives:
        named = ", ".join(f"**{escape(label)}**" for label in negatives)
        notes.append(f"{named} is no class: `audiocls` learns from these sounds what is none of the others.")
    groups = {sound.group for sound in facts.sounds if sound.group is not None}
    if groups:
        notes.append(
            f"The sounds come from {counted(len(groups), 'group')}, such as recordings or speakers. What is in one "
            "group sounds alike, so keep each on one side when you divide the data; `audiocls` does."
        )
    if len(splits) == 1:
        notes.append("It is not divided into parts: test on sounds of your choice that were not learnt.")
    return notes


def _column_text(name: str, features: Any) -> str:
    texts = {
        NAME_COLUMN: "name of the file in the folder it came from",
        "label": "the label",
        "labels": "the labels that apply",
        "group": "sounds of one origin, to be kept on one side of a split",
        "audio": "the sound, as the file was",
    }
    texts |= dict.fromkeys(LICENCE_COLUMNS, "licence of the sound")
    texts |= dict.fromkeys(AUTHOR_COLUMNS, "who made the sound") | dict.fromkeys(SOURCE_COLUMNS, "where it comes from")
    return texts.get(name, "")


def _licence_notes(facts: DataSetFacts, licence: str | Sequence[str]) -> list[str]:
    notes = []
    if facts.license:
        notes.append(f"{escape(facts.license)}.")
    elif licence == UNKNOWN:
        notes.append("No licence is known; ask the owner before you use the sounds elsewhere.")
    elif not _counts(facts.sounds, LICENCE_COLUMNS):
        names = [licence] if isinstance(licence, str) else licence
        notes.append(f"{', '.join(map(escape, names))}.")
    if facts.attribution and not _counts(facts.sounds, LICENCE_COLUMNS):
        notes.append(escape(facts.attribution))
    if not {*LICENCE_COLUMNS, *AUTHOR_COLUMNS}.isdisjoint(facts.features):
        notes.append("Every row names its own licence or author.")
    if facts.companions:
        links = ", ".join(f"[{escape(name)}]({name})" for name in facts.companions)
        notes.append(f"In full: {links}.")
    return notes


def _counts(sounds: Sequence[Sound], names: Sequence[str]) -> Counter[str]:
    name = next((name for name in names if name in sounds[0].origin), None)
    return Counter(text for sound in sounds if (text := sound.origin.get(name or "")))


def _rows(counts: Counter[str]) -> list[dict[str, Any]]:
    rows = [{"name": escape(name), "count": count} for name, count in _ordered(counts)]
    rest = sum(count for _, count in _ordered(counts)[_MOST_ROWS:])
    return rows[:_MOST_ROWS] + ([{"name": f"{len(rows) - _MOST_ROWS} others", "count": rest}] if rest else [])


def _ordered(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def _merged(mine: Body, theirs: Body) -> Body:
    """Our sections as they are now where theirs has them, and everything that people wrote."""
    ours = {section.ours: section for section in mine.sections if section.ours}
    merged = Body(before=closed(theirs.before))
    for section in theirs.sections:
        fresh = ours.pop(section.ours, None) if section.ours else None
        if fresh is None:
            whole = "\n\n".join(part for part in (section.heading, section.text, section.tail) if part)
            merged.sections.append(Section(closed(whole), section.title, ""))
        else:
            merged.sections.append(Section(section.heading, fresh.title, fresh.text, fresh.ours, closed(section.tail)))
    merged.sections += [section for section in mine.sections if section.ours in ours]
    return merged
