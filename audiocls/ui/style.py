"""How the app looks: system fonts, teal, and what a phone needs."""

import gradio as gr

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
    input_placeholder_color="*neutral_500",
    input_placeholder_color_dark="*neutral_400",
)
CSS = """
.gradio-container {max-width: 1200px !important; width: 100% !important; margin: 0 auto !important;}
#picture img {padding-top: 2.2em;}  /* below its label */
#answer h2 {text-align: center; overflow-wrap: anywhere;}  /* names may be long */
#about img {max-height: 400px;}
/* wide tables scroll on a phone */
#card table {display: block; width: max-content; max-width: 100%; overflow-x: auto; border: 0; padding: 0;}
#card :is(th, td) {overflow-wrap: normal; word-break: normal;}
#publish-lines textarea {font-family: var(--font-mono); font-size: var(--text-sm);}
@media (max-width: 640px) {#publish-boxes .form {flex-direction: column;}}
footer .divider {display: none !important;}
"""
