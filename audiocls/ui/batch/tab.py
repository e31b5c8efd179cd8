"""The tab that classifies many files: uploads, a zip or a folder in, a table and a CSV file out."""

import asyncio
import html
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NamedTuple

import gradio as gr

from audiocls.errors import AudioclsError
from audiocls.inference.classifier import AudioClassifier
from audiocls.ui.batch.run import Batch, Given, sounds_in, sounds_of
from audiocls.ui.batch.view import progress_bar, summary
from audiocls.ui.context import AppContext, Navigation, Tab
from audiocls.ui.limits import BATCHES_AT_ONCE, LONGEST_BATCH_SECONDS_OTHERS
from audiocls.ui.serving.visitors import Visitor
from audiocls.ui.sounds import told
from audiocls.ui.texts import batch as texts

LOOK_SECONDS = 0.5
TABLE_EVERY = 6  # looks; a table is larger than a bar
COLUMN_WIDTHS = ["min(290px, 42vw)", "160px", "100px", "300px", "260px"]


class Parts(NamedTuple):
    """What is on the tab."""

    given: gr.File
    folder: gr.Textbox
    start: gr.Button
    stop: gr.Button
    progress: gr.HTML
    answers: gr.HTML
    download: gr.DownloadButton
    table: gr.Dataframe


def build(context: AppContext, navigation: Navigation, classifier: AudioClassifier) -> Tab:
    """Add the tab to the Blocks that are being built."""
    running: dict[str, Batch] = {}
    parts = _parts(context)

    async def run(
        files: list[str] | None, folder: str | None, chosen: str, request: gr.Request
    ) -> AsyncIterator[dict[Any, Any]]:
        visitor = context.visitor(request)
        if visitor.session is None or visitor.session in running:
            raise told(texts.ALREADY_RUNNING if visitor.session else texts.NO_PAGE)
        model = await asyncio.to_thread(context.classifier, chosen, request)
        batch, own = await asyncio.to_thread(prepared, context, visitor, model, files, folder)
        running[visitor.session] = batch
        batch.start()
        try:
            yield _begun(parts, batch)
            looks = shown = 0
            while not batch.ended:
                await asyncio.sleep(LOOK_SECONDS)
                looks += 1
                update: dict[Any, Any] = {parts.progress: progress_bar(batch)}
                if looks % TABLE_EVERY == 0 and len(batch.answers) > shown:
                    shown = len(batch.answers)
                    update[parts.table] = gr.Dataframe(batch.rows(), visible=True)
                yield update
            yield _ended(parts, batch, await asyncio.to_thread(written, context, visitor, batch))
        finally:
            batch.stop()
            running.pop(visitor.session, None)
            shutil.rmtree(own, ignore_errors=True)

    def end(request: gr.Request) -> Any:
        if batch := running.get(context.visitor(request).session or ""):
            batch.stop()
        return gr.Button(texts.STOPPING, interactive=False)

    gr.on(
        [parts.start.click, parts.folder.submit],
        run,
        [parts.given, parts.folder, navigation.chosen],
        [parts.start, parts.stop, parts.progress, parts.answers, parts.download, parts.table],
        api_visibility="private",
        concurrency_limit=BATCHES_AT_ONCE,
        concurrency_id="batch",
        show_progress="minimal",
        show_progress_on=[parts.progress],
    )
    parts.stop.click(end, None, parts.stop, api_visibility="private", show_progress="hidden", concurrency_limit=None)
    return Tab()


def _parts(context: AppContext) -> Parts:
    gr.Markdown(texts.ABOUT)
    with gr.Row():
        with gr.Column(scale=3, min_width=320):
            given = gr.File(label=texts.FILES, file_count="multiple", height=180, elem_id="batch-files")
        with gr.Column(scale=2, min_width=320):
            folder = gr.Textbox(
                label=texts.FOLDER,
                info=texts.FOLDER_INFO,
                placeholder="data/my_sounds",
                visible=context.rights.local,
                elem_id="batch-folder",
                html_attributes=gr.InputHTMLAttributes(autocapitalize="none", autocorrect="off", spellcheck=False),
            )
            start = gr.Button(texts.START, variant="primary", elem_id="batch-start")
            stop = gr.Button(texts.STOP, visible=False, elem_id="batch-stop")
    progress = gr.HTML(visible=False, elem_id="batch-progress")
    answers = gr.HTML(visible=False, elem_id="batch-summary")
    download = gr.DownloadButton(texts.DOWNLOAD, visible=False, elem_id="batch-download")
    table = gr.Dataframe(
        headers=texts.HEADERS,
        datatype=["str", "str", "number", "str", "str"],
        column_widths=[*COLUMN_WIDTHS],
        interactive=False,
        show_search="filter",
        buttons=["fullscreen"],
        wrap=True,
        max_height=600,
        label=texts.TABLE,
        visible=False,
        elem_id="batch-table",
    )
    return Parts(given, folder, start, stop, progress, answers, download, table)


def _begun(parts: Parts, batch: Batch) -> dict[Any, Any]:
    return {
        parts.start: gr.Button(interactive=False),
        parts.stop: gr.Button(texts.STOP, interactive=True, visible=True),
        parts.progress: gr.HTML(progress_bar(batch), visible=True),
        parts.answers: gr.HTML(visible=False),
        parts.download: gr.DownloadButton(visible=False),
        parts.table: gr.Dataframe([], visible=False),
    }


def _ended(parts: Parts, batch: Batch, path: str | None) -> dict[Any, Any]:
    return {
        parts.start: gr.Button(interactive=True),
        parts.stop: gr.Button(visible=False),
        parts.progress: progress_bar(batch),
        parts.answers: gr.HTML(summary(batch.counts()), visible=bool(batch.answers)),
        parts.download: gr.DownloadButton(value=path, visible=path is not None),
        parts.table: gr.Dataframe(batch.rows(), visible=bool(batch.answers)),
    }


def prepared(
    context: AppContext, visitor: Visitor, classifier: AudioClassifier, files: list[str] | None, folder: str | None
) -> tuple[Batch, Path]:
    """What a visitor gave, ready to be classified, and the folder into which zips of it were unpacked.

    Raises:
        gr.Error: why it cannot be, for the visitor.
    """
    folder = (folder or "").strip()
    if folder and not visitor.local:
        raise told(texts.NO_FOLDER_HERE)
    if folder and files:
        raise told(texts.BOTH)
    if not folder and not files:
        raise told(texts.NOTHING_YET)
    own = Path(mkdtemp(prefix="batch-", dir=context.workspaces.folder(visitor)))
    try:
        found = sounds_in(folder) if folder else sounds_of([Given(Path(f).name, Path(f)) for f in files or []], own)
    except AudioclsError as error:
        shutil.rmtree(own, ignore_errors=True)
        raise told(html.escape(str(error))) from error
    limit = None if visitor.local else LONGEST_BATCH_SECONDS_OTHERS
    return Batch(classifier, found, limit, wanted=own.is_dir), own


def written(context: AppContext, visitor: Visitor, batch: Batch) -> str | None:
    """The path of the CSV file of what was answered, in the visitor's own folder; None where nothing was."""
    if not batch.answers:
        return None
    path = Path(mkdtemp(prefix="csv-", dir=context.workspaces.folder(visitor))) / texts.FILE_NAME
    path.write_text(batch.csv(), encoding="utf-8", errors="surrogateescape", newline="")
    return str(path)
