"""The audit on a terminal: the findings first, then the classes, so that the end of a long print is not the point."""

import textwrap
from typing import Any

from audiocls.data.listing import shown
from audiocls.inspection.summary import NO_CLASS
from audiocls.text_layout import pad, shorten, text_width

WIDTH = 100
NAME_WIDTH = 28
MOST_CLASSES = 30
MOST_EXAMPLES = 3
_MARKS = {"mend": "!!", "check": " !", "note": "  "}


def report_text(report: dict[str, Any]) -> str:
    """The report in lines of at most about WIDTH columns."""
    lines = [report["headline"], "", *_classes(report), ""]
    if report["shortcuts"]:
        lines += [*_shortcuts(report), ""]
    findings = report["findings"]
    lines.append("Findings, the gravest first" if findings else "Nothing to mend was found.")
    for finding in findings:
        lines.append(f"{_MARKS[finding['weight']]} {finding['title']}")
        lines += _wrapped(finding["text"], "     ")
        lines += [f"       {shorten(shown(file), WIDTH - 8)}" for file in finding["files"][:MOST_EXAMPLES]]
        more = len(finding["files"]) - MOST_EXAMPLES
        lines += [f"       and {more} more"] if more > 0 else []
        lines += _wrapped(finding["action"], "     ", "  -> ") if finding["action"] else []
    return "\n".join(lines)


def headline(report: dict[str, Any]) -> str:
    """One sentence: how much there is."""
    classes = len(set(report["classes"]) - {NO_CLASS})
    clips = "1 clip" if report["clips"] == 1 else f"{report['clips']:,} clips"
    text = f"{clips}, {duration_text(report['seconds'])}, {classes} {'class' if classes == 1 else 'classes'}"
    if report["parts"]:
        text += "; " + ", ".join(f"{name} {count:,}" for name, count in report["parts"].items())
    return text + "."


def duration_text(seconds: float) -> str:
    if seconds >= 3600:
        return f"{seconds / 3600:,.1f} h"
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.3g} s"


def _classes(report: dict[str, Any]) -> list[str]:
    classes = report["classes"]
    width = min(NAME_WIDTH, max((text_width(shown(label)) for label in classes), default=5))
    width = max(width, len("class"))
    lines = [
        pad("class", width)
        + f"{'clips':>8} {'in all':>9} {'median':>8} {'loudness':>10} {'bandwidth':>10} {'silent':>7}"
    ]
    for label, one in list(classes.items())[:MOST_CLASSES]:
        row = pad(shorten(shown(label), width), width) + f"{one['clips']:>8,} {duration_text(one['seconds']):>9}"
        if one["usable"]:
            row += (
                f" {duration_text(one['duration']['median']):>8} {one['loudness']['median']:>5.0f} LUFS"
                f" {one['bandwidth']['median'] / 1000:>6.1f} kHz {100 * one['silence']['median']:>6.0f}%"
            )
        lines.append(row)
    more = len(classes) - MOST_CLASSES
    return lines + ([f"and {more} more classes"] if more > 0 else [])


def _shortcuts(report: dict[str, Any]) -> list[str]:
    shortcuts = sorted(report["shortcuts"], key=lambda one: -one["skill"])
    first = shortcuts[0]
    lines = [
        "What tells the class without listening (balanced accuracy, cross-validated over "
        f"{first['num_sets']} sets; chance {first['chance']:.2f})"
    ]
    for one in shortcuts:
        low, high = one["interval"]
        bar = "#" * round(30 * max(one["skill"], 0))
        lines.append(f"  {one['property']:<22} {one['accuracy']:.2f} ({low:.2f} to {high:.2f})  {bar}")
    return lines


def _wrapped(text: str, indent: str, first: str | None = None) -> list[str]:
    first = indent if first is None else first
    return textwrap.wrap(
        shown(text), WIDTH, initial_indent=first, subsequent_indent=indent, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
