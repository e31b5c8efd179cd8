"""The part of the page that shows a training: where it stands, its curves, its leaderboard, its result."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr
import pandas as pd

from audiocls.errors import AudioclsError
from audiocls.ui.context import AppContext, Navigation
from audiocls.ui.serving.visitors import Visitor
from audiocls.ui.sounds import told
from audiocls.ui.texts import train as texts
from audiocls.ui.train.results import result_text, zipped
from audiocls.ui.train.trainings import CANCELLED, DONE, FAILED, OPEN, RUNNING, WAITING, Training, Trainings
from audiocls.ui.train.views import curves, leaderboard, rows_of, status_text

LOOK_SECONDS = 1.0
SHOWN_LINES = 200
COLOURS = {texts.LEARNT: "#0d9488", texts.WATCHED: "#d97706", texts.BALANCED: "#0d9488"}


@dataclass(frozen=True)
class RunPanel:
    """outputs: what `updates` gives values for, in this order; the first is the timer that asks for them."""

    outputs: list[Any]
    trainings: Trainings
    context: AppContext

    def updates(self, visitor: Visitor, seen: object) -> list[Any]:
        """How things stand, skipping what is as it was when `seen` was returned (the last of the list)."""
        training = self.trainings.of(visitor)
        state = training.state if training else None
        status = status_text(training, self.trainings.ahead(training) if training else 0)
        head = [
            gr.Timer(active=state in OPEN),
            gr.Column(visible=training is not None),
            gr.Markdown(status, visible=bool(status)),
            gr.Button(visible=state in (WAITING, RUNNING)),
            gr.Button(visible=state in (CANCELLED, FAILED)),
            gr.Button(visible=state is not None and state not in OPEN),
        ]
        return [*head, *self._scores(training, seen), *self._result(training, seen, visitor), mark_of(training)]

    def _scores(self, training: Training | None, seen: object) -> list[Any]:
        """Curves, leaderboard and log."""
        if training is None:
            return [gr.LinePlot(visible=False), gr.LinePlot(visible=False), gr.Dataframe(visible=False), ""]
        if mark_of(training) == seen:
            return [gr.skip()] * 4
        axis, points = curves(rows_of(training))
        plots = [
            gr.LinePlot(pd.DataFrame(points[name]), x_title=axis, visible=True)
            if points[name]
            else gr.LinePlot(visible=False)
            for name in ("loss", "score")
        ]
        board = leaderboard(training)
        log = "\n".join(training.lines[-SHOWN_LINES:])
        return [*plots, gr.Dataframe(board, visible=bool(board)), log]

    def _result(self, training: Training | None, seen: object, visitor: Visitor) -> list[Any]:
        """Result, its text, the confusion matrix and the download."""
        if training is None or training.state != DONE:
            return [gr.Column(visible=False), "", None, gr.DownloadButton(value=None)]
        if mark_of(training) == seen:
            return [gr.skip()] * 4
        folder = training.target
        picture = folder / "confusion_matrix.png"
        try:
            archive = str(zipped(folder, self.context.workspaces.folder(visitor) / "downloads"))
        except AudioclsError:
            archive = ""
        return [
            gr.Column(visible=True),
            result_text(folder, training.seconds),
            gr.Image(str(picture), visible=True) if picture.is_file() else gr.Image(visible=False),
            gr.DownloadButton(value=archive or None, visible=bool(archive)),
        ]


def mark_of(training: Training | None) -> tuple[Any, ...] | None:
    """What changes when there is more to show than the time that passes."""
    if training is None:
        return None
    lines = training.lines
    return id(training), training.state, len(training.rows), len(lines), lines[-1] if lines else ""


def run_panel(
    context: AppContext,
    navigation: Navigation,
    trainings: Trainings,
    permitted: Callable[[gr.Request], Visitor],
    name_of: Callable[[Training], str],
) -> RunPanel:
    """Add the part to the Blocks that are being built.

    Args:
        name_of: what the picker calls the model of a training.
    """
    timer = gr.Timer(LOOK_SECONDS, active=False)
    seen = gr.State(None)
    with gr.Column(visible=False, elem_id="train-run") as part:
        status = gr.Markdown(elem_id="train-status")
        with gr.Row():
            cancel_button = gr.Button(
                texts.CANCEL, variant="stop", visible=False, scale=0, min_width=160, elem_id="train-cancel"
            )
            resume_button = gr.Button(
                texts.RESUME, variant="primary", visible=False, scale=0, min_width=160, elem_id="train-resume"
            )
        with gr.Column(visible=False, elem_id="train-result") as result, gr.Row():
            with gr.Column(scale=3, min_width=320):
                scores = gr.Markdown(elem_id="train-scores")
                open_button = gr.Button(texts.OPEN, variant="primary", elem_id="train-open")
                download = gr.DownloadButton(texts.DOWNLOAD, elem_id="train-download")
            with gr.Column(scale=2, min_width=320):
                matrix = gr.Image(label=texts.MATRIX, interactive=False, buttons=["fullscreen"], elem_id="train-matrix")
        with gr.Row(elem_id="train-curves"):
            plots = [_plot(title, place) for title, place in ((texts.LOSS, "train-loss"), (texts.SCORE, "train-score"))]
        board = gr.Dataframe(
            headers=texts.LEADERBOARD_COLUMNS,
            label=texts.LEADERBOARD,
            interactive=False,
            visible=False,
            wrap=True,
            elem_id="train-leaderboard",
        )
        with gr.Accordion(texts.LOG, open=False, elem_id="train-log"):
            log = gr.Textbox(
                label=texts.LOG_LABEL, lines=6, max_lines=20, interactive=False, buttons=["copy"], autoscroll=True
            )
        again_button = gr.Button(texts.AGAIN, visible=False, elem_id="train-again")
    outputs = [
        timer, part, status, cancel_button, resume_button, again_button, *plots, board, log, result, scores, matrix,
        download, seen,
    ]  # fmt: skip
    panel = RunPanel(outputs, trainings, context)

    def look(before: object, request: gr.Request) -> list[Any]:
        return panel.updates(permitted(request), before)

    def cancel(request: gr.Request) -> list[Any]:
        visitor = permitted(request)
        if training := trainings.of(visitor):
            trainings.cancel(training)
        return panel.updates(visitor, None)

    def resume(request: gr.Request) -> list[Any]:
        visitor = permitted(request)
        if training := trainings.of(visitor):
            trainings.resume(training)
        return panel.updates(visitor, None)

    def again(request: gr.Request) -> list[Any]:
        visitor = permitted(request)
        trainings.dismiss(visitor)
        return panel.updates(visitor, None)

    def open_model(request: gr.Request) -> tuple[Any, Any]:
        visitor = permitted(request)
        training = trainings.of(visitor)
        if training is None or training.state != DONE:
            raise told(texts.FAILED_UNKNOWN)
        return gr.Dropdown(context.shelf.choices(visitor), value=name_of(training)), gr.Tabs(selected="classify")

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None}
    timer.tick(look, seen, outputs, **quiet)
    cancel_button.click(cancel, None, outputs, **quiet)
    resume_button.click(resume, None, outputs, **quiet)
    again_button.click(again, None, outputs, **quiet)
    open_button.click(open_model, None, [navigation.picker, navigation.tabs], **quiet)
    return panel


def _plot(title: str, place: str) -> gr.LinePlot:
    return gr.LinePlot(
        pd.DataFrame({"x": [], "value": [], "clips": []}),
        x="x",
        y="value",
        color="clips",
        title=title,
        y_title=" ",
        color_title=" ",
        color_map=COLOURS,
        height=260,
        visible=False,
        buttons=[],
        elem_id=place,
    )
