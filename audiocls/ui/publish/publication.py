"""A push in a thread of its own, for the page: its lines so far, how it ended, and stopping it between two steps.

It goes on when the page is closed; one push at a time leaves this process. The token is an argument of the thread and
is gone with it. No gradio here, and nothing of how to publish.
"""

import sys
import threading
import traceback
from typing import TYPE_CHECKING

from audiocls.errors import AudioclsError
from audiocls.inference.classifier import AudioClassifier
from audiocls.ui.texts import publish as texts

if TYPE_CHECKING:
    from audiocls.publishing.options import PushOptions
    from audiocls.publishing.push import Pushed

_TURN = threading.Lock()  # a model is loaded twice more in a push; and two pushes to one name would meet
_PATIENCE_SECONDS = 0.2


class _Stopped(KeyboardInterrupt):
    """What Ctrl-C is on the command line, from the page's button."""


class Publication:
    """One push of a classifier's folder.

    lines: what was told so far. `ended`, then either `pushed` or `problem`, one line, is there.
    """

    def __init__(self, classifier: AudioClassifier) -> None:
        self.lines: list[str] = []
        self.pushed: Pushed | None = None
        self.problem: str | None = None
        self._classifier = classifier
        self._stopping = threading.Event()
        self._ended = threading.Event()

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def start(self, repo_id: str, options: "PushOptions", token: str) -> None:
        """Begin. The app may end meanwhile: what is on the Hub then is whole, as every commit is."""
        threading.Thread(target=self._run, args=(repo_id, options, token), daemon=True).start()

    def stop(self) -> None:
        """Ask it to end before its next step."""
        self._stopping.set()

    def _run(self, repo_id: str, options: "PushOptions", token: str) -> None:
        from audiocls.publishing.push import push_classifier

        def clean(text: str) -> str:
            """Where the model lies on this machine is not for visitors, and the token for nobody."""
            return text.replace(str(self._classifier.folder), self._classifier.name).replace(token, "***")

        def say(line: str) -> None:
            self._say(clean(line))

        try:
            self._wait_for_turn()
            try:
                self.pushed = push_classifier(self._classifier, repo_id, options, token=token, say=say)
            finally:
                _TURN.release()
        except KeyboardInterrupt:
            self.problem = texts.PUBLISH_STOPPED
        except AudioclsError as error:
            self.problem = clean(str(error))
        except Exception:  # noqa: BLE001 - a mistake of ours: it is for the log, and the app goes on
            print(traceback.format_exc().replace(token, "***"), file=sys.stderr)
            self.problem = texts.PUBLISH_BROKEN
        finally:
            self._ended.set()

    def _wait_for_turn(self) -> None:
        if _TURN.acquire(blocking=False):
            return
        self._say(texts.PUBLISH_WAITS)
        while not _TURN.acquire(timeout=_PATIENCE_SECONDS):
            self._stop_if_asked()

    def _say(self, line: str) -> None:
        self.lines.append(line)
        self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        if self._stopping.is_set():
            self._stopping.clear()  # what is said of the stop itself must come through
            raise _Stopped
