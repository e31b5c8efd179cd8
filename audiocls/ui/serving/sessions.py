"""What gradio keeps of every page and every call, made small: no copy of the whole page for each of them.

gradio describes every component of the page anew for each session, in the loop that serves everybody, and keeps that
for the last 10,000 sessions, for links that open a page in the state it was in. The app has no such links, and a call
of a program is a session of its own: with the app's page that is most of the time of a short call, and a megabyte.
"""

import re
from types import SimpleNamespace
from typing import Any

import gradio as gr
from gradio.state_holder import SessionState, StateHolder

from audiocls.ui.limits import SESSIONS_KEPT

# The session of a call that names none: gradio takes the id of the event.
_CALL = re.compile(r"[0-9a-f]{32}")


class LightSession(SessionState):
    """The values of `gr.State`, and components that were changed for this session; no description of the page."""

    def __init__(self, blocks: Any) -> None:
        super().__init__(SimpleNamespace(default_config=blocks.default_config, blocks=()))  # type: ignore[arg-type]

    def __setitem__(self, key: int, value: Any) -> None:
        super().__setitem__(key, value)
        self.config_values.clear()

    def _update_config(self, key: int) -> None:
        """Nothing to keep."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """Nothing to keep."""


class Sessions(StateHolder):
    """Of pages the last `SESSIONS_KEPT`; of calls without a session none."""

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            session = LightSession(self.blocks)
            if _CALL.fullmatch(session_id):
                return session
            self.session_data[session_id] = session
        return super().__getitem__(session_id)


def keep_little(blocks: gr.Blocks) -> None:
    """Take the sessions of a page that was just launched in hand."""
    sessions = Sessions()
    sessions.set_blocks(blocks)
    sessions.capacity = SESSIONS_KEPT
    blocks.app.state_holder = sessions
