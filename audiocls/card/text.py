"""The words of a model card, and its rows of labels and scores, made from its facts and safe to put into Markdown."""

import html
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from audiocls.card.facts import CardFacts
from audiocls.evaluation.evaluation import CLASS_SCORES, FEW_GROUPS, HEADLINES, few_groups_note, interval_text

EXAMPLES_TITLE = "**Examples.**"
MOST_MISTAKES = 3
MOST_NAMED = 8
SMALL_TEST_CLIPS = 200
SMALL_CLASS_CLIPS = 20
FEW_TRAINING_CLIPS = 15


def one_line(text: object) -> str:
    """The text without line breaks and control characters."""
    return " ".join("".join(char if char.isprintable() else " " for char in str(text)).split())


def escape(text: object) -> str:
    """The text as Markdown that shows it as it is, on one line, also within a table. HTML in it is not obeyed."""
    text = html.escape(one_line(text), quote=False).replace("|", "&#124;").replace("$", "&#36;")
    text = re.sub(r"([\\`*\[\]~])", r"\\\1", text)
    text = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", text)  # within a word "_" is no emphasis
    # At the start of a line these would make a heading, list or rule.
    return re.sub(r"^([#+=-]|\d+(?=[.)](?:\s|$)))", lambda match: "".join(f"&#{ord(c)};" for c in match[1]), text)


def summary(facts: CardFacts) -> str:
    labels = [f"**{escape(label)}**" for label in facts.labels]
    named = ", ".join(labels[:MOST_NAMED])
    if len(labels) > MOST_NAMED:
        named += f" and {len(labels) - MOST_NAMED} more"
    if facts.multi_label:
        task = f"Tells which of {len(labels)} labels apply to a sound (several may, or none): {named}."
    else:
        task = f"Tells which of {len(labels)} kinds of sound a clip is: {named}."
    return " ".join([task, escape(facts.description)]).strip()


def input_note(facts: CardFacts) -> str:
    rate = f"{facts.sampling_rate:,}"
    if facts.multi_label:
        limit = "its threshold" if facts.thresholds else "0.5"
        answers = (
            f"Each label has its own score between 0 and 1 and counts as given above {limit}; they do not sum to 1."
        )
    else:
        answers = "The scores of all labels sum to 1."
    return (
        f"{answers} The model listens in mono at {rate} Hz. `pipeline` opens files with the `ffmpeg` program; without "
        f"it, pass samples as `{{'raw': array, 'sampling_rate': {facts.sampling_rate}}}`."
    )


def label_rows(facts: CardFacts) -> list[dict[str, Any]]:
    return [
        {"label": escape(label), "counts": [counts[k] for counts in facts.label_counts.values()]}
        for k, label in enumerate(facts.labels)
    ]


def score_text(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """What the card says about one split."""
    rows = []
    for name, title in HEADLINES.items():
        if name in metrics:
            low, high = metrics["intervals"][name]
            interval = f"{three_digits(low)} to {three_digits(high)}"
            rows.append({"name": title, "value": three_digits(metrics[name]), "interval": _unbroken(interval)})
    classes = [
        {"label": escape(label), "support": row["support"]} | {name: _class_score(row, name) for name in CLASS_SCORES}
        for label, row in metrics["per_class"].items()
    ]
    mean_note = "Macro scores are plain means over the labels; balanced accuracy is the mean recall."
    if metrics["multi_label"]:
        mean_note = (
            "Accuracy counts clips whose labels are all right. Macro scores are plain means over the labels, micro F1 "
            "counts all answers alike. Balanced accuracy is the mean of recall and of the share of clips rightly not "
            "given a label."
        )
    if any(row["support"] == 0 for row in metrics["per_class"].values()):
        mean_note += " Labels without a clip in this split count in no mean."
    return {
        "split": escape(metrics["split"]),
        "size": _size(metrics),
        "interval_note": _interval_note(metrics),
        "rows": rows,
        "classes": classes,
        "mean_note": mean_note,
        "mistakes": _mistakes(metrics),
        "line": ", ".join(f"{row['name']} {row['value']} ({row['interval']})" for row in _first(rows)),
    }


def _class_score(row: Mapping[str, Any], name: str) -> str:
    return _unbroken(interval_text(row[name], row["intervals"][name])) if row["support"] else "-"


def _unbroken(text: str) -> str:
    """The text of a table's cell as one line: on a phone the table is scrolled instead."""
    return text.replace(" ", "\u00a0")


def _first(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [row for row in rows if row["name"] in ("accuracy", "macro F1")]


def _size(metrics: Mapping[str, Any]) -> str:
    groups = f" in {counted(metrics['interval_units'], 'group')}" if metrics["interval_unit"] == "group" else ""
    return counted(metrics["size"], "clip") + groups


def _interval_note(metrics: Mapping[str, Any]) -> str:
    drawn = "whole groups" if metrics["interval_unit"] == "group" else "clips"
    return (
        f"The intervals say how far chance in the choice of clips may have moved a score (bootstrap over {drawn}); "
        "they do not cover other microphones, places or kinds of sound."
    )


def _mistakes(metrics: Mapping[str, Any]) -> list[str]:
    """The most frequent confusions, at least two clips each."""
    if metrics["multi_label"]:
        return []
    labels, counts = metrics["confusion_matrix"]["labels"], metrics["confusion_matrix"]["counts"]
    wrong = [
        (counts[i][j], sum(counts[i]), labels[i], labels[j])
        for i in range(len(labels))
        for j in range(len(labels))
        if i != j and counts[i][j] >= 2
    ]
    wrong.sort(key=lambda found: -found[0])
    return [f"{escape(a)} taken for {escape(b)}: {number} of {total}" for number, total, a, b in wrong[:MOST_MISTAKES]]


def limits(facts: CardFacts) -> list[str]:
    """What the model cannot do, in plain words."""
    if facts.multi_label:
        told = [f"It knows these {len(facts.labels)} labels only. A sound of another kind may still score high on one."]
    else:
        told = [
            f"It knows these {len(facts.labels)} labels only: `pipeline` gives every sound one of them, noise and "
            "silence too. A high score does not prove that the sound is any of them."
        ]
    nyquist = f"{facts.sampling_rate / 2:,.0f}"
    told.append(f"Sound is brought to {facts.sampling_rate:,} Hz first: what lies above {nyquist} Hz is not heard.")
    window = f"{facts.clip_seconds:g} s"
    if facts.custom_code:
        told.append(
            f"It answers for a sound as a whole, by the mean over windows of at most {window}, so a "
            "short event in a long recording is drowned: use `audiocls detect` for these. `pipeline` reads a whole "
            "file into memory and gives one answer for it."
        )
    else:
        told.append(
            f"It hears windows of {window}. `pipeline` sees only the first one of a longer sound; `audiocls` averages "
            "over all of them, so a short event in a long recording is drowned either way: use `audiocls detect`."
        )
    told.extend(_few_clips(facts))
    told.append("Other microphones, rooms, distances and background noise than in the training data lower the scores.")
    return told


def _few_clips(facts: CardFacts) -> list[str]:
    told = []
    metrics = facts.test_metrics
    if metrics:
        smallest = min((row["support"] for row in metrics["per_class"].values() if row["support"]), default=0)
        if metrics["size"] < SMALL_TEST_CLIPS or smallest < SMALL_CLASS_CLIPS:
            told.append(
                f"The {escape(metrics['split'])} split is small ({counted(metrics['size'], 'clip')}, the rarest label "
                f"has {smallest}): read the intervals, and take the scores of single labels as rough."
            )
        if metrics["interval_unit"] == "clip":
            told.append(
                "The intervals take every clip as independent. Where clips come from the same recording, speaker or "
                "device, they are too narrow."
            )
        elif metrics["interval_units"] < FEW_GROUPS:
            told.append(f"The {escape(metrics['split'])} split has {few_groups_note(metrics['interval_units'])}.")
    trained = facts.label_counts.get("train")
    few = [label for label, number in zip(facts.labels, trained or (), strict=False) if number < FEW_TRAINING_CLIPS]
    if few:
        more = f" and {len(few) - MOST_NAMED} more" if len(few) > MOST_NAMED else ""
        named = ", ".join(map(escape, few[:MOST_NAMED])) + more
        told.append(f"Fewer than {FEW_TRAINING_CLIPS} training clips: {named}.")
    return told


def data_note(facts: CardFacts) -> str:
    parts = []
    for part, counts in facts.label_counts.items():
        size = facts.clip_counts.get(part, sum(counts))
        noun = "label" if facts.multi_label and part not in facts.clip_counts else "clip"
        seconds = facts.part_seconds.get(part)
        length = "" if seconds is None else f" ({duration(seconds)})"
        parts.append(f"{counted(size, noun)} for {escape(part)}{length}")
    name = escape(facts.dataset_name or facts.name)
    if facts.dataset_id:
        name = f"[{escape(facts.dataset_id)}](https://huggingface.co/datasets/{quote(facts.dataset_id)})"
    text = f"{name}: {', '.join(parts)}."
    if facts.skipped:
        text += (
            f" {counted(facts.skipped, 'file')} could not be used and {'was' if facts.skipped == 1 else 'were'} left "
            "out; `training_config.json` says which and why."
        )
    return text


def examples_note(facts: CardFacts) -> str:
    """Where the clips in `examples/` come from; empty where there are none."""
    if not facts.examples:
        return ""
    origin = "; `examples/ATTRIBUTION.csv` says of each where it comes from" if facts.examples_attributed else ""
    return f"{EXAMPLES_TITLE} The clips in `examples/` are taken from these sounds{origin}."


def licence_note(facts: CardFacts) -> str:
    if facts.license:
        return f"{escape(facts.license)}."
    if facts.attribution:
        return "No licence was chosen for the model. The licences of the sounds it was trained on are given above."
    return "No licence was chosen for the model, and none is known of the sounds it was trained on."


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, with no more digits than matter."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def three_digits(value: float) -> str:
    return f"{value:.3f}"
