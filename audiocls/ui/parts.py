"""What several pages share: how they are launched, a sound to give, the bars of an answer."""

from typing import Any

import gradio as gr

from audiocls.inference.classifier import AudioClassifier
from audiocls.ui import texts
from audiocls.ui.limits import LARGEST_UPLOAD_BYTES, SHOWN_LABELS
from audiocls.ui.style import CSS, HEAD, THEME

# How both are launched, beside where.
LAUNCH: dict[str, Any] = {
    "theme": THEME,
    "css": CSS,
    "head": HEAD,
    "max_file_size": LARGEST_UPLOAD_BYTES,
    "footer_links": ["api"],
    "run_history": False,
    "enable_monitoring": False,
    "ssr_mode": False,
    "mcp_server": False,
}


def sound_input() -> tuple[gr.Audio, gr.Button]:
    """Microphone and upload, and the button that classifies."""
    audio = gr.Audio(
        sources=["microphone", "upload"],
        type="filepath",
        label=texts.AUDIO_LABEL,
        elem_id="sound",
        buttons=["download"],
    )
    return audio, gr.Button(texts.CLASSIFY, variant="primary", elem_id="classify")


def answer_bars(classifier: AudioClassifier) -> tuple[gr.Markdown, gr.Label]:
    """A hint for what is none of the classes, hidden at first, and the label bars."""
    hint = gr.Markdown(visible=False, elem_id="hint")
    bars = gr.Label(
        label=texts.ANSWER_LABEL_MULTI if classifier.multi_label else texts.ANSWER_LABEL,
        num_top_classes=min(SHOWN_LABELS, len(classifier.labels)),
        elem_id="answer",
    )
    return hint, bars
