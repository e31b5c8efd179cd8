"""The app with a small untrained model, and a browser to look at it with."""

import json
import os

import pytest
from matplotlib.figure import Figure

from audiocls import AudioClassifier
from docs.screenshots import browser
from tests.running_app import running_app
from tests.small_models import write_small_model

CARD = """---
license: apache-2.0
---
# Sounds of every day

![Confusion matrix](confusion_matrix.png)

Trained on real sounds. <img src="https://example.com/tracker.png">
"""


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


@pytest.fixture(scope="session")
def app(classifier, tmp_path_factory):
    """`python app.py --mcp` beside the folder `runs`."""
    with running_app(tmp_path_factory.mktemp("running"), "--mcp", beside=classifier.folder.parents[1]) as running:
        yield running


@pytest.fixture(scope="module")
def chromium():
    """A browser without a microphone. Of a module: one that hears a sound cannot run beside it."""
    with browser() as running:
        yield running
