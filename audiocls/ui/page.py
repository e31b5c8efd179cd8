"""The page: a sound in, label bars and a picture out. It wires components to a classifier and holds no model logic."""

from pathlib import Path
from typing import Any

import gradio as gr

from audiocls.inference.classifier import AudioClassifier
from audiocls.ui import texts
from audiocls.ui.card import card_text, escaped, pictures, score_line
from audiocls.ui.parts import answer_bars, classify_endpoint, sound_input
from audiocls.ui.picture import sound_picture
from audiocls.ui.publish import can_sign_in, publish_panel
from audiocls.ui.sounds import CACHE_SECONDS, read_sound, told, verdict

BUNDLED_SOUNDS = Path(__file__).parents[2] / "data" / "everyday_sounds" / "test"


def build_app(classifier: AudioClassifier, *, local: bool = False, publish: bool = False) -> gr.Blocks:
    """The app's page for one model; launch it with `audiocls.ui.app.launch`.

    Args:
        local: only this machine can reach the app, so that its own login and files may be published with.
        publish: visitors from elsewhere may publish the model, too, and so have a copy of it.
    """

    def show(path: str | None) -> tuple[Any, Any, Any]:
        """Label bars, picture and hint for a sound, or nothing where it was taken away."""
        if path is None:
            return None, None, gr.Markdown(visible=False)
        waveform = read_sound(path, classifier.sampling_rate)
        (answer,) = classifier.answers((classifier.sampling_rate, waveform))
        scores = dict(zip(classifier.labels, answer.scores.tolist(), strict=True))
        return (
            gr.Label(scores, show_heading=answer.label is not None),
            sound_picture(waveform, classifier.sampling_rate),
            gr.Markdown(verdict(answer), visible=answer.label is None),
        )

    def show_on_request(path: str | None) -> tuple[Any, Any, Any]:
        if path is None:
            gr.Info(texts.NOTHING_YET)
        return show(path)

    def classify(sound: str | None) -> list[dict[str, Any]]:
        if sound is None:
            raise told(texts.NOTHING_YET)
        return classifier((classifier.sampling_rate, read_sound(sound, classifier.sampling_rate)))

    title = f"{texts.TITLE}: {classifier.name}"
    with gr.Blocks(title=title, analytics_enabled=False, delete_cache=(CACHE_SECONDS, CACHE_SECONDS)) as blocks:
        gr.Markdown(
            f"# {texts.TITLE}\n\n{texts.INTRODUCTION.format(name=escaped(classifier.name))} "
            f"{score_line(classifier.metrics)}"
        )
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                audio, button = sound_input(example_sounds(classifier.labels))
            with gr.Column(scale=3, min_width=320):
                hint, answer = answer_bars(classifier)
                picture = gr.Plot(label=texts.PICTURE_LABEL, elem_id="picture")
        with gr.Accordion(texts.ABOUT, open=False, elem_id="about"):
            with gr.Row():
                for path in pictures(classifier.folder):
                    gr.Image(
                        str(path),
                        label=path.stem,
                        show_label=False,
                        interactive=False,
                        buttons=["fullscreen"],
                    )
            if classifier.notes:  # of the Hub: which commit it is
                gr.Markdown("  \n".join(escaped(note) for note in classifier.notes), elem_id="origin")
            gr.Markdown(card_text(classifier.card), elem_id="card")
        if local or publish or can_sign_in():
            publish_panel(classifier, local=local)

        results = [answer, picture, hint]
        audio.change(show, audio, results, api_visibility="private", show_progress_on=[answer])
        button.click(show_on_request, audio, results, api_visibility="private", show_progress_on=[answer])
        classify_endpoint(classify, audio)
    return blocks


def example_sounds(labels: list[str]) -> dict[str, Path]:
    """One bundled sound of each class that the model knows, by class."""
    known = set(labels)
    folders = sorted(BUNDLED_SOUNDS.iterdir()) if BUNDLED_SOUNDS.is_dir() else []
    first = {folder.name: next(iter(sorted(folder.glob("*.ogg"))), None) for folder in folders if folder.name in known}
    return {name: path for name, path in first.items() if path is not None}
