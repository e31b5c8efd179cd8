"""The app as a user starts it: a process of its own on this machine, ended as `kill` does; what it must not leave.

Not in this process: gradio and what it stands on leave sockets and event loops open, and here warnings are errors.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
STARTS_WITHIN_SECONDS = 240  # on a machine that is busy with other tests
ENDS_WITHIN_SECONDS = 20


class RunningApp(NamedTuple):
    """`url` ends in a slash; `uploads` is where its temporary files go, `log` what it has printed."""

    url: str
    port: int
    uploads: Path
    log: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running_app(
    folder: Path,
    *flags: str,
    beside: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    script: Path = ROOT / "app.py",
) -> Iterator[RunningApp]:
    """`python app.py --port N`, and a check that it ended well, without an unexpected traceback or files left behind.

    Args:
        folder: for its temporary files and its log; empty.
        flags: more of its arguments.
        beside: the folder it is started in, with `runs`.
        script: what is started in its place; it says "Open http://..." and ends on SIGTERM, too.
    """
    port, uploads, log = free_port(), folder / "uploads", folder / "log.txt"
    uploads.mkdir()
    own = {**environment, "TMPDIR": str(uploads), "OMP_NUM_THREADS": "1"}
    own.pop("GRADIO_TEMP_DIR", None)
    command = [sys.executable, str(script), "--port", str(port), *flags]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=beside or folder, env=own, stdout=output, stderr=output)
    try:
        _wait_until_open(process, port, log)
        yield RunningApp(f"http://127.0.0.1:{port}/", port, uploads, log)
        process.send_signal(signal.SIGTERM)
        process.wait(ENDS_WITHIN_SECONDS)
    finally:
        process.kill()
        process.wait()
    said = log.read_text()
    assert process.returncode == 0, f"exit code {process.returncode}: {said}"
    allowed = said.count("InvalidPathError: Cannot move")  # gradio's own words for a refused path
    assert said.count("Traceback") == allowed, said
    left = list(uploads.rglob("*"))
    assert left == [], f"the app left temporary files behind: {left}"


def _wait_until_open(process: subprocess.Popen, port: int, log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while not re.search(rf"^Open http://(127\.0\.0\.1|localhost):{port}/", log.read_text(), re.MULTILINE):
        assert process.poll() is None, f"it did not start: {log.read_text()}"
        assert time.monotonic() < deadline, f"it did not start in time: {log.read_text()}"
        time.sleep(0.05)
