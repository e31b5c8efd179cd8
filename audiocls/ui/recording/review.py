"""Going over the events that were found in a recording: filter, hear, correct, take them along as tables.

Anybody may call these with any numbers: each works on the recording of the session that calls, and on no other.
"""

from collections.abc import Callable
from typing import Any

import gradio as gr
import numpy as np

from audiocls.errors import AudioReadError, UsageError
from audiocls.ui.context import AppContext
from audiocls.ui.limits import MOST_MARKS
from audiocls.ui.recording.desk import Desk, Desks
from audiocls.ui.recording.layout import Results
from audiocls.ui.recording.table import EventTable, Row
from audiocls.ui.recording.words import chosen_line, counts_text, table_rows
from audiocls.ui.serving.visitors import Visitor
from audiocls.ui.sound_view import Mark, chosen, with_marks
from audiocls.ui.sounds import told
from audiocls.ui.texts import recording as texts

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
# The table goes into a file on the visitor's machine, and into none here.
SAVE_FILE = """(file) => {
    if (!file) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([file.text], {type: "text/plain"}));
    link.download = file.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}"""


class Review:
    """What happens in the lower part of the tab. outputs: what a new table of events changes there."""

    def __init__(self, context: AppContext, desks: Desks, results: Results) -> None:
        self.context, self.desks, self.results = context, desks, results

    def wire(self) -> None:
        results = self.results
        filters = [results.labels, results.score]
        form = [results.chosen, results.label, results.start, results.end]
        selected = [*form, results.told, results.change, results.delete, results.restore]
        filtered = [results.view, results.table, results.shown]
        for each in filters:
            each.input(self.filter, filters, filtered, trigger_mode="always_last", **PRIVATE)
        results.table.select(self.select_row, None, [*selected, results.view], **PRIVATE)
        results.view.select(self.select_mark, None, selected, **PRIVATE)
        corrected = [*filtered, results.labels, results.counts, *selected]
        for button, correct in (
            (results.change, lambda table, number, *event: table.change(number, *event)),
            (results.delete, lambda table, number, *event: table.delete(number)),
            (results.restore, lambda table, number, *event: table.restore(number)),
            (results.add, lambda table, number, *event: table.add(*event)),
        ):
            button.click(self._correcting(correct), [*filters, *form], corrected, **PRIVATE)
        for form_name, button in results.downloads.items():
            button.click(
                self._downloading(form_name), [*filters, results.only_shown], results.downloaded, **PRIVATE
            ).success(None, results.downloaded, None, js=SAVE_FILE, api_visibility="private")

    def filter(self, labels: list[str], score: float, request: gr.Request) -> list[Any]:
        desk, table = self._own(request)
        return self._filtered(desk, table, labels, score)

    def select_row(self, event: gr.SelectData, request: gr.Request) -> list[Any]:
        desk, table = self._own(request)
        number = int(event.row_value[0])
        updates = _selected(table, _row(table, number))
        if number not in desk.shown:  # too many for the picture: the chosen one takes the place of the last
            desk.shown = (*desk.shown[: MOST_MARKS - 1], number)
            return [*updates, with_marks(desk.picture or {}, _marks([table.row(each) for each in desk.shown]))]
        return [*updates, chosen(desk.shown.index(number))]

    def select_mark(self, event: gr.EventData, request: gr.Request) -> list[Any]:
        desk, table = self._own(request)
        index = (event._data or {}).get("index")
        if not isinstance(index, int) or not 0 <= index < len(desk.shown):
            raise told(texts.NO_SUCH_EVENT)
        return _selected(table, _row(table, desk.shown[index]))

    def hear(self, start: float, end: float, request: gr.Request) -> tuple[np.ndarray, int]:
        """A part of the visitor's own recording."""
        desk = own_desk(self.context, self.desks, request)
        try:
            return desk.excerpt(start, end)
        except AudioReadError as error:
            raise told(texts.GONE) from error

    def _correcting(self, correct: Callable[..., Row]) -> Callable[..., list[Any]]:
        def corrected(
            labels: list[str],
            score: float,
            number: int | None,
            label: str | None,
            start: float | None,
            end: float | None,
            request: gr.Request,
        ) -> list[Any]:
            desk, table = self._own(request)
            try:
                row = correct(table, number or 0, label or "", start, end)
            except UsageError as error:
                raise told(str(error)) from error
            kept = [each for each in labels or [] if each in table.labels()]
            return [
                *self._filtered(desk, table, kept, score),
                gr.Dropdown(table.labels(), value=kept),
                counts_text(table),
                *_selected(table, row),
            ]

        return corrected

    def _downloading(self, form: str) -> Callable[..., dict[str, str]]:
        def downloaded(labels: list[str], score: float, only_shown: bool, request: gr.Request) -> dict[str, str]:
            _, table = self._own(request)
            rows = table.rows(labels, score) if only_shown else None
            return {"name": table.file_name(form), "text": table.text(form, rows)}

        return downloaded

    @property
    def outputs(self) -> list[Any]:
        each = self.results
        shown = [each.view, each.table, each.shown, each.labels, each.score, each.counts, each.chosen, each.told]
        return [*shown, each.label, each.start, each.end, each.change, each.delete, each.restore]

    def fresh(self, desk: Desk, table: EventTable) -> dict[Any, Any]:
        """A new table, nothing filtered or chosen."""
        each = self.results
        view, rows, shown = self._filtered(desk, table, [], 0.0)
        buttons = {button: gr.Button(interactive=False) for button in (each.change, each.delete, each.restore)}
        return {
            each.view: view,
            each.table: rows,
            each.shown: shown,
            each.labels: gr.Dropdown(table.labels(), value=[]),
            each.score: 0,
            each.counts: counts_text(table),
            each.chosen: None,
            each.told: texts.NOT_CHOSEN,
            each.label: None,
            each.start: None,
            each.end: None,
            **buttons,
        }

    def _filtered(self, desk: Desk, table: EventTable, labels: list[str], score: float) -> list[Any]:
        """View, table and the line above it."""
        rows = table.rows(labels, score)
        marked = [row for row in rows if not row.deleted]
        line = texts.SHOWN.format(shown=len(rows), all=len(table))
        if len(marked) > MOST_MARKS:
            least = sorted(row.event.peak_score for row in marked)[-MOST_MARKS]
            marked = [row for row in marked if row.event.peak_score >= least][:MOST_MARKS]
            line += texts.ONLY_BEST_MARKED.format(marks=MOST_MARKS)
        desk.shown = tuple(row.number for row in marked)
        picture = with_marks(desk.picture, _marks(marked)) if desk.picture is not None else None
        return [picture, table_rows(rows, table.seconds), line]

    def _own(self, request: gr.Request) -> tuple[Desk, EventTable]:
        """What this visitor has, with a table.

        Raises:
            gr.Error: nothing.
        """
        desk = own_desk(self.context, self.desks, request)
        if desk.table is None:
            raise told(texts.NO_FILE)
        return desk, desk.table


def own_visitor(context: AppContext, request: gr.Request) -> Visitor:
    """Who calls.

    Raises:
        gr.Error: nobody with a page.
    """
    visitor = context.visitor(request)
    if visitor.session is None:
        raise told(texts.NO_FILE)
    return visitor


def own_desk(context: AppContext, desks: Desks, request: gr.Request) -> Desk:
    """What the visitor who calls has.

    Raises:
        gr.Error: nothing.
    """
    desk = desks.get(own_visitor(context, request))
    if desk is None:
        raise told(texts.NO_FILE)
    return desk


def _selected(table: EventTable, row: Row) -> list[Any]:
    """The form with an event in it."""
    event = row.event
    times = [round(event.start_seconds, 3), round(event.end_seconds, 3)]
    live = [not row.deleted, not row.deleted, bool(row.correction) and (row.found is not None or row.deleted)]
    return [
        row.number,
        event.label,
        *times,
        chosen_line(row, table.seconds),
        *[gr.Button(interactive=each) for each in live],
    ]


def _row(table: EventTable, number: int) -> Row:
    try:
        return table.row(number)
    except UsageError as error:
        raise told(str(error)) from error


def _marks(rows: list[Row]) -> list[Mark]:
    return [Mark(row.event.start_seconds, row.event.end_seconds, row.event.label, row.event.peak_score) for row in rows]
