"""The app without a browser: its endpoint, its limits, how it starts and how it refuses to."""

import re
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from audiocls.errors import AudioclsError, UsageError
from audiocls.ui import sounds
from audiocls.ui.app import check_address, main
from audiocls.ui.classify.examples import bundled_sounds
from tests.running_app import ROOT, free_port
from tests.small_models import SOUNDS

FILE = SOUNDS / "drum" / "drum_00.ogg"


@pytest.fixture(scope="module")
def client(app, tmp_path_factory):
    client = Client(app.url, verbose=False, download_files=str(tmp_path_factory.mktemp("client")))
    yield client
    client.close()


def test_the_endpoint_gives_the_scores_of_the_classifier(client, classifier):
    answer = client.predict(handle_file(FILE), api_name="/classify")
    expected = classifier(FILE)
    assert [entry["label"] for entry in answer] == [entry["label"] for entry in expected]
    np.testing.assert_allclose([e["score"] for e in answer], [e["score"] for e in expected], atol=1e-4)


def broken_file(folder, kind):
    path = folder / "a <b>sound.wav"
    if kind == "text":
        path.write_text("no sound in here")
    elif kind == "nothing":
        soundfile.write(path, np.zeros(0, np.float32), 16000)
    elif kind == "long":
        soundfile.write(path, np.zeros(8000 * 601, np.float32), 8000, subtype="PCM_U8")
    else:
        path.write_bytes(b"")
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [("text", "not an audio file"), ("nothing", "holds no samples"), ("empty", "empty"), ("long", "the limit is 10")],
)
def test_what_cannot_be_classified_is_explained(client, tmp_path, kind, message):
    with pytest.raises(AppError, match=message) as caught:
        client.predict(handle_file(broken_file(tmp_path, kind)), api_name="/classify")
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert client.predict(handle_file(FILE), api_name="/classify")  # and the app goes on


def test_no_sound_at_all_is_explained(client):
    with pytest.raises(AppError, match="no sound yet"):
        client.predict(None, api_name="/classify")


def test_a_file_over_the_size_limit_is_refused(monkeypatch):
    monkeypatch.setattr(sounds, "LARGEST_SOUND_BYTES", 100)
    with pytest.raises(sounds.gr.Error, match="the limit is 0 MB"):
        sounds.read_sound(str(FILE), 16000)


def test_files_of_this_machine_are_not_given_out(app, client, classifier):
    for path in (ROOT / "pyproject.toml", classifier.folder / "config.json", Path("/etc/passwd")):
        assert httpx.get(f"{app.url}gradio_api/file={path}").status_code == 403
    # nor read as if they had been uploaded
    call = f"{app.url}gradio_api/call/classify"
    event = httpx.post(call, json={"data": [{"path": str(FILE), "meta": {"_type": "gradio.FileData"}}]}).json()
    answer = httpx.get(f"{call}/{event['event_id']}").text
    assert "event: error" in answer
    assert "score" not in answer


def test_without_a_model_named_it_takes_the_newest_run(app):
    config = httpx.get(f"{app.url}config").json()
    assert config["title"] == "audiocls: every_day"
    texts = [c["props"].get("value") for c in config["components"] if c["type"] == "markdown"]
    assert any("**every\\_day**" in text and "**90.0% accuracy** (95% interval 81.0%" in text for text in texts)


def test_the_page_fetches_nothing_from_elsewhere(app):
    text = httpx.get(app.url).text
    loaded = re.findall(r"""(?:src|href)=["'](https?://[^"']+)""", text)
    assert [url for url in loaded if "127.0.0.1" not in url] == []
    assert httpx.get(f"{app.url}config").json()["analytics_enabled"] is False


def test_examples_are_one_of_each_class_the_model_knows():
    assert list(bundled_sounds(["drum", "water", "dragon"])) == ["drum", "water"]
    assert bundled_sounds(["dragon"]) == {}


def test_a_busy_port_is_told_in_one_line(capsys, app):
    assert main(["--model", "anything", "--port", str(app.port)]) == 1
    errors = capsys.readouterr().err
    assert errors == f"audiocls: port {app.port} of 127.0.0.1 is in use; choose another with --port\n"


def test_it_ends_well_while_a_model_computes(classifier):
    """What computes in torch when Python ends its threads would abort the process, so that it is ended before that."""
    script = f"""
import threading, torch
from audiocls.ui import app

def compute():
    network, sounds = torch.nn.Conv1d(8, 8, 3), torch.randn(1, 8, 4000)
    while True:
        network(sounds).relu()

def launch(*_, **__):
    for _ in range(3):
        threading.Thread(target=compute, daemon=True).start()
    raise KeyboardInterrupt

app.launch = launch
print("never printed", app.main(["--model", {str(classifier.folder)!r}, "--port", "{free_port()}"]))
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_wrong_addresses_are_told():
    with pytest.raises(UsageError, match="between 1 and 65535"):
        check_address("127.0.0.1", 70000)
    with pytest.raises(AudioclsError, match="cannot listen"):
        check_address("192.0.2.1", 7860)  # an address of documentation, never this machine's


def test_without_a_run_it_says_how_to_train(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    port = free_port()
    assert main(["--port", str(port)]) == 1
    errors = capsys.readouterr().err
    assert "audiocls train" in errors
    assert errors.count("\n") == 1
    assert main(["--model", str(tmp_path / "none"), "--port", str(port)]) == 1
    assert "there is no such folder" in capsys.readouterr().err
    assert main(["--prot", "3"]) == 2
    assert "--prot" in capsys.readouterr().err


def test_a_sound_that_is_none_of_the_classes_is_said_above_the_scores(classifier):
    (answer,) = classifier.answers(FILE)
    assert not sounds.verdict(answer)
    (unsure,) = classifier.answers(FILE, threshold=1.0)
    told = sounds.verdict(unsure)
    assert told.startswith("## None of these")
    assert unsure.closest in told
    (silent,) = classifier.answers((16000, np.zeros(16000, np.float32)))
    assert "silent" in sounds.verdict(silent)
