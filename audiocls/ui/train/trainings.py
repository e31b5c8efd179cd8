"""The trainings of the app: one runs, the others wait; each belongs to a visitor, or to who sits at this machine.

A training is a process (`errand`). One that was cancelled keeps its checkpoint and may be resumed. Those of visitors
from elsewhere end and are deleted with their page; those of this machine end with the app, and keep their checkpoint.
"""

import atexit
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from audiocls.errors import AudioclsError, UsageError
from audiocls.evaluation.history import read_progress
from audiocls.ui.limits import LONGEST_TRAINING_SECONDS_OTHERS, MOST_WAITING_TRAININGS
from audiocls.ui.serving.visitors import Visitor
from audiocls.ui.texts import train as texts
from audiocls.ui.train.choices import Choices
from audiocls.ui.train.errand import STOP_SECONDS, Errand
from audiocls.ui.train.material import Material

WAITING, RUNNING, STOPPING, CANCELLED, FAILED, DONE = "waiting", "running", "stopping", "cancelled", "failed", "done"
OPEN = (WAITING, RUNNING, STOPPING)
LOOK_SECONDS = 0.2
CLOSE_SECONDS = 2.0  # for a training to end by itself when the app does


class Training:
    """One training, from the button to its model folder.

    Attributes:
        target: the model folder. folder: holds its data and goes with it. state: as above. problem: why it failed.
    """

    def __init__(self, visitor: Visitor, target: Path, folder: Path, material: Material, choices: Choices) -> None:
        self.visitor, self.target, self.folder, self.material = visitor, target, folder, material
        self.choices = choices
        self.state = WAITING
        self.problem = ""
        self.errand: Errand | None = None
        self.resuming = False
        self.forgotten = False
        self.patience = STOP_SECONDS
        self._begun: float | None = None
        self._before = 0.0  # seconds of earlier attempts

    @property
    def name(self) -> str:
        return self.target.name

    @property
    def owner(self) -> str | None:
        return owner_of(self.visitor)

    @property
    def partial(self) -> Path:
        return self.target.with_name(self.target.name + ".partial")

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return self._before + (time.monotonic() - self._begun if self._begun is not None else 0.0)

    @property
    def has_checkpoint(self) -> bool:
        return (self.partial / "checkpoint.safetensors").is_file()

    @property
    def lines(self) -> list[str]:
        """What it has said so far, without where things lie on this machine."""
        return [self.clean(line) for line in list(self.errand.lines)] if self.errand else []

    @property
    def rows(self) -> list[dict[str, object]]:
        return read_progress(self.partial)

    def arguments(self) -> list[str]:
        flags = [*self.choices.flags(), "--output_dir", str(self.target)]
        return ["train", self.material.data, *flags, *(["--resume"] if self.resuming else [])]

    def clean(self, text: str) -> str:
        """A line of the process for its visitor."""
        if self.material.held:
            for path in (self.material.data, str(self.material.held)):
                text = text.replace(path, texts.YOUR_SOUNDS)
        if not self.visitor.local:
            text = text.replace(str(self.target), self.name).replace(str(self.target.parent), "").strip()
        return text

    def run(self) -> tuple[str, str]:
        """Run to the end, in the thread of the queue; how it ended, and why it failed."""
        self._begun = time.monotonic()
        try:
            self.errand = Errand(self.arguments(), self.material.environment(self.folder), own=self.visitor.local)
        except OSError as error:
            return FAILED, texts.CANNOT_START.format(reason=error.strerror or error)
        late = False
        while not self.errand.wait(LOOK_SECONDS):
            late = not self.visitor.local and self.seconds > LONGEST_TRAINING_SECONDS_OTHERS
            if self.state == STOPPING or late:
                self.errand.stop(self.patience)
        if self.errand.problem is None:
            return DONE, ""
        if late:
            return FAILED, texts.TOO_LONG.format(minutes=LONGEST_TRAINING_SECONDS_OTHERS / 60)
        if self.state == STOPPING:
            return CANCELLED, ""
        if not self.errand.problem:
            print(self.errand.trace, file=sys.stderr)
        return FAILED, self.clean(self.errand.problem or texts.FAILED_UNKNOWN)

    def end(self, state: str, problem: str = "") -> None:
        self._before, self._begun = self.seconds, None
        self.problem, self.state = problem, state

    def delete(self) -> None:
        """Its data, and what is left of an attempt of a visitor from elsewhere; never a model of this machine."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if not self.visitor.local:
            for path in (self.partial, self.target):
                shutil.rmtree(path, ignore_errors=True)


class Trainings:
    """All trainings of one app.

    Args:
        finished: called with a training whose model folder is complete, before its visitor is told.
    """

    def __init__(self, finished: Callable[[Training], None] = lambda training: None) -> None:
        self._finished = finished
        self._latest: dict[str | None, Training] = {}  # by owner
        self._waiting: list[Training] = []
        self._running: Training | None = None
        self._errands: dict[str | None, Errand] = {}  # looks at sounds, by owner
        self._changed = threading.Condition()
        self._worker: threading.Thread | None = None
        self._closed = False
        atexit.register(self.close)

    def of(self, visitor: Visitor) -> Training | None:
        """The visitor's latest training."""
        return self._latest.get(owner_of(visitor))

    def add(self, visitor: Visitor, target: Path, material: Material, choices: Choices, workspace: Path) -> Training:
        """Begin a training, or have it wait for those before it. The visitor's earlier one is forgotten.

        Raises:
            UsageError: the visitor's earlier one goes on, or too many wait.
            OutputError: its data cannot be put aside.
        """
        before = self.of(visitor)
        if before is not None and before.state in OPEN:
            raise UsageError(texts.RUNS_ALREADY)
        if len(self._waiting) >= MOST_WAITING_TRAININGS:
            raise UsageError(texts.QUEUE_FULL.format(limit=MOST_WAITING_TRAININGS))
        # What is of this machine outlives the page, and so its workspace.
        folder = Path(tempfile.mkdtemp(prefix="audiocls-training-", dir=None if visitor.local else workspace))
        try:
            training = Training(visitor, target, folder, material.taken_to(folder), choices)
        except AudioclsError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if before is not None:
            shutil.rmtree(before.folder, ignore_errors=True)
        self._latest[training.owner] = training
        self._enqueue(training)
        return training

    def resume(self, training: Training) -> None:
        """Go on with one that was cancelled or failed, behind those that wait."""
        if training.state in (CANCELLED, FAILED) and not training.forgotten:
            training.resuming, training.problem = True, ""
            self._enqueue(training)

    def cancel(self, training: Training) -> None:
        """End it soon; what waits, at once."""
        with self._changed:
            if training in self._waiting:
                self._waiting.remove(training)
                training.state = CANCELLED
            elif training.state == RUNNING:
                training.state = STOPPING

    def dismiss(self, visitor: Visitor) -> None:
        """Forget one that has ended; its model stays."""
        training = self.of(visitor)
        if training is not None and training.state not in OPEN:
            self._latest.pop(training.owner, None)
            shutil.rmtree(training.folder, ignore_errors=True)

    def ahead(self, training: Training) -> int:
        """How many come before it."""
        with self._changed:
            place = self._waiting.index(training) if training in self._waiting else 0
            return place + (self._running is not None and self._running is not training)

    def look(self, visitor: Visitor, arguments: list[str], environment: dict[str, str]) -> Errand:
        """A short errand of a visitor that needs no place in the queue; the one before is ended."""
        owner = visitor.session
        if old := self._errands.pop(owner, None):
            old.kill()
        errand = self._errands[owner] = Errand(arguments, environment, own=visitor.local)
        return errand

    def forget(self, session: str | None) -> None:
        """End and delete what belongs to a page that was closed."""
        if errand := self._errands.pop(session, None):
            errand.kill()
        training = self._latest.get(session) if session is not None else None
        if training is None or training.visitor.local:
            return
        self._latest.pop(session, None)
        training.forgotten = True
        self.cancel(training)
        if training.state not in OPEN:
            training.delete()

    def close(self) -> None:
        """End all, within a few seconds; called when the app ends. A checkpoint of the last pass stays."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            running, worker = self._running, self._worker
            self._changed.notify_all()
        if running is not None:
            running.patience = CLOSE_SECONDS
            self.cancel(running)
        for errand in list(self._errands.values()):
            errand.kill()
        if worker is not None:
            worker.join(CLOSE_SECONDS + 1)
        if running is not None and running.errand is not None:
            running.errand.kill()  # also what was told to stop before, with more patience
            if worker is not None:
                worker.join(CLOSE_SECONDS)
        for training in list(self._latest.values()):
            training.delete()
        self._latest.clear()

    def _enqueue(self, training: Training) -> None:
        with self._changed:
            training.state = WAITING
            self._waiting.append(training)
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="trainings", daemon=True)
                self._worker.start()
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                training = self._running = self._waiting.pop(0)
                training.state = RUNNING
            state, problem = training.run()
            if state == DONE and not training.forgotten:
                self._finished(training)
                shutil.rmtree(training.folder, ignore_errors=True)
            with self._changed:
                self._running = None
                training.end(state, problem)
            if training.forgotten:
                training.delete()


def owner_of(visitor: Visitor) -> str | None:
    """Whose a training is: this machine's, whatever page it was begun on, or a page's."""
    return None if visitor.local else visitor.session
