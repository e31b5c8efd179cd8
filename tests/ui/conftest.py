"""The app as a user starts it: a process of its own, with a small untrained model, on this machine.

Not in this process: gradio and what it stands on leave sockets and event loops open, and here warnings are errors.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from matplotlib.figure import Figure

from audiocls import AudioClassifier
from docs.screenshots import browser
from tests.small_models import write_small_model

ROOT = Path(__file__).parents[2]
CARD = """---
license: apache-2.0
---
# Sounds of every day

![Confusion matrix](confusion_matrix.png)

Trained on real sounds. <img src="https://example.com/tracker.png">
"""


class RunningApp(NamedTuple):
    """`url` ends in a slash; `uploads` is where its temporary files go."""

    url: str
    port: int
    uploads: Path


@pytest.fixture(scope="session")
def classifier(tmp_path_factory):
    """The newer of two runs, in a folder `runs`."""
    runs = tmp_path_factory.mktemp("app") / "runs"
    older, folder = (write_small_model(runs / name) for name in ("older", "every_day"))
    os.utime(older / "model.safetensors", (1, 1))
    (folder / "README.md").write_text(CARD)
    (folder / "metrics.json").write_text(
        json.dumps({"split": "test", "size": 70, "accuracy": 0.9, "intervals": {"accuracy": [0.81, 0.95]}})
    )
    figure = Figure()
    figure.add_subplot().plot([1, 2])
    figure.savefig(folder / "confusion_matrix.png")
    return AudioClassifier.from_pretrained(folder)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def app(classifier, tmp_path_factory):
    """`python app.py --port N --mcp` beside the folder `runs`, ended with `kill`."""
    port, uploads = free_port(), tmp_path_factory.mktemp("uploads")
    environment = os.environ | {"TMPDIR": str(uploads), "OMP_NUM_THREADS": "1"}
    environment.pop("GRADIO_TEMP_DIR", None)
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "app.py"), "--port", str(port), "--mcp"],
        cwd=classifier.folder.parents[1],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline().startswith(f"Open http://127.0.0.1:{port}/")
        yield RunningApp(f"http://127.0.0.1:{port}/", port, uploads)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, errors
    allowed = errors.count("InvalidPathError: Cannot move")  # gradio's own words for a refused path
    assert errors.count("Traceback") == allowed, errors
    assert list(uploads.iterdir()) == [], "the app left temporary files behind"


@pytest.fixture(scope="module")
def chromium():
    """A browser without a microphone. Of a module: one that hears a sound cannot run beside it."""
    with browser() as running:
        yield running
