"""A part of the page with a style and a script of its own, in files beside each other. What they do is theirs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr


def scripted_view(
    script: Path, style: Path, template: str, constants: Mapping[str, Any], label: str, **settings: Any
) -> gr.HTML:
    """An empty view.

    Args:
        script, style: the files, named in full in the module they lie beside, so that a Space is given them, too.
        template: its HTML, as gradio's `html_template`.
        constants: what the script finds under which names, as JSON has it.
        settings: of `gr.HTML`.
    """
    return gr.HTML(
        None,
        label=label,
        show_label=True,
        container=True,
        padding=True,
        html_template=template,
        css_template=style.read_text(encoding="utf-8"),
        js_on_load="".join(f"const {name} = {json.dumps(value)};\n" for name, value in constants.items())
        + script.read_text(encoding="utf-8"),
        apply_default_css=False,
        **settings,
    )
