"""The tab that finds events in long recordings: give one, hear it through, go over what was found, take it along."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import gradio as gr

from audiocls.detection.options import DetectOptions
from audiocls.errors import AudioclsError, UsageError
from audiocls.inference.classifier import AudioClassifier
from audiocls.ui.context import AppContext, Navigation, Tab
from audiocls.ui.recording.desk import Desk, Desks
from audiocls.ui.recording.layout import given_part, options_part, results_part, work_part
from audiocls.ui.recording.review import PRIVATE, Review, own_desk, own_visitor
from audiocls.ui.recording.words import given_line, outcome, progress_bar
from audiocls.ui.serving.visitors import Visitor
from audiocls.ui.sounds import told
from audiocls.ui.texts import recording as texts

LOOK_SECONDS = 0.4  # between two looks at how far a recording is


def build(context: AppContext, navigation: Navigation, classifier: AudioClassifier) -> Tab:
    """Add the tab to the Blocks that are being built."""
    page = _Page(context, classifier)
    page.wire_giving()
    page.wire_finding(navigation)
    page.review.wire()
    choices = [page.options.classes, page.results.label]
    return Tab(choices, lambda model, visitor: [gr.Dropdown(model.labels, value=None) for _ in choices])


class _Page:
    """The parts of the tab, and what happens when they are used."""

    def __init__(self, context: AppContext, classifier: AudioClassifier) -> None:
        self.context, self.desks = context, Desks(context.workspaces)
        with gr.Row():
            with gr.Column(scale=3, min_width=320):
                self.given = given_part(context)
            with gr.Column(scale=2, min_width=320):
                self.options = options_part(classifier.labels)
        self.work = work_part()
        self.results = results_part(classifier.labels, lambda *part: self.review.hear(*part))
        self.review = Review(context, self.desks, self.results)

    # --- giving a recording

    def wire_giving(self) -> None:
        given = self.given
        outputs = [given.upload, given.line, self.work.outcome, self.results.whole]
        given.upload.upload(self.take_upload, given.upload, outputs, concurrency_limit=2, **PRIVATE)
        given.path.submit(self.take_path, given.path, outputs, **PRIVATE)

    def take_upload(self, path: str | None, request: gr.Request) -> tuple[Any, ...]:
        if path is None:
            return tuple(gr.skip() for _ in range(4))
        return self._took(lambda visitor: self.desks.take_upload(visitor, Path(path)), request)

    def take_path(self, path: str | None, request: gr.Request) -> tuple[Any, ...]:
        return self._took(lambda visitor: self.desks.take_file(visitor, path or ""), request)

    def _took(self, take: Callable[[Visitor], Desk], request: gr.Request) -> tuple[Any, ...]:
        try:
            desk = take(own_visitor(self.context, request))
            line = given_line(desk.name, desk.info)
        except AudioclsError as error:
            line = str(error)
            gr.Warning(line)
        return None, line, gr.Markdown(visible=False), gr.Column(visible=False)

    # --- finding events

    def wire_finding(self, navigation: Navigation) -> None:
        work, results, options = self.work, self.results, self.options
        options.fitted.change(
            lambda fitted: gr.Slider(visible=not fitted), options.fitted, options.threshold, queue=False, **PRIVATE
        )
        work.find.click(
            self.find,
            [navigation.chosen, *options.all],
            [work.find, work.stop, work.progress, work.outcome, results.whole, *self.review.outputs],
            concurrency_limit=None,
            **PRIVATE,
        )
        work.stop.click(self.stop, None, work.stop, concurrency_limit=None, **PRIVATE)

    async def find(self, request: gr.Request, model_name: str, *options: Any) -> AsyncIterator[dict[Any, Any]]:
        """Hear the visitor's recording; pressed once more, as after a lost connection, it goes on telling."""
        work, results = self.work, self.results
        desk = own_desk(self.context, self.desks, request)
        classifier = await asyncio.to_thread(self.context.classifier, model_name, request)
        try:
            search = await asyncio.to_thread(desk.find, classifier, options_of(*options))
        except AudioclsError as error:
            raise told(str(error)) from error
        yield {
            work.find: gr.Button(interactive=False),
            work.stop: gr.Button(texts.STOP, interactive=True, visible=True),
            work.progress: gr.HTML(progress_bar(search), visible=True),
            work.outcome: gr.Markdown(visible=False),
            results.whole: gr.Column(visible=False),
        }
        while not search.ended:
            await asyncio.sleep(LOOK_SECONDS)
            yield {work.progress: progress_bar(search)}
        table = await asyncio.to_thread(desk.tabulate)
        yield {
            work.find: gr.Button(interactive=True),
            work.stop: gr.Button(visible=False),
            work.progress: gr.HTML("", visible=False),
            work.outcome: gr.Markdown(outcome(search), visible=True),
            results.whole: gr.Column(visible=table is not None and desk.picture is not None),
            **(self.review.fresh(desk, table) if table is not None else {}),
        }

    def stop(self, request: gr.Request) -> Any:
        desk = self.desks.get(own_visitor(self.context, request))
        if desk is not None and desk.search is not None:
            desk.search.stop()
        return gr.Button(texts.STOPPING, interactive=False)


def options_of(
    fitted: bool,
    threshold: float,
    classes: list[str] | None,
    minimum: str | None,
    gap: str | None,
    window: str | None,
    hop: str | None,
    denoise: str,
) -> DetectOptions:
    """What is chosen on the page, as of the command line.

    Raises:
        UsageError: a value is no number or out of range.
    """
    return DetectOptions(
        window_seconds=_seconds(texts.WINDOW, window),
        hop_seconds=_seconds(texts.HOP, hop),
        threshold="auto" if fitted else f"{float(threshold):.6g}",  # never the name of a file
        min_duration_seconds=_seconds(texts.MIN_DURATION, minimum),
        merge_gap_seconds=_seconds(texts.MERGE_GAP, gap),
        classes=",".join(classes) if classes else None,
        denoise=denoise,
    )


def _seconds(field: str, written: str | None) -> float | None:
    """What is written in a field; None where it is left to the model."""
    written = (written or "").strip().replace(",", ".")
    try:
        return float(written) if written else None
    except ValueError:
        raise UsageError(texts.NO_SECONDS.format(field=field, written=written[:40])) from None
