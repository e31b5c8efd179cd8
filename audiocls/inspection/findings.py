"""What to mend first: the findings of an audit in plain words, the gravest first, each with what to do about it."""

import shlex
from dataclasses import asdict, dataclass, field
from typing import Any

from audiocls.data.listing import shown, some
from audiocls.inspection.advice import AGAINST_SHORTCUTS, CHECK, FAULTS, MEND, NOTE
from audiocls.inspection.shortcuts import TOGETHER
from audiocls.inspection.summary import NO_CLASS

STRONG_SKILL, WEAK_SKILL = 0.3, 0.12
FEW_CLIPS = 10
UNEVEN = 10.0
MANY_UPSAMPLED = 0.05  # of the clips


@dataclass(frozen=True)
class Finding:
    """`weight` orders findings: MEND before CHECK before NOTE. `files` are examples."""

    weight: str
    title: str
    text: str
    action: str
    files: list[str] = field(default_factory=list)


def find(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The findings on the numbers of a report, the gravest first."""
    found = [
        *_leaks(report), *_conflicts(report), *_unusable(report), *_groups(report), *_shortcuts(report),
        *_classes(report), *_copies(report), *_faults(report), *_passed_over(report),
    ]  # fmt: skip
    order = {MEND: 0, CHECK: 1, NOTE: 2}
    return [asdict(finding) for finding in sorted(found, key=lambda finding: order[finding.weight])]


def _leaks(report: dict[str, Any]) -> list[Finding]:
    found = []
    leaking = [one for one in report["copies"]["sets"] if one["across_parts"]]
    if leaking:
        clips = sum(
            1 for one in leaking if "train" in one["parts"] for part in one["parts"] if part in ("test", "validation")
        )
        what = f"{_clips(clips)} of the test and validation parts" if clips else f"{len(leaking)} sets of copies"
        found.append(
            Finding(
                MEND,
                "The parts share recordings",
                f"{what} {'is a copy' if clips == 1 else 'are copies'} of training clips: scores on them flatter.",
                "take the copies out of one part; train refuses such data unless --allow_leaks is given",
                [" = ".join(one["files"][:3]) for one in leaking],
            )
        )
    groups = report["groups"]
    if groups["across_parts"]:
        found.append(
            Finding(
                MEND,
                "The parts share groups",
                f"{groups['across_parts']} of {groups['num_groups']} groups ({groups['origin']}) have clips in more "
                "than one part: the score says how well a model knows these, not how well it does on new ones.",
                "put each group into one part, or leave the parts out and let train divide by group",
            )
        )
    elif groups["guesses"] and groups["origin"] is None and groups["guesses"][0]["across_parts"]:
        guess = groups["guesses"][0]
        found.append(
            Finding(
                MEND,
                f"The parts may share a {guess['meaning']}",
                f"{guess['across_parts']} of {guess['num_groups']} names that look like a {guess['meaning']} occur in "
                "more than one part.",
                "if they are what they look like, put each into one part, or leave the parts out and let train divide "
                f"with --group_regex {shlex.quote(guess['regex'])}",
            )
        )
    return found


def _conflicts(report: dict[str, Any]) -> list[Finding]:
    sets = [one for one in report["copies"]["sets"] if one["conflict"]]
    if not sets:
        return []
    many = "One recording has" if len(sets) == 1 else f"{len(sets)} recordings have"
    return [
        Finding(
            MEND,
            "Copies with different labels",
            f"{many} two labels: of each, one is wrong, or the clip holds both sounds.",
            "listen to them and keep the right label; several labels a clip go into a metadata.csv, separated by |",
            [
                " = ".join(f"{file} ({label})" for file, label in zip(one["files"][:3], one["labels"], strict=False))
                for one in sets
            ],
        )
    ]


def _unusable(report: dict[str, Any]) -> list[Finding]:
    problems = report["problems"]
    kinds = [kind for kind in ("unreadable", "silent", "constant", "too short") if kind in problems]
    if not kinds:
        return []
    count = sum(len(problems[kind]) for kind in kinds)
    told = ", ".join(f"{len(problems[kind])} {kind}" for kind in kinds)
    files = [f"{entry['file']}: {entry['detail']}" for kind in kinds for entry in problems[kind]]
    return [
        Finding(
            MEND if count > 0.01 * report["clips"] else CHECK,
            "Files that cannot be used",
            f"{count} of {report['clips']} files: {told}.",
            "replace or remove them; train leaves them out and says so (--strict stops at the first)",
            files,
        )
    ]


def _groups(report: dict[str, Any]) -> list[Finding]:
    groups = report["groups"]
    if groups["origin"] is not None or not groups["guesses"]:
        return []
    guess = groups["guesses"][0]
    return [
        Finding(
            MEND,
            "Likely groups in the file names",
            f"The names seem to tell the {guess['meaning']} of each clip: {guess['num_groups']} for {report['usable']} "
            "clips. Divided at random, the same ones are learnt from and tested on: that flatters.",
            f"train with --group_regex {shlex.quote(guess['regex'])}",
            [f"{file}: {name}" for file, name in guess["examples"]],
        )
    ]


def _shortcuts(report: dict[str, Any]) -> list[Finding]:
    found: list[Finding] = []
    single = [one for one in report["shortcuts"] if one["property"] != TOGETHER]
    for one in sorted(single, key=lambda one: -one["skill"]):
        if one["skill"] < WEAK_SKILL or one["interval"][0] <= one["chance"]:
            continue
        low, high = one["interval"]
        text = (
            f"A model that knows nothing of a clip but its {one['property']} reaches {one['accuracy']:.2f} "
            f"({low:.2f} to {high:.2f}) against {one['chance']:.2f} by chance."
        )
        if "ends" in one:
            (least, lowest), (most, highest) = one["ends"]
            first, last = _level(lowest, one["unit"]), _level(highest, one["unit"])
            text += f" Medians reach from {first} ({shown(least)}) to {last} ({shown(most)})."
        if not found:
            text += (
                " A classifier will use it, too: fine where it lies in the nature of the sounds, a trap where it comes "
                "from how they were recorded."
            )
        weight = MEND if one["skill"] >= STRONG_SKILL else CHECK
        title = f"Classes can be told by {one['property']} alone"
        found.append(Finding(weight, title, text, AGAINST_SHORTCUTS[one["property"]]))
    return found


def _classes(report: dict[str, Any]) -> list[Finding]:
    counts = {label: one["usable"] for label, one in report["classes"].items() if label != NO_CLASS}
    found = []
    empty = [label for label, count in counts.items() if count == 0]
    if empty:
        found.append(Finding(MEND, "Classes without clips", f"{some(empty)}.", "add clips or remove the folder"))
    few = {label: count for label, count in counts.items() if 0 < count < FEW_CLIPS}
    if few:
        told = some([f"{label} ({count})" for label, count in sorted(few.items(), key=lambda pair: pair[1])], 5)
        found.append(
            Finding(
                CHECK,
                "Classes with few clips",
                f"Fewer than {FEW_CLIPS}: {told}. Scores of such a class say little, and most models learn it badly.",
                "add clips, of other speakers or recordings, or join such classes (--label_regex)",
            )
        )
    kept = [count for count in counts.values() if count]
    if len(kept) == 1:
        found.append(
            Finding(
                CHECK, "Only one class", f"All clips are of class {shown(next(k for k, v in counts.items() if v))}.",
                "a classifier needs two at least: a folder for each class",
            )
        )  # fmt: skip
    if len(kept) > 1 and max(kept) >= UNEVEN * min(kept):
        largest, smallest = (
            max(counts, key=lambda k: counts[k]),
            min((k for k in counts if counts[k]), key=lambda k: counts[k]),
        )
        found.append(
            Finding(
                CHECK,
                "Classes of very different size",
                f"{shown(largest)} has {counts[largest]} clips, {shown(smallest)} {counts[smallest]}. Accuracy then "
                "says most about the large ones.",
                "look at balanced accuracy; train weighs rare classes more (--class_weights auto, the default)",
            )
        )
    return found


def _copies(report: dict[str, Any]) -> list[Finding]:
    copies = report["copies"]
    plain = [one for one in copies["sets"] if not one["conflict"] and not one["across_parts"]]
    if not plain:
        return []
    across = [one for one in plain if one["across_groups"]]
    shared = Finding(
        CHECK,
        "Groups share recordings",
        f"{copies['across_groups']} sets of copies lie in more than one group ({report['groups']['origin']}).",
        "train keeps such groups together; see whether they are one group, or a clip lies in the wrong one",
        [" = ".join(one["files"][:3]) for one in across],
    )
    return [
        *([shared] if across else []),
        Finding(
            NOTE,
            "Copies",
            f"{_clips(copies['superfluous_clips'])} repeat others ({copies['identical_pairs']} identical files, "
            f"{copies['similar_pairs']} pairs that are one recording by ear).",
            "nothing needs to be done: train keeps copies on one side of every split; removing them saves time",
            [" = ".join(one["files"][:3]) for one in plain],
        ),
    ]


def _faults(report: dict[str, Any]) -> list[Finding]:
    found = []
    for kind, (weight, title, what, action) in FAULTS.items():
        entries = report["problems"].get(kind, [])
        if entries:
            found.append(
                Finding(
                    weight if len(entries) > 0.01 * report["clips"] else NOTE,
                    title,
                    f"{_clips(len(entries))} {what if len(entries) > 1 else _singular(what)}.",
                    action if kind != "upsampled" else _against_upsampling(len(entries), report),
                    [f"{entry['file']}: {entry['detail']}" for entry in entries],
                )
            )
    rates = report["sampling_rates"]
    if len(rates) > 1:
        told = ", ".join(f"{count} at {int(rate) / 1000:g} kHz" for rate, count in list(rates.items())[:5])
        found.append(
            Finding(
                NOTE,
                "Several sampling rates",
                f"{told}.",
                f"train resamples all to one rate (--sampling_rate); {min(map(int, rates))} Hz loses nothing that all "
                "of them have",
            )
        )
    return found


def _passed_over(report: dict[str, Any]) -> list[Finding]:
    found = []
    if report["passed_over"]:
        files = [f"{entry['file']}: {entry['reason']}" for entry in report["passed_over"]]
        found.append(
            Finding(
                CHECK, "Files passed over", f"{len(files)} files are no labelled clips.",
                "put them into a class folder, name them in metadata.csv, or remove them", files,
            )
        )  # fmt: skip
    if report["warnings"]:
        found.append(Finding(NOTE, "About the folders", "Noted while looking for clips.", "", list(report["warnings"])))
    return found


def _against_upsampling(num_files: int, report: dict[str, Any]) -> str:
    """Few files can be replaced; many say at which rate the data was recorded."""
    if num_files < MANY_UPSAMPLED * report["usable"]:
        return FAULTS["upsampled"][3]
    rate = next(iter(report["original_rates"]))  # the most frequent one
    return f"train with --sampling_rate {rate}: above half of it a model would find the recording and not the sound"


def _level(value: float, unit: str) -> str:
    if unit == "share":
        return f"{100 * value:.0f}%"
    if unit == "Hz":
        return f"{value / 1000:.1f} kHz"
    return f"{value:.2g} {unit}" if unit in ("s", "full scale") else f"{value:.0f} {unit}"


def _clips(count: int) -> str:
    return "1 clip" if count == 1 else f"{count} clips"


def _singular(what: str) -> str:
    words = {"are": "is", "hold": "holds", "lose": "loses", "have": "has", "their": "its", "they": "it"}
    return " ".join(words.get(word, word) for word in what.split())
