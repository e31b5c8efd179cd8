"""What the app and a published Space both show: a sound to give, the bars of an answer, the endpoint for programs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components.api_component import Api

from audiocls.inference.classifier import AudioClassifier
from audiocls.ui import texts
from audiocls.ui.limits import LARGEST_SOUND_BYTES, LARGEST_UPLOAD_BYTES, LONGEST_SOUND_SECONDS, SHOWN_LABELS
from audiocls.ui.sounds import SCORES_SCHEMA
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


def sound_input(examples: Mapping[str, str | Path]) -> tuple[gr.Audio, gr.Button]:
    """Microphone, upload and examples (by name), and the button that classifies."""
    audio = gr.Audio(
        sources=["microphone", "upload"],
        type="filepath",
        label=texts.AUDIO_LABEL,
        elem_id="sound",
        buttons=["download"],
    )
    button = gr.Button(texts.CLASSIFY, variant="primary", elem_id="classify")
    if examples:
        gr.Examples(
            [[str(path)] for path in examples.values()],
            inputs=[audio],
            label=texts.EXAMPLES,
            example_labels=list(examples),
            cache_examples=False,
            api_visibility="private",
            elem_id="examples",
        )
    return audio, button


def answer_bars(classifier: AudioClassifier) -> tuple[gr.Markdown, gr.Label]:
    """A hint for what is none of the classes, hidden at first, and the label bars."""
    hint = gr.Markdown(visible=False, elem_id="hint")
    bars = gr.Label(
        label=texts.ANSWER_LABEL_MULTI if classifier.multi_label else texts.ANSWER_LABEL,
        num_top_classes=min(SHOWN_LABELS, len(classifier.labels)),
        elem_id="answer",
    )
    return hint, bars


def classify_endpoint(classify: Callable[[str | None], list[dict[str, Any]]], audio: gr.Audio) -> None:
    """The endpoint for programs: a sound in, a list of {label, score} out."""
    gr.on(
        [],
        classify,
        inputs=[audio],
        outputs=[Api(None, SCORES_SCHEMA, "scores")],
        api_name="classify",
        api_description=texts.API_DESCRIPTION.format(
            minutes=LONGEST_SOUND_SECONDS / 60, megabytes=LARGEST_SOUND_BYTES / 1e6
        ),
    )
