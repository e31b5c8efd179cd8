"""The tab that tells what the model is: facts, scores, a confusion matrix whose clips can be heard, pictures, card.

Nothing of it is read before the tab is looked at. Sounds of the test that do not lie in the model folder are played to
who sits at this machine alone.
"""

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
from gradio.context import get_render_context

from audiocls.inference.classifier import AudioClassifier
from audiocls.ui.card import PICTURES, card_text, escaped
from audiocls.ui.context import AppContext, Navigation, Tab
from audiocls.ui.limits import SHOWN_CLIPS
from audiocls.ui.model.clips import AnsweredClip, ClipSounds, answered_clips, data_folder, in_cell
from audiocls.ui.model.facts import missing
from audiocls.ui.model.files import ModelFiles
from audiocls.ui.model.matrix import KEYS, cell_title, matrix_html, read_matrix
from audiocls.ui.model.scores import scores_markdown
from audiocls.ui.model.view import PLAY, clips_html, facts_html, pictures_html
from audiocls.ui.serving.visitors import Visitor
from audiocls.ui.sound_view import Mark, chosen, picture_of, sound_view
from audiocls.ui.sounds import read_sound, told
from audiocls.ui.texts import model as texts

ERRORS_PAGE = "errors.html"


class Parts(NamedTuple):
    """What the tab is made of, in the order of the page."""

    facts: gr.HTML
    origin: gr.Markdown
    matrix: gr.HTML
    clips: gr.HTML
    view: gr.HTML
    data: gr.Textbox
    scores: gr.Markdown
    pictures: gr.HTML
    errors: gr.DownloadButton
    card: gr.Markdown


def build(context: AppContext, navigation: Navigation, classifier: AudioClassifier) -> Tab:
    """Add the tab to the Blocks that are being built."""

    def look(name: str, request: gr.Request) -> list[Any]:
        visitor = context.visitor(request)
        return [True, *shown(context, context.classifier(name, request), visitor)]

    def look_again(name: str, seen: bool, request: gr.Request) -> list[Any]:
        """Another model was opened; what was never looked at stays empty."""
        return look(name, request) if seen else [gr.skip()] * (1 + len(parts))

    def choose(name: str, data: str, event: gr.EventData, request: gr.Request) -> tuple[Any, Any]:
        cell = Cell.of(context, name, data, event, request)
        return gr.HTML(cell.html()), gr.HTML(None, visible=False)

    def play(name: str, data: str, event: gr.EventData, request: gr.Request) -> Any:
        cell = Cell.of(context, name, data, event, request)
        return gr.HTML(cell.picture(_number(event, "index")), visible=True)

    seen = gr.State(False)
    parts = lay_out(context)
    tab = get_render_context()
    quiet: dict[str, Any] = {"api_visibility": "private"}
    if isinstance(tab, gr.Tab):
        tab.select(look, navigation.chosen, [seen, *parts], show_progress_on=[parts.facts], **quiet)
    navigation.chosen.change(
        look_again, [navigation.chosen, seen], [seen, *parts], show_progress_on=[parts.facts], **quiet
    )
    given = [navigation.chosen, parts.data]
    parts.matrix.select(choose, given, [parts.clips, parts.view], show_progress_on=[parts.clips], **quiet)
    parts.clips.select(play, given, parts.view, show_progress_on=[parts.clips], **quiet).success(
        lambda: chosen(0), None, parts.view, show_progress="hidden", **quiet
    )
    return Tab()


def lay_out(context: AppContext) -> Parts:
    """The empty tab."""
    facts = gr.HTML(elem_id="model-facts")
    origin = gr.Markdown(visible=False, elem_id="origin")
    with gr.Row():
        with gr.Column(scale=1, min_width=320):
            matrix = gr.HTML(visible=False, elem_id="model-matrix", js_on_load=KEYS)
        with gr.Column(scale=1, min_width=320):
            clips = gr.HTML(visible=False, elem_id="model-clips", js_on_load=PLAY)
            view = sound_view(texts.SOUND, "model-sound", visible=False)
            data = gr.Textbox(
                label=texts.DATA_FOLDER,
                info=texts.DATA_FOLDER_INFO,
                placeholder="data/my_sounds",
                max_length=1000,
                visible=False,
                elem_id="model-data",
                html_attributes=gr.InputHTMLAttributes(autocapitalize="none", autocorrect="off", spellcheck=False),
            )
    scores = gr.Markdown(visible=False, elem_id="model-scores")
    pictures = gr.HTML(visible=False, elem_id="model-pictures")
    errors = gr.DownloadButton(texts.ERRORS_PAGE, visible=False, elem_id="model-errors")
    with gr.Accordion(texts.CARD, open=False, elem_id="about"):
        card = gr.Markdown(elem_id="card")
    return Parts(facts, origin, matrix, clips, view, data, scores, pictures, errors, card)


def shown(context: AppContext, classifier: AudioClassifier, visitor: Visitor) -> Parts:
    """An update for each part, for one model."""
    classifier.fetch((*PICTURES, "*.csv"))
    files = ModelFiles(classifier)
    matrix, clips, scores = read_matrix(files.metrics), answered_clips(files), scores_markdown(files)
    pictures = pictures_html(files, matrix=matrix is None)
    found = data_folder(files, clips) if visitor.local else None
    notes = [*map(escaped, classifier.notes), escaped(missing(files))]
    return Parts(
        facts=gr.HTML(facts_html(files)),
        origin=gr.Markdown("\n\n".join(filter(None, notes)), visible=any(notes)),
        matrix=gr.HTML(matrix_html(matrix, choosable=bool(clips)) if matrix else "", visible=matrix is not None),
        clips=gr.HTML(f"<p>{texts.CLIPS_CHOOSE}</p>", visible=bool(matrix and clips)),
        view=gr.HTML(None, visible=False),
        data=gr.Textbox(str(found or ""), visible=bool(matrix and clips) and visitor.local),
        scores=gr.Markdown(scores, visible=bool(scores)),
        pictures=gr.HTML(pictures, visible=bool(pictures)),
        errors=_errors_page(context, files, visitor),
        card=gr.Markdown(card_text(classifier.card)),
    )


def _errors_page(context: AppContext, files: ModelFiles, visitor: Visitor) -> gr.DownloadButton:
    """The page of mistakes where the model has one, copied to where gradio gives out files from."""
    page = files.path(ERRORS_PAGE)
    if page is None or visitor.session is None:
        return gr.DownloadButton(value=None, visible=False)
    copy = context.workspaces.folder(visitor) / f"{files.classifier.name.rsplit('/', 1)[-1]}-{ERRORS_PAGE}"
    shutil.copyfile(page, copy)
    return gr.DownloadButton(value=str(copy), visible=True)


class Cell:
    """One cell of the matrix of a visitor's model, with its clips and the sounds that this visitor may hear."""

    def __init__(self, files: ModelFiles, row: int, column: int, data: Path | None, local: bool) -> None:
        matrix = read_matrix(files.metrics)
        if matrix is None or not (0 <= row < len(matrix.rows) and 0 <= column < len(matrix.columns)):
            raise told(texts.CLIP_WRONG)
        self.title = cell_title(matrix, row, column)
        self.clips: list[AnsweredClip] = in_cell(answered_clips(files), matrix.rows, row, column, matrix.multi)
        self.sounds = ClipSounds(files, data if local else None)
        self._place, self._local = (row, column), local
        self._rate = files.classifier.sampling_rate

    @classmethod
    def of(cls, context: AppContext, name: str, data: str, event: gr.EventData, request: gr.Request) -> "Cell":
        """What an event of the page names, which may be anything.

        Raises:
            gr.Error: there is no such cell, or no such model for this visitor.
        """
        visitor = context.visitor(request)
        files = ModelFiles(context.classifier(name, request))
        folder = Path(data.strip()) if visitor.local and isinstance(data, str) and data.strip() else None
        return cls(files, _number(event, "row"), _number(event, "column"), folder, visitor.local)

    def html(self) -> str:
        unheard = texts.CLIPS_UNHEARD_LOCAL if self._local else texts.CLIPS_UNHEARD
        return clips_html(self.title, self.clips, self.sounds, *self._place, unheard)

    def picture(self, index: int) -> dict[str, Any]:
        """What the view of a sound shows of a clip.

        Raises:
            gr.Error: there is no such clip, or it cannot be heard.
        """
        if not 0 <= index < min(len(self.clips), SHOWN_CLIPS):
            raise told(texts.CLIP_WRONG)
        clip = self.clips[index]
        path = self.sounds.find(clip.file)
        if path is None:
            raise told(texts.CLIP_GONE.format(file=escaped(clip.file)))
        waveform = read_sound(str(path), self._rate)
        given = ", ".join(sorted(clip.given))
        mark = Mark(0.0, len(waveform) / self._rate, given, clip.sureness())
        return picture_of(waveform, self._rate, [mark], sound=path)


def _number(event: gr.EventData, name: str) -> int:
    data = event._data if isinstance(event._data, dict) else {}
    value = data.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise told(texts.CLIP_WRONG)
    return value
