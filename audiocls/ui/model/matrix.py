"""A confusion matrix as a table of buttons: HTML, its style and its keys. It knows no model and no clips."""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audiocls.evaluation.share_colours import ink_on, share_colour
from audiocls.ui.limits import LARGEST_MATRIX, SHOWN_CONFUSIONS
from audiocls.ui.texts import model as texts

# One button can be reached with Tab, the others from there with arrow keys. Fires `select` with row and column.
KEYS = """
const steps = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};
const place = (button) => [Number(button.dataset.row), Number(button.dataset.column)];
element.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-row]");
    if (!button) return;
    for (const each of element.querySelectorAll("button[data-row]")) {
        each.setAttribute("aria-pressed", each === button);
        each.tabIndex = each === button ? 0 : -1;
    }
    const [row, column] = place(button);
    trigger("select", {row, column});
});
element.addEventListener("keydown", (event) => {
    const button = event.target.closest("button[data-row]"), step = steps[event.key];
    if (!button || !step) return;
    event.preventDefault();
    const [row, column] = place(button);
    let best = null, least = Infinity;
    for (const each of element.querySelectorAll("button[data-row]")) {
        const [down, right] = [place(each)[0] - row, place(each)[1] - column];
        const along = down * step[0] + right * step[1], aside = Math.abs(down * step[1]) + Math.abs(right * step[0]);
        if (along > 0 && along + 3 * aside < least) [best, least] = [each, along + 3 * aside];
    }
    if (best) {
        button.tabIndex = -1; best.tabIndex = 0; best.focus();
        best.scrollIntoView({block: "nearest", inline: "nearest"});
    }
});
"""
CSS = """
#model-matrix .wide {overflow-x: auto; max-width: 100%;}
#model-matrix table {border-collapse: separate; border-spacing: 2px; margin: 0; width: auto; border: 0 !important;
    background: none;}
#model-matrix :is(th, td) {padding: 0; border: 0; text-align: center; font-weight: 400; font-size: var(--text-sm);}
#model-matrix tbody th {text-align: right; padding-right: 6px; max-width: 11em; overflow-wrap: anywhere;
    position: sticky; left: 0; background: var(--body-background-fill); z-index: 1;}
#model-matrix thead th {vertical-align: bottom; height: 4em;}
#model-matrix thead th > span {writing-mode: vertical-rl; transform: rotate(180deg); max-height: 9em; overflow: hidden;
    text-overflow: ellipsis; white-space: nowrap; display: inline-block;}
#model-matrix thead th.level > span {writing-mode: horizontal-tb; transform: none; white-space: normal; max-width: 6em;}
#model-matrix td > * {display: block; min-width: 2.1em; width: 100%; height: 2.6em; line-height: 2.5em; padding: 0 .3em;
    border-radius: 4px; font-variant-numeric: tabular-nums; box-sizing: border-box;}
#model-matrix td > .none {background: var(--background-fill-secondary); color: transparent;}
#model-matrix button {cursor: pointer; border: 1px solid #7b8794; background: var(--shade); color: var(--ink);
    font: inherit;}
#model-matrix button:is(:hover, [aria-pressed=true]) {outline: 2px solid var(--body-text-color); outline-offset: 1px;}
#model-matrix button:focus-visible {outline: 3px solid var(--color-accent); outline-offset: 1px;}
#model-matrix .corner {color: var(--body-text-color-subdued); text-align: right; padding-right: 6px;}
@media (min-width: 1000px) {#model-matrix td > * {min-width: 2.9em;}}
@media (max-width: 640px) {#model-matrix tbody th {max-width: 6.5em;} #model-matrix table {border-spacing: 1px;}
    #model-matrix td > * {padding: 0;}}
"""


@dataclass(frozen=True)
class Matrix:
    """What is drawn: names of rows and columns, counts, and of how many clips each is a part.

    multi: rows are labels, columns what became of each; else both are classes.
    """

    rows: list[str]
    columns: list[str]
    cells: list[list[int]]
    totals: list[list[int]]
    split: str
    multi: bool


def read_matrix(metrics: Mapping[str, Any]) -> Matrix | None:
    """The matrix of metrics.json; None where there is none, or it is none."""
    try:
        labels = [str(label) for label in metrics["confusion_matrix"]["labels"]]
        counts = metrics["confusion_matrix"]["counts"]
        if metrics.get("multi_label"):
            # [[rightly absent, false alarms], [missed, found]]
            cells = [[int(t[1][1]), int(t[1][0]), int(t[0][1]), int(t[0][0])] for t in counts]
            totals = [[a + b, a + b, c + d, c + d] for a, b, c, d in cells]
            columns = list(texts.MATRIX_COLUMNS.values())
        else:
            cells = [[int(number) for number in row] for row in counts]
            totals, columns = [[sum(row)] * len(row) for row in cells], labels
    except (KeyError, TypeError, ValueError, IndexError, OverflowError):
        return None
    square = len(cells) == len(labels) and all(len(row) == len(columns) for row in cells)
    whole = square and all(number >= 0 for row in cells for number in row)
    split = str(metrics.get("split", "test"))
    return Matrix(labels, columns, cells, totals, split, bool(metrics.get("multi_label"))) if whole else None


def matrix_html(matrix: Matrix, *, choosable: bool) -> str:
    """The matrix, or where it is too large a list of its mistakes.

    Args:
        choosable: whether the clips of a cell can be told; else its cells are no buttons.
    """
    if len(matrix.rows) > LARGEST_MATRIX and not matrix.multi:
        return _confusions(matrix, choosable)
    first = _first_cell(matrix)
    level = " class='level'" if matrix.multi else ""
    head = "".join(f"<th scope='col'{level}><span title='{_q(n)}'>{_q(n)}</span></th>" for n in matrix.columns)
    corner = "" if matrix.multi else f"{texts.MATRIX_TRUE} ↓ {texts.MATRIX_GIVEN} →"
    body = "".join(
        f"<tr><th scope='row'>{_q(name)}</th>{_row_cells(matrix, number, first, choosable)}</tr>"
        for number, name in enumerate(matrix.rows)
    )
    table = (
        f"<table aria-label='{_q(texts.MATRIX_LABEL)}'><thead><tr><td class='corner'>{corner}</td>{head}</tr></thead>"
    )
    return f"{_hint(matrix, choosable)}<div class='wide'>{table}<tbody>{body}</tbody></table></div>"


def cell_title(matrix: Matrix, row: int, column: int) -> str:
    """A cell in words, such as "2 of 10 wood called drum"."""
    number, total = matrix.cells[row][column], matrix.totals[row][column]
    if matrix.multi:
        return texts.MATRIX_CELL_LABELS.format(
            label=matrix.rows[row], column=matrix.columns[column], number=number, total=total
        )
    return texts.MATRIX_CELL.format(number=number, total=total, true=matrix.rows[row], given=matrix.columns[column])


def _hint(matrix: Matrix, choosable: bool) -> str:
    hint = texts.MATRIX_HINT if choosable else texts.MATRIX_HINT_PLAIN
    if matrix.multi:
        hint = texts.MATRIX_HINT_LABELS
    return f"<h3>{texts.MATRIX}</h3><p>{_q(hint.format(split=matrix.split))}</p>"


def _first_cell(matrix: Matrix) -> tuple[int, int]:
    """The cell that is reached first: the largest mistake, else the first that is not empty."""
    places = [(r, c) for r, row in enumerate(matrix.cells) for c, number in enumerate(row) if number]
    wrong = [(r, c) for r, c in places if (c in (1, 2) if matrix.multi else r != c)]
    return max(wrong or places[:1] or [(0, 0)], key=lambda place: matrix.cells[place[0]][place[1]])


def _row_cells(matrix: Matrix, row: int, first: tuple[int, int], choosable: bool) -> str:
    return "".join(
        _cell(matrix, row, column, first == (row, column), choosable) for column in range(len(matrix.columns))
    )


def _cell(matrix: Matrix, row: int, column: int, first: bool, choosable: bool) -> str:
    number, total = matrix.cells[row][column], matrix.totals[row][column]
    if not number:
        return "<td><span class='none'>0</span></td>"
    shade = share_colour(number / total if total else 0.0)
    look = f"style='--shade:{shade};--ink:{ink_on(shade)}'"
    title = _q(cell_title(matrix, row, column))
    if not choosable:
        return f"<td><span {look} class='plain' title='{title}'>{number}</span></td>"
    place = f"data-row='{row}' data-column='{column}' tabindex='{0 if first else -1}' aria-pressed='false'"
    return f"<td><button type='button' {place} aria-label='{title}' title='{title}' {look}>{number}</button></td>"


def _confusions(matrix: Matrix, choosable: bool) -> str:
    """The most frequent mistakes as a table."""
    wrong = [
        (number, row, column)
        for row, cells in enumerate(matrix.cells)
        for column, number in enumerate(cells)
        if number and row != column
    ]
    wrong = sorted(wrong, key=lambda each: (-each[0], each[1], each[2]))[:SHOWN_CONFUSIONS]
    first = wrong[0][1:] if wrong else None
    rows = "".join(
        f"<tr><th scope='row'>{_q(matrix.rows[row])}</th><td>{_q(matrix.columns[column])}</td>"
        f"{_cell(matrix, row, column, first == (row, column), choosable)}</tr>"
        for _, row, column in wrong
    )
    head = "".join(f"<th scope='col' class='level'><span>{_q(name)}</span></th>" for name in texts.CONFUSION_COLUMNS)
    told = texts.CONFUSIONS.format(number=len(matrix.rows))
    return (
        f"{_hint(matrix, choosable)}<p>{_q(told)}</p><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _q(text: str) -> str:
    return html.escape(str(text), quote=True)
