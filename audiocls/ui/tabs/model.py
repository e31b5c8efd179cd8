"""The tab that tells what the model is: card, scores, pictures."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from audiocls.inference.classifier import AudioClassifier
from audiocls.ui.card import card_text, escaped, pictures
from audiocls.ui.context import AppContext, Navigation, Tab
from audiocls.ui.visitors import Visitor


def build(context: AppContext, navigation: Navigation, classifier: AudioClassifier) -> Tab:
    """Add the tab to the Blocks that are being built."""
    with gr.Row():
        for path in pictures(classifier.folder):
            gr.Image(str(path), label=path.stem, show_label=False, interactive=False, buttons=["fullscreen"])
    origin = gr.Markdown(elem_id="origin")
    card = gr.Markdown(elem_id="card")

    def show(model: AudioClassifier, visitor: Visitor | None = None) -> Sequence[Any]:
        return ["  \n".join(escaped(note) for note in model.notes), card_text(model.card)]

    origin.value, card.value = show(classifier)
    return Tab([origin, card], show)
