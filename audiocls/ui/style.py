"""How the app looks: system fonts, teal, and what a phone needs."""

import json
from pathlib import Path

import gradio as gr

from audiocls.ui import texts
from audiocls.ui.batch.view import CSS as BATCH_CSS
from audiocls.ui.model.view import CSS as MODEL_CSS
from audiocls.ui.recording.style import CSS as RECORDING_CSS
from audiocls.ui.train.style import CSS as TRAIN_CSS

# System fonts only: nothing has to be fetched, and text appears at once.
THEME = gr.themes.Default(
    primary_hue="teal",
    secondary_hue="teal",  # of links
    font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
    font_mono=["ui-monospace", "Consolas", "monospace"],
).set(
    # gradio's own are too pale to read
    block_info_text_color="*neutral_600",
    block_info_text_color_dark="*neutral_300",
    link_text_color="*secondary_700",
    input_placeholder_color="*neutral_500",
    input_placeholder_color_dark="*neutral_400",
    button_primary_background_fill="*primary_700",
    button_primary_background_fill_dark="*primary_700",
    button_primary_background_fill_hover="*primary_800",
    button_primary_background_fill_hover_dark="*primary_800",
    button_cancel_background_fill="#b91c1c",
    button_cancel_background_fill_hover="#991b1b",
    color_accent="*primary_700",
)
# What gradio's own elements lack; the rest of it is in page.js.
_MENDED = """<style>
body {--body-text-color-subdued: var(--neutral-600);}
body.dark {--color-accent: var(--primary-400) !important; --body-text-color-subdued: var(--neutral-300);}
body:not(.dark) .component-wrapper :is(#time, #duration, .playback, .playback span, .icon, .action, button) {
    color: var(--neutral-600) !important;}
body .token {color: #1d5a50 !important;}
body .token.comment {color: #57606a !important;}
body.dark .token {color: #8fd8c8 !important;}
body.dark .token.comment {color: #b6bec8 !important;}
</style>
"""
_SCRIPT = f"const WORDS = {json.dumps(texts.WORDS)};\n{Path(__file__).with_name('page.js').read_text(encoding='utf-8')}"
HEAD = f"{_MENDED}<script>(() => {{\n{_SCRIPT}}})();</script>"
CSS = """
.gradio-container {max-width: 1200px !important; width: 100% !important; margin: 0 auto !important;}
#answer h2 {text-align: center; overflow-wrap: anywhere;}  /* names may be long */
#about img {max-height: 400px;}
/* wide tables scroll on a phone */
#card table {display: block; width: max-content; max-width: 100%; overflow-x: auto; border: 0; padding: 0;}
#card :is(th, td) {overflow-wrap: normal; word-break: normal;}
#publish-lines textarea {font-family: var(--font-mono); font-size: var(--text-sm);}
@media (max-width: 640px) {#publish .form {flex-direction: column;}}
/* every tab is seen, in two lines where they do not fit into one: gradio hides those for which it finds no room */
.tab-container.visually-hidden button {padding: 0 !important; font-size: 0 !important;}
.tab-wrapper, .tab-container {height: auto !important;}
.tab-container {flex-wrap: wrap; overflow: visible !important;}
.tab-container button {height: 40px;}
@media (max-width: 640px) {.tab-container button {padding: 0 10px !important;}}
footer button, footer a {color: var(--body-text-color-subdued) !important;}
#header {align-items: end;}
footer .divider {display: none !important;}
"""
CSS += BATCH_CSS
CSS += MODEL_CSS
CSS += RECORDING_CSS
CSS += TRAIN_CSS
