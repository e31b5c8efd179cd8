"""The error page: errors.html, which shows what a model got wrong to eye and ear, and its tables.

One file without anything from elsewhere: it can be sent, and opened without a network. What it says is found in
`mistakes`, `groups` and `suspects`; how it looks is in page.html.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from audiocls.data.clips import Clips
from audiocls.data.listing import shown
from audiocls.evaluation.evaluation import Evaluation, scores_line
from audiocls.evaluation.page_media import RANGE_DB
from audiocls.mistakes.groups import FEWEST_CLIPS, GroupScore, group_scores
from audiocls.mistakes.media import MOST_BYTES, MediaBox
from audiocls.mistakes.mistakes import Confusion, LabelErrors, Mistake, confusions, find_mistakes, label_errors
from audiocls.mistakes.suspects import Suspect, Suspects
from audiocls.mistakes.tables import ERRORS_CSV, MISLABELLED_CSV, errors_csv, mislabelled_csv
from audiocls.whole_files import write_text

ERRORS_HTML = "errors.html"
MOST_MISTAKES = 40  # with a player; more nobody listens to, and a telephone's browser plays no more
MOST_SUSPECTS = 30
MOST_CONFUSIONS = 20
MOST_GROUPS = 50
SHOWN_SCORES = 3
SURE = 0.9


def write_error_page(
    folder: str | Path,
    name: str,
    evaluation: Evaluation,
    clips: Clips,
    suspects: Suspects | str,
    most_bytes: int = MOST_BYTES,
) -> None:
    """Write errors.html, errors.csv and, with suspects, mislabelled.csv.

    Args:
        name: of the model.
        evaluation: its answers to `clips`, in their order.
        suspects: clips whose label is likely wrong, of the same data; or a sentence that says why they are unknown.
        most_bytes: of embedded sounds and pictures.

    Raises:
        OutputError: they cannot be written.
    """
    mistakes = find_mistakes(evaluation)
    folder = Path(folder)
    write_text(folder / ERRORS_CSV, errors_csv(mistakes, clips))
    if isinstance(suspects, Suspects):
        write_text(folder / MISLABELLED_CSV, mislabelled_csv(suspects.found))
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))
    view = page_view(name, evaluation, clips, mistakes, suspects, MediaBox(most_bytes))
    write_text(folder / ERRORS_HTML, template.render(view) + "\n")


def page_view(
    name: str,
    evaluation: Evaluation,
    clips: Clips,
    mistakes: list[Mistake],
    suspects: Suspects | str,
    box: MediaBox,
) -> dict[str, Any]:
    """What page.html is filled with, all texts plain."""
    multi_label = bool(evaluation.metrics["multi_label"])
    likely = [each for each in suspects.found if each.likely] if isinstance(suspects, Suspects) else []
    doubtful = {each.file for each in likely}
    ids = {each.index: f"mistake-{rank}" for rank, each in enumerate(mistakes[:MOST_MISTAKES], 1)}
    right = np.ones(len(clips), bool)
    right[[each.index for each in mistakes]] = False
    classes = evaluation.targets
    if multi_label:
        classes = np.unique(np.asarray(classes) > 0.5, axis=0, return_inverse=True)[1].ravel()
    groups = group_scores(clips.groups, right, np.asarray(classes))
    pairs: Sequence[Confusion | LabelErrors] = (
        label_errors(evaluation, mistakes) if multi_label else confusions(evaluation, mistakes)
    )
    return {
        "model": shown(name),
        "subtitle": f"On the {scores_line(evaluation.metrics)}",
        "multi_label": multi_label,
        "summary": summary(evaluation, mistakes, pairs, likely, suspects, groups),
        "mistakes": [
            _mistake_view(each, ids[each.index], evaluation, clips, box, doubtful) for each in mistakes[:MOST_MISTAKES]
        ],
        "mistakes_note": _mistakes_note(mistakes, multi_label),
        "suspects": [_suspect_view(each, suspects, box) for each in likely[:MOST_SUSPECTS]],
        "suspects_note": _suspects_note(suspects, likely),
        "has_suspects_file": isinstance(suspects, Suspects),
        "confusions": [_pair_view(each, ids, evaluation) for each in pairs[:MOST_CONFUSIONS]],
        "groups": [_group_view(each) for each in groups[:MOST_GROUPS]],
        "groups_note": _groups_note(clips, groups),
        "range_db": f"{RANGE_DB:.0f}",
    }


def summary(
    evaluation: Evaluation,
    mistakes: list[Mistake],
    pairs: Sequence[Confusion | LabelErrors],
    likely: list[Suspect],
    suspects: Suspects | str,
    groups: list[GroupScore],
) -> list[str]:
    """The page in a few plain sentences."""
    metrics = evaluation.metrics
    low, high = metrics["intervals"]["accuracy"]
    right = metrics["size"] - len(mistakes)
    exactly = "exactly right" if metrics["multi_label"] else "right"
    told = [
        f"{right} of {metrics['size']} clips are answered {exactly}: {metrics['accuracy']:.1%}, and with other clips "
        f"of the kind probably {low:.1%} to {high:.1%}."
    ]
    if mistakes:
        sure = sum(each.confidence > SURE for each in mistakes)
        made = "surer than" if metrics["multi_label"] else "made with a score above"
        told.append(f"{counted(len(mistakes), 'mistake')}, {sure or 'none'} of them {made} {SURE:g}.")
    if pairs:
        first = pairs[0]
        if isinstance(first, Confusion):
            told.append(
                f"Most often {shown(first.true)} is taken for {shown(first.given)}: {first.number} of {first.total} "
                f"clips of {shown(first.true)}."
            )
        else:
            told.append(
                f"Most errors are about {shown(first.label)}: {counted(first.false_alarms, 'false alarm')}, "
                f"{first.missed} missed."
            )
    if isinstance(suspects, Suspects):
        verb = "is" if len(likely) == 1 else "are"
        judged = counted(len(suspects.clips), "clip")
        told.append(f"Of {judged} in the data, {counted(len(likely), 'label')} {verb} likely wrong.")
    failing = [shown(each.name) for each in groups if each.fails]
    if failing:
        told.append(f"Clearly worse than the rest: {', '.join(failing[:5])}{' and others' if failing[5:] else ''}.")
    elif groups:
        told.append(f"None of {counted(len(groups), 'group')} is clearly worse than the rest.")
    return told


def counted(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _mistakes_note(mistakes: list[Mistake], multi_label: bool) -> str:
    surest = "the surest false alarm or miss" if multi_label else "the wrong label with the highest score"
    if len(mistakes) <= MOST_MISTAKES:
        return f"All {counted(len(mistakes), 'mistake')}, first {surest}."
    return f"{MOST_MISTAKES} of {len(mistakes)} mistakes, first {surest}; all are in {ERRORS_CSV}."


def _mistake_view(
    mistake: Mistake, name: str, evaluation: Evaluation, clips: Clips, box: MediaBox, doubtful: set[str]
) -> dict[str, Any]:
    scores = evaluation.scores[mistake.index]
    wanted = {*mistake.true, *mistake.given}
    best = [int(k) for k in np.argsort(-scores, kind="stable")]
    told = [k for place, k in enumerate(best) if place < SHOWN_SCORES or evaluation.labels[k] in wanted]
    return {
        "id": name,
        "file": shown(mistake.file),
        "group": shown(clips.groups[mistake.index] or ""),
        "medium": box.medium(clips, mistake.index),
        "true": listed(mistake.true),
        "given": listed(mistake.given),
        "false_alarms": ", ".join(map(shown, mistake.false_alarms)),
        "missed": ", ".join(map(shown, mistake.missed)),
        "suspect": mistake.file in doubtful,
        "bars": [
            {
                "label": shown(evaluation.labels[k]),
                "score": f"{scores[k]:.2f}",
                "percent": f"{100 * min(max(float(scores[k]), 0), 1):.1f}",
                "kind": _kind(evaluation.labels[k], mistake),
            }
            for k in told
        ],
    }


def _kind(label: str, mistake: Mistake) -> str:
    return "is-true" if label in mistake.true else "is-given" if label in mistake.given else ""


def _suspects_note(suspects: Suspects | str, likely: list[Suspect]) -> str:
    if isinstance(suspects, str):
        return suspects
    if not likely:
        return f"None were found. Judged by {suspects.origin}."
    first = "The likeliest first" if len(likely) <= MOST_SUSPECTS else f"The {MOST_SUSPECTS} likeliest of {len(likely)}"
    return (
        f"{first}, from all parts of the data; listen before you change one, as a rare or unusual sound looks like "
        f"this, too. {MISLABELLED_CSV} also has those that are only doubtful. Judged by {suspects.origin}."
    )


def _suspect_view(suspect: Suspect, suspects: Suspects | str, box: MediaBox) -> dict[str, Any]:
    assert isinstance(suspects, Suspects)  # of which this is one
    return {
        "file": shown(suspect.file),
        "given": listed(suspect.given),
        "suggested": listed(suspect.suggested),
        "reason": shown(suspect.reason),
        "medium": box.medium(suspects.clips, suspect.index),
    }


def _pair_view(pair: Confusion | LabelErrors, ids: dict[int, str], evaluation: Evaluation) -> dict[str, Any]:
    examples = [
        {"file": shown(evaluation.files[index]), "id": ids.get(index, ""), "shown": index in ids}
        for index in pair.examples
    ]
    names = {key: shown(value) if isinstance(value, str) else value for key, value in vars(pair).items()}
    return names | {"examples": examples}


def _groups_note(clips: Clips, groups: list[GroupScore]) -> str:
    if groups:
        return (
            f"Groups with {FEWEST_CLIPS} clips or more, the worst first, beside what clips of the same classes reach "
            "in the other groups. A group is marked when it is below them beyond chance (exact test within classes, "
            "corrected for the number of groups)."
        )
    if len({name for name in clips.groups if name is not None}) < 2:
        return "The data names no groups, such as speakers or devices; --group_regex or --group_table can."
    return f"No group has {FEWEST_CLIPS} clips or more, and from fewer nothing can be said."


def _group_view(group: GroupScore) -> dict[str, Any]:
    low, high = group.interval
    return {
        "name": shown(group.name),
        "right": group.right,
        "size": group.size,
        "accuracy": f"{group.accuracy:.0%}",
        "interval": f"{low:.0%} to {high:.0%}",
        "expected": f"{group.expected:.0%}",
        "fails": group.fails,
    }


def listed(labels: Sequence[str]) -> str:
    """Labels in words."""
    return ", ".join(map(shown, labels)) or "nothing"
