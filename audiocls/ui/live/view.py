"""What the microphone hears, on the page: the label now, the last minute as it scrolls by, how often each was heard.

One gradio component with a script of its own (`view.js`), which takes the sound from the microphone, sends it
piece by piece and draws from small updates. gradio's own streaming microphone loses what comes while a piece is being
heard, leaves a file of every piece, and lets the browser filter out all that is not speech. It decides nothing: see
`audiocls.ui.live.listening`.
"""

from pathlib import Path

import gradio as gr

from audiocls.ui.limits import LISTENING_STEP_SECONDS, LONGEST_LISTENING_SECONDS, LONGEST_PIECE_SECONDS
from audiocls.ui.scripted import scripted_view
from audiocls.ui.texts import live as texts

_SCRIPT, _STYLE = Path(__file__).with_name("view.js"), Path(__file__).with_name("view.css")
_TEMPLATE = f"""<div class="lv">
<div class="lv-now"><button type="button" class="lv-button">{texts.WORDS["start"]}</button>
<span class="lv-label">{texts.WORDS["idle"]}</span><span class="lv-score"></span></div>
<span class="lv-spoken" role="status"></span><p class="lv-problem" role="alert" hidden></p>
<canvas class="lv-picture" role="img" aria-label="{texts.WORDS["picture"]}"></canvas>
<p class="lv-heading">{texts.WORDS["counts"]}</p><ul class="lv-counts"></ul></div>"""


def live_view(label: str, elem_id: str) -> gr.HTML:
    """The view; its value is `Listening.told()`, or `{"ended": key of WORDS}` where listening has to end.

    Events: `.begin` when the microphone runs, `.piece` with `sound` and `rate` as `listening.read_piece` takes them,
    the next one after the value was answered, and `.finish`.
    """
    given = {
        "WORDS": texts.WORDS,
        "LIMITS": {
            "minutes": round(LONGEST_LISTENING_SECONDS / 60),
            "step": LISTENING_STEP_SECONDS,
            "longest": LONGEST_PIECE_SECONDS,
        },
    }
    return scripted_view(_SCRIPT, _STYLE, _TEMPLATE, given, label, elem_id=elem_id)
