"""report.html: one file with everything in it, to read on a phone or a desk, by day or night, without a network."""

import re
import shlex
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from audiocls.data.listing import shown
from audiocls.inspection.pictures import pictures
from audiocls.inspection.summary import NO_CLASS
from audiocls.inspection.terminal import duration_text

MOST_FILES = 12  # named for each finding
MOST_SETS = 100
MOST_CLASSES = 300

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2933; --faint: #66727f; --line: #dfe3e8; --back: #ffffff; --card: #f5f7f9;
  --mend: #c2410c; --check: #a16207; --note: #0072b2; --mark: #0072b2; --strong: #d55e00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --faint: #9aa5b1; --line: #39414a; --back: #14171a;
  --card: #1d2227; --mend: #fb923c; --check: #eab308; --note: #5bb3ea; --mark: #4ba3dc; --strong: #f08a3c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .6rem; }
h3 { font-size: 1rem; margin: 0; }
p { margin: .3rem 0; overflow-wrap: anywhere; }
.faint { color: var(--faint); }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .6rem; margin: 1rem 0; }
.numbers div { background: var(--card); border-radius: .5rem; padding: .6rem .8rem; }
.numbers b { display: block; font-size: 1.25rem; font-weight: 600; overflow-wrap: anywhere; }
.finding { border-left: .3rem solid var(--note); background: var(--card); border-radius: 0 .5rem .5rem 0;
  padding: .7rem .9rem; margin: .6rem 0; }
.finding.mend { border-color: var(--mend); }
.finding.check { border-color: var(--check); }
.todo { font-weight: 500; }
.option { white-space: nowrap; }
.todo::before { content: "→ "; color: var(--faint); }
code, .files { font: .85rem/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
.files { margin: .4rem 0 0; padding-left: 1.1rem; color: var(--faint); }
details summary { cursor: pointer; color: var(--faint); font-size: .9rem; margin-top: .3rem; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1rem; }
figure { margin: 0; background: var(--card); border-radius: .5rem; padding: .5rem; align-self: start; }
figure svg { display: block; width: 100%; height: auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--faint); font-weight: 500; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
"""

_WEIGHTS = {"mend": "mend first", "check": "look at it", "note": "good to know"}


def page(report: dict[str, Any]) -> str:
    """The whole page; every name in it is escaped."""
    name = _text(report["name"] or "data")
    parts = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{name}: inspection</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>{name}</h1>",
        f'<p class="faint">{_text(report["headline"])}</p>',
        _numbers(report),
        "<h2>Findings</h2>",
        *_findings(report["findings"]),
        "<h2>Pictures</h2>",
        '<div class="pictures">',
        *(f'<figure aria-label="{_text(what)}">{drawing}</figure>' for what, drawing in pictures(report)),
        "</div>",
        '<p class="faint">By class: the dot is the median, the thick line the middle half of the clips, the thin line '
        "nine of ten.</p>",
        "<h2>Classes</h2>",
        _classes(report),
        "<h2>Levels of all clips</h2>",
        _levels(report),
    ]
    if report["shortcuts"]:
        parts += ["<h2>Shortcuts</h2>", _shortcuts(report["shortcuts"])]
    parts += ["<h2>Files</h2>", _files(report)]
    if report["groups"]["guesses"]:
        parts += ["<h2>Likely groups in file names</h2>", _guesses(report["groups"]["guesses"])]
    if report["copies"]["sets"]:
        parts += ["<h2>Copies</h2>", *_copies(report["copies"]["sets"])]
    parts.append(f'<p class="faint">Made by audiocls {_text(report["audiocls"])}. All numbers: report.json.</p>')
    return "\n".join([*parts, "</main></body></html>\n"])


def _numbers(report: dict[str, Any]) -> str:
    classes = len(set(report["classes"]) - {NO_CLASS})
    pairs = [
        (f"{report['clips']:,}", "clip" if report["clips"] == 1 else "clips"),
        (duration_text(report["seconds"]), "of sound"),
        (f"{classes:,}", "class" if classes == 1 else "classes"),
        (f"{report['clips'] - report['usable']:,}", "unusable"),
        (f"{report['copies']['superfluous_clips']:,}", "repeat another"),
    ]
    cells = "".join(f"<div><b>{_text(value)}</b>{_text(what)}</div>" for value, what in pairs)
    return f'<div class="numbers">{cells}</div>'


def _findings(findings: Sequence[dict[str, Any]]) -> Iterable[str]:
    if not findings:
        yield "<p>Nothing to mend was found.</p>"
    for one in findings:
        files = ""
        if one["files"]:
            more = len(one["files"]) - MOST_FILES
            entries = [f"<li>{_text(file)}</li>" for file in one["files"][:MOST_FILES]]
            entries += [f"<li>and {more} more, in report.json</li>"] if more > 0 else []
            files = f'<details><summary>Examples</summary><ul class="files">{"".join(entries)}</ul></details>'
        todo = f'<p class="todo">{_with_options(one["action"])}</p>' if one["action"] else ""
        yield (
            f'<section class="finding {_text(one["weight"])}"><h3>{_text(one["title"])} '
            f'<span class="faint">· {_WEIGHTS[one["weight"]]}</span></h3>'
            f"<p>{_text(one['text'])}</p>{todo}{files}</section>"
        )


def _classes(report: dict[str, Any]) -> str:
    rows = []
    for label, one in list(report["classes"].items())[:MOST_CLASSES]:
        medians = [_number(one[name]["median"] * factor) if name in one else "" for name, factor in _MEDIANS]
        rows.append([label, f"{one['clips']:,}", duration_text(one["seconds"]), *medians])
    more = len(report["classes"]) - MOST_CLASSES
    note = f'<p class="faint">and {more} more, in report.json</p>' if more > 0 else ""
    head = ["class", "clips", "in all", "median s", "LUFS", "kHz", "silent %", "background dBFS"]
    return _table(head, rows) + note


_MEDIANS = (("duration", 1.0), ("loudness", 1.0), ("bandwidth", 0.001), ("silence", 100.0), ("background", 1.0))


def _levels(report: dict[str, Any]) -> str:
    names = ("lowest", "5%", "median", "95%", "highest")
    rows = [
        [f"{name} ({one['unit']})", *(_number(one[key]) for key in names)] for name, one in report["levels"].items()
    ]
    return _table(["", *names], rows)


def _shortcuts(shortcuts: Sequence[dict[str, Any]]) -> str:
    rows = [
        [
            one["property"],
            f"{one['accuracy']:.2f}",
            f"{one['interval'][0]:.2f} to {one['interval'][1]:.2f}",
            f"{one['chance']:.2f}",
        ]
        for one in sorted(shortcuts, key=lambda one: -one["skill"])
    ]
    note = f"A small forest of random trees, cross-validated over {shortcuts[0]['num_sets']} sets of clips."
    return _table(["property", "balanced accuracy", "95% interval", "chance"], rows) + f'<p class="faint">{note}</p>'


def _files(report: dict[str, Any]) -> str:
    rows = [
        [
            "sampling rate",
            ", ".join(f"{int(rate) / 1000:g} kHz: {n:,}" for rate, n in report["sampling_rates"].items()),
        ],
        ["channels", ", ".join(f"{channels}: {n:,}" for channels, n in report["channels"].items())],
        ["format", ", ".join(f"{name}: {n:,}" for name, n in report["formats"].items())],
    ]
    if report["parts"]:
        rows.append(["parts", ", ".join(f"{name}: {n:,}" for name, n in report["parts"].items())])
    if report["groups"]["origin"]:
        rows.append(["groups", f"{report['groups']['num_groups']:,} ({report['groups']['origin']})"])
    return "".join(f'<p><span class="faint">{_text(name)}</span> {_text(value)}</p>' for name, value in rows)


def _guesses(guesses: Sequence[dict[str, Any]]) -> str:
    rows = []
    for one in guesses:
        example = "; ".join(f"{file} → {group}" for file, group in one["examples"][:2])
        rows.append(
            f"<p><b>{_text(one['meaning'])}</b>, {one['num_groups']:,} groups: "
            f'<code>--group_regex {_text(shlex.quote(one["regex"]))}</code></p><p class="faint">{_text(example)}</p>'
        )
    return "".join(rows)


def _copies(sets: Sequence[dict[str, Any]]) -> Iterable[str]:
    entries = []
    for one in sorted(sets, key=lambda one: (not one["across_parts"], not one["conflict"]))[:MOST_SETS]:
        files = [
            f"{file} ({label})" if one["conflict"] else file
            for file, label in zip(one["files"], one["labels"], strict=True)
        ]
        told = " = ".join(files[:6]) + (f" and {len(files) - 6} more" if len(files) > 6 else "")
        why = [text for key, text in (("across_parts", "in two parts"), ("conflict", "labels differ")) if one[key]]
        entries.append(f"<li>{_text(told)}{' — ' + ', '.join(why) if why else ''}</li>")
    yield f'<ul class="files">{"".join(entries)}</ul>'
    if len(sets) > MOST_SETS:
        yield f'<p class="faint">and {len(sets) - MOST_SETS:,} more sets, in report.json</p>'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{_text(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _with_options(text: str) -> str:
    """Escaped, and no line ends within the name of an option."""
    return re.sub(r"--\w+", r'<span class="option">\g<0></span>', _text(text))


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _text(value: object) -> str:
    return escape(shown(str(value)))
