"""What the tab of long recordings consists of, from top to bottom; what happens in it is wired in the tab itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from audiocls.ui.context import AppContext
from audiocls.ui.limits import LARGEST_UPLOAD_BYTES, LONGEST_RECORDING_SECONDS
from audiocls.ui.sound_view import Hear, sound_view
from audiocls.ui.texts import recording as texts

# Before any event is chosen, a threshold that most models would have.
_THRESHOLD = 0.5


@dataclass(frozen=True)
class Given:
    """Where a recording is given: by upload or, for who sits at the machine, by its path; `line` tells what it is."""

    upload: gr.File
    path: gr.Textbox
    line: gr.Markdown


@dataclass(frozen=True)
class Options:
    """How events are looked for; `all` in the order of `options_of`."""

    fitted: gr.Checkbox
    threshold: gr.Slider
    classes: gr.Dropdown
    all: Sequence[Any]


@dataclass(frozen=True)
class Work:
    """Beginning, stopping, how far it is and how it ended."""

    find: gr.Button
    stop: gr.Button
    progress: gr.HTML
    outcome: gr.Markdown


@dataclass(frozen=True)
class Results:
    """What was found: picture, table with its filters, corrections, counts, downloads."""

    whole: gr.Column
    view: gr.HTML
    labels: Any
    score: Any
    shown: gr.Markdown
    table: gr.Dataframe
    chosen: gr.State
    told: gr.Markdown
    label: gr.Dropdown
    start: gr.Number
    end: gr.Number
    change: gr.Button
    delete: gr.Button
    restore: gr.Button
    add: gr.Button
    counts: gr.Markdown
    only_shown: gr.Checkbox
    downloads: dict[str, gr.Button]
    downloaded: gr.JSON


def given_part(context: AppContext) -> Given:
    """Upload and path."""
    local = context.rights.local
    limits = {"hours": LONGEST_RECORDING_SECONDS / 3600, "gigabytes": LARGEST_UPLOAD_BYTES / 1e9}
    gr.Markdown(texts.INTRODUCTION.format(**limits))
    upload = gr.File(label=texts.UPLOAD, elem_id="recording-upload", height=150)
    path = gr.Textbox(
        label=texts.PATH,
        info=texts.PATH_INFO,
        placeholder=texts.PATH_EXAMPLE,
        max_length=4000,
        visible=local,
        submit_btn=texts.PATH_BUTTON,
        elem_id="recording-path",
        html_attributes=gr.InputHTMLAttributes(autocapitalize="none", autocorrect="off", spellcheck=False),
    )
    return Given(upload, path, gr.Markdown(texts.NOTHING_GIVEN, elem_id="recording-given"))


def options_part(labels: Sequence[str]) -> Options:
    """The few options that a person needs, and the rest folded away."""
    fitted = gr.Checkbox(True, label=texts.FITTED, elem_id="recording-fitted")
    threshold = gr.Slider(
        0,
        1,
        _THRESHOLD,
        step=0.01,
        label=texts.THRESHOLD,
        info=texts.THRESHOLD_INFO,
        interactive=True,
        visible=False,
        elem_id="recording-threshold",
    )
    with gr.Accordion(texts.MORE_OPTIONS, open=False, elem_id="recording-options"):
        classes = gr.Dropdown(
            list(labels),
            multiselect=True,
            label=texts.CLASSES,
            info=texts.CLASSES_INFO,
            elem_id="recording-classes",
        )
        with gr.Row():
            minimum, gap, window, hop = (
                # no gr.Number: once it is seen, an empty one holds and sends 0
                gr.Textbox(label=label, info=info, placeholder=texts.AUTOMATIC, min_width=140, elem_id=name)
                for label, info, name in (
                    (texts.MIN_DURATION, None, "recording-minimum"),
                    (texts.MERGE_GAP, None, "recording-gap"),
                    (texts.WINDOW, None, "recording-window"),
                    (texts.HOP, texts.HOP_INFO, "recording-hop"),
                )
            )
        denoise = gr.Dropdown(
            list(texts.DENOISE_CHOICES.items()), value="model", label=texts.DENOISE, elem_id="recording-denoise"
        )
    return Options(fitted, threshold, classes, [fitted, threshold, classes, minimum, gap, window, hop, denoise])


def work_part() -> Work:
    """The buttons, the bar, the outcome."""
    with gr.Row():
        find = gr.Button(texts.FIND, variant="primary", elem_id="recording-find")
        stop = gr.Button(texts.STOP, variant="secondary", visible=False, elem_id="recording-stop")
    progress = gr.HTML(visible=False, elem_id="recording-progress")
    return Work(find, stop, progress, gr.Markdown(visible=False, elem_id="recording-outcome"))


def results_part(labels: Sequence[str], hear: Hear) -> Results:
    """Everything below, hidden until something was heard."""
    with gr.Column(visible=False, elem_id="recording-results") as whole:
        view = sound_view(texts.VIEW, "recording-view", hear=hear)
        with gr.Row():
            shown_labels = gr.Dropdown(
                [],
                multiselect=True,
                label=texts.FILTER_LABELS,
                info=texts.FILTER_LABELS_INFO,
                min_width=260,
                elem_id="recording-filter-labels",
            )
            score = gr.Slider(
                0, 1, 0, step=0.01, label=texts.FILTER_SCORE, min_width=260, elem_id="recording-filter-score"
            )
        with gr.Row():
            with gr.Column(scale=3, min_width=320):
                shown = gr.Markdown(elem_id="recording-shown")
                table = gr.Dataframe(
                    headers=list(texts.COLUMNS),
                    datatype=["number", "str", "str", "str", "number", "str"],
                    label=texts.TABLE,
                    interactive=False,
                    max_height=420,
                    wrap=False,
                    column_widths=[52, 104, 104, 120, 72, 240],
                    elem_id="recording-table",
                )
                only_shown, downloads, downloaded = _downloads_part()
            with gr.Column(scale=2, min_width=320):
                correction = _correction_part(labels)
                counts = gr.Markdown(elem_id="recording-counts")
    return Results(
        whole=whole,
        view=view,
        labels=shown_labels,
        score=score,
        shown=shown,
        table=table,
        counts=counts,
        only_shown=only_shown,
        downloads=downloads,
        downloaded=downloaded,
        **correction,
    )


def _correction_part(labels: Sequence[str]) -> dict[str, Any]:
    chosen = gr.State(None)
    with gr.Group(elem_id="recording-correct"):
        told = gr.Markdown(texts.NOT_CHOSEN, elem_id="recording-chosen")
        label = gr.Dropdown(
            list(labels),
            value=None,
            allow_custom_value=True,
            label=texts.LABEL,
            info=texts.LABEL_INFO,
            elem_id="recording-label",
        )
        with gr.Row():
            start = gr.Number(None, label=texts.START, step=0.01, min_width=120, elem_id="recording-start")
            end = gr.Number(None, label=texts.END, step=0.01, min_width=120, elem_id="recording-end")
    with gr.Row():
        change = gr.Button(
            texts.CHANGE, size="sm", min_width=140, variant="primary", interactive=False, elem_id="recording-change"
        )
        delete, restore, add = (
            gr.Button(text, size="sm", min_width=140, interactive=live, elem_id=name)
            for text, live, name in (
                (texts.DELETE, False, "recording-delete"),
                (texts.RESTORE, False, "recording-restore"),
                (texts.ADD, True, "recording-add"),
            )
        )
    form = {"chosen": chosen, "told": told, "label": label, "start": start, "end": end}
    return form | {"change": change, "delete": delete, "restore": restore, "add": add}


def _downloads_part() -> tuple[gr.Checkbox, dict[str, gr.Button], gr.JSON]:
    only_shown = gr.Checkbox(False, label=texts.ONLY_SHOWN, elem_id="recording-only-shown")
    with gr.Row():
        downloads = {
            form: gr.Button(texts.DOWNLOAD.format(form=name), size="sm", min_width=140, elem_id=f"recording-{form}")
            for form, name in texts.DOWNLOAD_NAMES.items()
        }
    return only_shown, downloads, gr.JSON(visible=False)
