"""What every tab is given: the models, who may do what, a folder for each visitor, the parts of the page above."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from audiocls.errors import AudioclsError
from audiocls.inference.classifier import AudioClassifier
from audiocls.ui.serving.visitors import Rights, Visitor
from audiocls.ui.serving.workspaces import Workspaces
from audiocls.ui.shelf import ModelShelf
from audiocls.ui.sounds import told


@dataclass
class AppContext:
    """The app behind the page. One for all visitors: nothing of a visitor's is kept here but by session.

    feedback: where sounds that visitors from elsewhere corrected are kept; None to keep those of this machine alone.
    at_end: called when the app ends, for what a tab has running.
    """

    shelf: ModelShelf
    rights: Rights = field(default_factory=Rights)
    workspaces: Workspaces = field(default_factory=Workspaces)
    feedback: Path | None = None
    at_end: list[Callable[[], None]] = field(default_factory=list)

    def visitor(self, request: gr.Request) -> Visitor:
        return self.rights.visitor(request)

    def classifier(self, chosen: str | None, request: gr.Request) -> AudioClassifier:
        """The model that a visitor chose.

        Raises:
            gr.Error: why there is none, for the visitor.
        """
        try:
            return self.shelf.get(chosen, self.visitor(request))
        except AudioclsError as error:
            raise told(str(error)) from error

    def forget(self, session: str | None) -> None:
        """Delete everything of a session."""
        self.shelf.forget(session)
        self.workspaces.forget(session)

    def close(self) -> None:
        """End what the tabs have running."""
        while self.at_end:
            self.at_end.pop()()


class Navigation(NamedTuple):
    """What stands above the tabs.

    picker: its value is a name; giving it one from an event opens that model. chosen: a `gr.State`, the name of the
    model that is open: the input of every event that needs it. tabs: `gr.Tabs(selected="classify")` as an output goes
    there.
    """

    picker: gr.Dropdown
    chosen: gr.State
    tabs: gr.Tabs


class Tab(NamedTuple):
    """What a tab shows of the model that is open.

    show: called with the model and the visitor when another one is opened; an update for each of `outputs`.
    """

    outputs: Sequence[Any] = ()
    show: Callable[[AudioClassifier, Visitor], Sequence[Any]] = lambda classifier, visitor: []
