"""The examples of docs/api.md, run as they stand; only the address is another."""

import json
import os
import re
import subprocess
import sys
import zipfile

import pytest
import soundfile

from tests.running_app import ROOT, running_app
from tests.small_models import LABELS, SOUNDS
from tests.ui.api.test_tools import with_tools

ADDRESS = "http://127.0.0.1:7860"
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
OPEN, LOGIN = PAGE.split("## With a login")


def examples(page, language, app):
    """The code of a language on the page, at the app's address."""
    found = re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    return [code.replace(ADDRESS, app.url.rstrip("/")) for code in found if ADDRESS in code]


def output_of(command, folder):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path):
    """The files that the examples name."""
    waveform, rate = soundfile.read(SOUNDS / "animal" / "animal_00.ogg")
    for name in ("dog.wav", "recording.wav"):
        soundfile.write(tmp_path / name, waveform, rate)
    with zipfile.ZipFile(tmp_path / "sounds.zip", "w") as archive:
        archive.write(tmp_path / "dog.wav", "dogs/dog.wav")
    return tmp_path


@pytest.fixture(scope="module")
def login_app(classifier, tmp_path_factory):
    """The app with the flags that the page tells of."""
    folder, accounts = tmp_path_factory.mktemp("login"), tmp_path_factory.mktemp("accounts") / "accounts.txt"
    accounts.write_text("ada:lovelace\n")
    with running_app(folder, "--mcp", "--model", str(classifier.folder), "--auth", str(accounts)) as running:
        yield running
    assert "lovelace" not in running.log.read_text()


def test_the_examples_for_python_run(app, classifier, folder):
    calls, tools = examples(OPEN, "python", app)
    best = classifier(folder / "dog.wav")[0]
    lines = output_of([sys.executable, "-c", calls], folder).splitlines()
    label, score = lines[0].rsplit(" ", 1)
    assert (label, float(score)) == (best["label"], pytest.approx(best["score"], abs=1e-4))
    assert lines[1] == best["label"]
    assert f"dog.wav {best['label']} None" in lines
    assert f"sounds/dogs/dog.wav {best['label']} None" in lines
    assert lines[-2].startswith("['runs/every_day'")
    assert lines[-1] == str(LABELS)
    names, told = output_of([sys.executable, "-c", tools], folder).splitlines()
    assert "'classify'" in names
    assert f"'{best['label']}'" in told


def test_the_examples_for_curl_run(app, classifier, folder):
    calls, at_once = examples(OPEN, "sh", app)
    best = classifier(folder / "dog.wav")[0]["label"]
    answers = [each["data"][0] for each in decoded(output_of(["bash", "-euc", calls], folder))]
    scores, answer, explanation, events, rows, models, told = answers
    assert scores[0]["label"] == answer["answer"] == explanation["label"] == best
    assert all(event["label"] in LABELS for event in events)
    assert [row["file"] for row in rows] == ["dog.wav", "sounds/dogs/dog.wav"]
    assert models[0] == "runs/every_day"
    assert told["labels"] == LABELS
    (answer,) = decoded(output_of(["bash", "-euc", at_once], folder))
    assert answer["data"][0] == scores


def test_the_examples_with_a_login_run_and_without_one_nothing_does(login_app, app, classifier, folder):
    best = classifier(folder / "dog.wav")[0]["label"]
    (calls,) = examples(LOGIN, "python", login_app)
    assert f"'{best}'" in output_of([sys.executable, "-c", calls], folder)
    (calls,) = examples(LOGIN, "sh", login_app)
    answers = decoded(output_of(["bash", "-euc", calls], folder))
    assert answers[-1]["data"][0][0]["label"] == best
    (calls, _) = examples(OPEN, "sh", login_app)
    refused = output_of(["bash", "-uc", calls], folder)
    assert "score" not in refused


def test_the_configurations_of_clients_for_mcp_reach_the_tools(login_app, app):
    async def conversation(session):
        return json.loads((await session.call_tool("models", {})).content[0].text)

    for page, running in ((OPEN, app), (LOGIN, login_app)):
        (configuration,) = (json.loads(code) for code in examples(page, "json", running))
        server = configuration["mcpServers"]["audiocls"]
        assert server["url"] == f"{running.url}gradio_api/mcp/"
        assert with_tools(running, conversation, **server.get("headers", {}))
    with pytest.raises(ExceptionGroup):
        with_tools(login_app, conversation)


def decoded(text):
    """The JSON values that stand in a text one after the other."""
    decoder, place, found = json.JSONDecoder(), 0, []
    while place < len(text):
        value, place = decoder.raw_decode(text, place)
        found.append(value)
    return found
