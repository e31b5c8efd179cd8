"""One command of the command line as a process of its own: its lines as they come, how it ended, ending it early.

It is what `audiocls ...` in a terminal is, at low priority and with few threads, so that the page goes on to answer.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence

from audiocls.ui.limits import TRAINING_THREADS

MOST_LINES = 500
STOP_SECONDS = 8.0  # from Ctrl-C to the kill
_SAYS = "audiocls: "
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
_NOT_PASSED_ON = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "OAUTH_CLIENT_SECRET")


class Errand:
    """A running `audiocls` command.

    Args:
        arguments: of the command line, from the sub-command on.
        environment: variables to set beside those of this process.
        own: it may use this machine's login to the Hub.

    Attributes:
        lines: the last lines of its output. Raises OSError where no process can be started.
    """

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str] | None = None, own: bool = False
    ) -> None:
        self.lines: deque[str] = deque(maxlen=MOST_LINES)
        self.stopped = False
        self._problems: deque[str] = deque(maxlen=50)
        passed = {name: value for name, value in os.environ.items() if own or name not in _NOT_PASSED_ON}
        if not own:
            passed["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1"
        threads = dict.fromkeys(_THREADS, str(TRAINING_THREADS))
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-m", "audiocls.ui.train.child", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**passed, **threads, **(environment or {})},
            start_new_session=True,  # Ctrl-C at the app is not for it; and it can be ended with what it started
        )
        self._readers = [
            threading.Thread(target=self._read, args=(stream, kept), daemon=True)
            for stream, kept in ((self._process.stdout, self.lines), (self._process.stderr, self._problems))
        ]
        for reader in self._readers:
            reader.start()

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait(self, seconds: float | None = None) -> bool:
        """Whether it ended within so many seconds."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        for reader in self._readers:
            reader.join(1)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        return True

    @property
    def problem(self) -> str | None:
        """Why it failed, in the one line that the command line tells; None where it did not."""
        if not self.ended or self._process.returncode == 0:
            return None
        told = [line for line in self._problems if line.startswith(_SAYS)]
        return told[-1].removeprefix(_SAYS) if told else ""

    @property
    def trace(self) -> str:
        """The last lines of its standard error, for the log of the app."""
        return "\n".join(self._problems)

    def stop(self, patience: float = STOP_SECONDS) -> None:
        """End it as Ctrl-C does, which keeps a checkpoint; what does not end then is killed. Waits for the end."""
        self.stopped = True
        self._signal(signal.SIGINT)
        if not self.wait(patience):
            self.kill()

    def kill(self) -> None:
        self.stopped = True
        self._signal(signal.SIGKILL)
        self.wait()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _read(self, stream: object, kept: deque[str]) -> None:
        with contextlib.suppress(ValueError, OSError):
            for raw in stream:  # type: ignore[attr-defined]
                # A progress bar writes over its line: what counts is what stands there in the end.
                line = raw.decode("utf-8", "replace").rstrip("\n").rpartition("\r")[2].rstrip()
                if line:
                    kept.append(line)
