"""What the page shows of taught clips, of an audit and of a training: plain values and text, no components."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audiocls.comparison.leaderboard import HEADLINE, LEADERBOARD_CSV, seconds_text
from audiocls.data.listing import shown
from audiocls.evaluation.history import read_results
from audiocls.inspection.summary import NO_CLASS
from audiocls.inspection.terminal import duration_text
from audiocls.ui.card import escaped
from audiocls.ui.texts import train as texts
from audiocls.ui.train.taught import FEWEST_CLIPS, GOOD_CLIPS, Clip
from audiocls.ui.train.trainings import CANCELLED, DONE, FAILED, RUNNING, STOPPING, WAITING, Training

MOST_FINDINGS, MOST_FILES = 8, 3
_AXES = ("epoch", "trees", "round", "candidate")


def clips_html(found: Mapping[str, Sequence[Clip]]) -> str:
    """The taught clips: for each class its count, and for each clip a button to hear it and one to delete it."""
    if not found:
        return f'<p class="taught-none">{texts.NO_CLIPS}</p>'
    parts = []
    for label, clips in found.items():
        name = html.escape(label)
        delete = _button("delete", label, texts.DELETE_CLASS.format(label=label), "✕")
        parts.append(
            f'<section class="taught-class" aria-label="{name}"><h4>{name} <span class="taught-count">'
            f"{_count(len(clips))}</span>{delete}</h4><ul>"
        )
        for number, clip in enumerate(clips, 1):
            play = texts.PLAY.format(number=number, label=label, seconds=clip.seconds)
            delete = texts.DELETE.format(number=number, label=label)
            parts.append(
                f"<li>{_button('play', clip.key, play, f'▶ {clip.seconds:.1f} s')}"
                f"{_button('delete', clip.key, delete, '✕')}</li>"
            )
        parts.append("</ul></section>")
    return "".join(parts)


def _button(action: str, key: str, label: str, text: str) -> str:
    return (
        f'<button type="button" class="taught-{action}" data-action="{action}" data-key="{html.escape(key)}" '
        f'aria-label="{html.escape(label)}" title="{html.escape(label)}">{text}</button>'
    )


def _count(count: int) -> str:
    clips = texts.COUNT_ONE if count == 1 else texts.COUNT.format(count=count)
    if count < FEWEST_CLIPS:
        return texts.COUNT_FEW.format(count=clips, few=FEWEST_CLIPS)
    return f"{clips}, {texts.COUNT_GOOD if count >= GOOD_CLIPS else texts.COUNT_ENOUGH}"


def audit_html(report: Mapping[str, Any], remark: str = "") -> str:
    """What `inspect` found: how much there is, and what to mend, the gravest first, each to be opened."""
    rows = "".join(
        f"<tr><td>{_plain(label)}</td><td>{one['clips']:,}</td><td>{duration_text(one['seconds'])}</td>"
        f"<td>{one['usable']:,}</td></tr>"
        for label, one in report["classes"].items()
        if label != NO_CLASS or one["clips"]
    )
    head = "".join(f"<th>{name}</th>" for name in texts.AUDIT_COLUMNS)
    findings = report["findings"]
    told = [
        f"<p><strong>{_plain(report['headline'])}</strong></p>",
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>",
        f"<p><strong>{texts.AUDIT_FINDINGS if findings or remark else texts.AUDIT_CLEAN}</strong></p>",
    ]
    if remark:
        told.append(
            f'<details open class="check"><summary>{texts.ONE_OCCASION_TITLE}</summary><p>{remark}</p></details>'
        )
    for finding in findings[:MOST_FINDINGS]:
        files = ", ".join(_plain(file) for file in finding["files"][:MOST_FILES])
        more = len(finding["files"]) - MOST_FILES
        files += f" {texts.AUDIT_MORE.format(number=more)}" if more > 0 else ""
        action = finding["action"]
        told.append(
            f'<details class="{finding["weight"]}"><summary>{_plain(finding["title"])} '
            f"<small>({texts.MARKS[finding['weight']]})</small></summary><p>{_plain(finding['text'])}</p>"
            + (f"<p>&rarr; {_plain(action)}</p>" if action else "")
            + (f'<p class="files">{files}</p>' if files else "")
            + "</details>"
        )
    if len(findings) > MOST_FINDINGS:
        told.append(f"<p>{texts.AUDIT_MORE.format(number=len(findings) - MOST_FINDINGS)}</p>")
    return "".join(told)


def problem_html(problem: str) -> str:
    """Why the sounds cannot be looked at."""
    return f'<p role="alert"><strong>{texts.NOT_LOOKED}</strong> {_plain(problem)}</p>'


def _plain(text: object) -> str:
    return html.escape(shown(str(text)))


def status_text(training: Training | None, ahead: int = 0) -> str:
    """Where a training stands, in a line or two of Markdown."""
    if training is None:
        return ""
    elapsed = seconds_text(training.seconds)
    if training.state == WAITING:
        return texts.WAITING_ONE if ahead == 1 else texts.WAITING.format(ahead=ahead) if ahead else texts.STARTING
    if training.state == RUNNING:
        lines = training.lines
        latest = next((line for line in reversed(lines) if line.strip()), "")
        told = texts.RUNNING.format(elapsed=elapsed) if lines else f"{texts.STARTING} {elapsed}"
        return f"**{told}**  \n{escaped(latest.strip())}"
    if training.state == STOPPING:
        return f"**{texts.STOPPING}**"
    if training.state == CANCELLED:
        return (texts.CANCELLED_KEPT if training.has_checkpoint else texts.CANCELLED).format(elapsed=elapsed)
    if training.state == FAILED:
        return texts.FAILED.format(problem=escaped(training.problem))
    return ""


def rows_of(training: Training) -> list[dict[str, Any]]:
    """The rows of scores so far; of a training that is done, those it kept."""
    if training.state == DONE:
        try:
            return read_results(training.target)
        except OSError:
            return []
    return list(training.rows)


def curves(rows: Sequence[Mapping[str, Any]]) -> tuple[str, dict[str, list[dict[str, Any]]]]:
    """The points to draw: the name of the axis, and {"loss", "score"} with {x, value, clips} each.

    Rows of candidates are drawn as long as there are no others: after them the chosen one is trained.
    """
    found: dict[str, list[dict[str, Any]]] = {"loss": [], "score": []}
    axes = {name for row in rows for name in _AXES if row.get(name) is not None}
    axis = next((name for name in _AXES if name in axes), "")
    for row in rows:
        if not axis or row.get(axis) is None:
            continue
        for part, clips in (("train", texts.LEARNT), ("validation", texts.WATCHED)):
            for measure, names in (("loss", ("loss",)), ("score", ("f1", "macro_f1", "accuracy"))):
                value = next((row[n] for name in names if row.get(n := f"{part}_{name}") is not None), None)
                if value is not None:
                    found[measure].append({"x": row[axis], "value": float(value), "clips": clips})
        if axis == "candidate" and row.get(HEADLINE) is not None:
            found["score"].append({"x": row[axis], "value": float(row[HEADLINE]), "clips": texts.BALANCED})
    return (texts.AXIS[axis] if axis else ""), found


def leaderboard(training: Training) -> list[list[str]]:
    """The kinds tried so far, best first, as `texts.LEADERBOARD_COLUMNS` names the columns."""
    rows: list[dict[str, Any]] = []
    if training.state == DONE:
        rows = _read_leaderboard(training.target / LEADERBOARD_CSV)
    else:
        rows = [dict(row) for row in training.rows if row.get("model") is not None]
        rows.sort(key=lambda row: -(row.get(HEADLINE) or 0.0))
    return [
        [
            str(row["model"]),
            f"{float(row[HEADLINE]):.0%}" if row.get(HEADLINE) not in (None, "") else "",
            seconds_text(float(seconds)) if (seconds := row.get("training_seconds", row.get("seconds"))) else "",
            str(row.get("note") or ""),
        ]
        for row in rows
    ]


def _read_leaderboard(path: Path) -> list[dict[str, Any]]:
    import csv

    try:
        with open(path, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError:
        return []
