"""The tab that classifies one sound: microphone, file or example in, label bars and a picture out."""

from pathlib import Path
from typing import Any

import gradio as gr

from audiocls.inference.classifier import AudioClassifier
from audiocls.ui import texts
from audiocls.ui.context import AppContext, Navigation, Tab
from audiocls.ui.parts import answer_bars, classify_endpoint, sound_input
from audiocls.ui.picture import sound_picture
from audiocls.ui.sounds import read_sound, told, verdict

BUNDLED_SOUNDS = Path(__file__).parents[3] / "data" / "everyday_sounds" / "test"


def build(context: AppContext, navigation: Navigation, classifier: AudioClassifier) -> Tab:
    """Add the tab to the Blocks that are being built."""

    def show(path: str | None, chosen: str, request: gr.Request) -> tuple[Any, Any, Any]:
        """Label bars, picture and hint for a sound, or nothing where it was taken away."""
        if path is None:
            return None, None, gr.Markdown(visible=False)
        model = context.classifier(chosen, request)
        waveform = read_sound(path, model.sampling_rate)
        (answer,) = model.answers((model.sampling_rate, waveform))
        scores = dict(zip(model.labels, answer.scores.tolist(), strict=True))
        return (
            gr.Label(scores, show_heading=answer.label is not None),
            sound_picture(waveform, model.sampling_rate),
            gr.Markdown(verdict(answer), visible=answer.label is None),
        )

    def show_on_request(path: str | None, chosen: str, request: gr.Request) -> tuple[Any, Any, Any]:
        if path is None:
            gr.Info(texts.NOTHING_YET)
        return show(path, chosen, request)

    def classify(sound: str | None) -> list[dict[str, Any]]:
        if sound is None:
            raise told(texts.NOTHING_YET)
        first = context.shelf.first
        return first((first.sampling_rate, read_sound(sound, first.sampling_rate)))

    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            audio, button = sound_input(example_sounds(classifier.labels))
        with gr.Column(scale=3, min_width=320):
            hint, answer = answer_bars(classifier)
            picture = gr.Plot(label=texts.PICTURE_LABEL, elem_id="picture")
    results = [answer, picture, hint]
    given = [audio, navigation.chosen]
    audio.change(show, given, results, api_visibility="private", show_progress_on=[answer])
    button.click(show_on_request, given, results, api_visibility="private", show_progress_on=[answer])
    classify_endpoint(classify, audio)
    return Tab()


def example_sounds(labels: list[str]) -> dict[str, Path]:
    """One bundled sound of each class that the model knows, by class."""
    known = set(labels)
    folders = sorted(BUNDLED_SOUNDS.iterdir()) if BUNDLED_SOUNDS.is_dir() else []
    first = {folder.name: next(iter(sorted(folder.glob("*.ogg"))), None) for folder in folders if folder.name in known}
    return {name: path for name, path in first.items() if path is not None}
