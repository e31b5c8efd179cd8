"""The endpoints for programs: the answers of the classifier, types, and a line for what cannot be done."""

import base64
import json
import zipfile

import httpx
import numpy as np
import pytest
import soundfile
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from audiocls.cli import main
from audiocls.detection.options import DetectOptions
from tests.running_app import ROOT
from tests.small_models import LABELS, SOUNDS

FILE = SOUNDS / "drum" / "drum_00.ogg"
ENDPOINTS = {
    "/classify": ["sound", "model"],
    "/answer": ["sound", "model"],
    "/explain": ["sound", "label", "model"],
    "/detect": ["sound", "model", "threshold", "min_duration_seconds", "merge_gap_seconds"],
    "/classify_files": ["files", "model"],
    "/models": [],
    "/describe": ["model"],
}


@pytest.fixture(scope="module")
def client(app, tmp_path_factory):
    client = Client(app.url, verbose=False, download_files=str(tmp_path_factory.mktemp("client")))
    yield client
    client.close()


@pytest.fixture(scope="module")
def run(app):
    """Call an endpoint in one request, as curl does; the answer, or the line that says why there is none."""

    def call(name, *data):
        response = httpx.post(f"{app.url}gradio_api/run/{name}", json={"data": data}, timeout=60)
        answer = response.json()
        if response.status_code == 200:
            return answer["data"][0]
        assert "\n" not in answer["error"]
        return answer["error"]

    return call


@pytest.fixture(scope="module")
def uploaded(app):
    with open(FILE, "rb") as file:
        return httpx.post(f"{app.url}gradio_api/upload", files={"files": file}).json()[0]


def test_the_endpoints_say_their_types(client):
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    named = {name: [each["parameter_name"] for each in told["parameters"]] for name, told in endpoints.items()}
    assert named == ENDPOINTS
    sound, model = endpoints["/classify"]["parameters"]
    assert (sound["python_type"]["type"], sound["parameter_has_default"]) == ("filepath", False)
    assert (model["python_type"]["type"], model["parameter_has_default"]) == ("str", True)
    assert endpoints["/classify"]["returns"][0]["python_type"]["type"] == "list[dict(label: str, score: float)]"
    assert endpoints["/classify_files"]["parameters"][0]["python_type"]["type"] == "list[filepath]"
    assert "10 minutes" in endpoints["/classify"]["description"]
    assert all(endpoints[name]["description"] for name in ENDPOINTS)


def test_scores_and_answers_are_those_of_the_classifier(client, classifier, tmp_path):
    expected = classifier(FILE)
    scores = client.predict(handle_file(FILE), api_name="/classify")
    assert [entry["label"] for entry in scores] == [entry["label"] for entry in expected]
    np.testing.assert_allclose([e["score"] for e in scores], [e["score"] for e in expected], atol=1e-4)
    answer = client.predict(handle_file(FILE), api_name="/answer")
    assert answer["answer"] == answer["closest"] == expected[0]["label"]
    assert answer["predictions"] == scores
    soundfile.write(tmp_path / "silent.wav", np.zeros(16000), 16000)
    silent = client.predict(handle_file(tmp_path / "silent.wav"), api_name="/answer")
    assert (silent["answer"], silent["reason"]) == (None, "silent")
    assert silent["closest"] in LABELS


def test_events_are_those_of_the_classifier(client, classifier):
    expected = classifier.detect(FILE, DetectOptions(threshold="0.1")).events
    events = client.predict(handle_file(FILE), threshold=0.1, api_name="/detect")
    assert expected
    assert [event["label"] for event in events] == [event.label for event in expected]
    for name in ("start_seconds", "end_seconds", "peak_score"):
        told = [event[name] for event in events]
        np.testing.assert_allclose(told, [getattr(event, name) for event in expected], atol=1e-3)


def test_an_explanation_is_that_of_the_classifier(client, classifier):
    expected = classifier.explain(FILE, "water")
    told = client.predict(handle_file(FILE), label="water", api_name="/explain")
    assert (told["label"], told["method"]) == ("water", "occlusion")
    assert told["score"] == pytest.approx(expected.score, abs=1e-4)
    np.testing.assert_allclose(
        [part["start"] for part in told["parts"]], [part.start for part in expected.parts], atol=1e-3
    )


def test_many_files_give_the_rows_of_the_command_line(client, classifier, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for number, label in enumerate(("drum", "water")):
        (tmp_path / f"{number}.ogg").write_bytes((SOUNDS / label / f"{label}_00.ogg").read_bytes())
    (tmp_path / "broken.wav").write_text("no sound")
    with zipfile.ZipFile("two.zip", "w") as archive:
        for name in ("0.ogg", "1.ogg", "broken.wav"):
            archive.write(name)
    rows = client.predict([handle_file("two.zip")], api_name="/classify_files")
    main(["predict", str(classifier.folder), "0.ogg", "1.ogg", "broken.wav", "--format", "json", "--top_k", "0"])
    assert rows == json.loads(capsys.readouterr().out)
    assert "not an audio file" in rows[2]["error"]
    with zipfile.ZipFile("evil.zip", "w") as archive:
        archive.writestr("../evil.wav", b"x")
    with pytest.raises(AppError, match=r"^evil\.zip: refused"):
        client.predict([handle_file("evil.zip")], api_name="/classify_files")


def test_models_are_named_and_described(client):
    names = client.predict(api_name="/models")
    assert names[0] == "runs/every_day"
    assert "runs/older" in names
    told = client.predict(api_name="/describe")
    assert (told["name"], told["labels"], told["sampling_rate"]) == ("every_day", LABELS, 16000)
    assert told["scores"] == {
        "split": "test",
        "size": 70,
        "interval_level": 0.95,
        "scores": [{"name": "accuracy", "value": 0.9, "interval": [0.81, 0.95]}],
    }
    assert told["licence"] == "apache-2.0"
    assert client.predict(model="runs/older", api_name="/describe")["name"] == "older"
    assert client.predict(handle_file(FILE), model="runs/older", api_name="/classify")
    with pytest.raises(AppError, match="there is no such folder"):
        client.predict(handle_file(FILE), model="./nowhere", api_name="/classify")


def test_a_sound_is_named_in_several_ways(run, app, uploaded):
    expected = run("classify", {"path": uploaded, "meta": {"_type": "gradio.FileData"}})
    assert {entry["label"] for entry in expected} == set(LABELS)
    sent_along = "data:audio/ogg;base64," + base64.b64encode(FILE.read_bytes()).decode()
    for sound in (uploaded, {"path": uploaded}, f"{app.url}gradio_api/file={uploaded}", sent_along):
        assert run("classify", sound, "") == run("classify", sound) == expected


@pytest.mark.parametrize(
    ("sound", "told"),
    [
        (None, "There is no sound yet"),
        (5, "this is a number"),
        (True, "this is true or false"),
        ([], "this is a list"),
        ({}, "this is an object"),
        ({"path": 5}, "this is an object"),
        ("/etc/passwd", "was not uploaded"),
        ({"path": str(FILE), "meta": {"_type": "gradio.FileData"}}, "was not uploaded"),
        (str(ROOT / "pyproject.toml"), "was not uploaded"),
        ("a\0b", "was not uploaded"),
        ("x" * 5000, "was not uploaded"),
        ("http://127.0.0.1:9/a.wav", "fetches nothing"),
        ("http://127.0.0.1:9/gradio_api/file=/etc/passwd", "was not uploaded"),
        ("data:audio/wav;base64,AAAAA", "no file in base64"),
        ("data:audio/wav;base64,aGVsbG8=", "not an audio file"),
        ("data:audio/wav;base64," + "A" * 11_000_000, "may have 8 MB"),
    ],
)
def test_what_is_no_sound_is_told_in_a_line(run, uploaded, sound, told):
    assert told in run("classify", sound)
    assert isinstance(run("classify", uploaded), list)  # and the app goes on


def test_wrong_arguments_are_told_in_a_line(run, uploaded):
    assert run("classify") == "This needs 2 arguments and got 0."
    assert run("classify", uploaded, 5) == "model must be text; this is 5."
    assert run("detect", uploaded, "", "loud") == "threshold must be a number or nothing; this is 'loud'."
    assert "threshold is 3" in run("detect", uploaded, "", 3)
    assert "min_duration_seconds is -1" in run("detect", uploaded, "", 0.5, -1)
    assert run("classify_files", uploaded) == "Give a list of files; this is text."
    assert "at least one" in run("classify_files", [])
    assert "are too many at once" in run("classify_files", [uploaded] * 2001)
    assert "label is 'dragon'" in run("explain", uploaded, "dragon")
    assert "no file or folder" not in run("detect", uploaded, "", 0.5)
    for name in ("detect", "explain", "answer"):
        sound = "data:audio/wav;base64,aGVsbG8="
        assert (
            run(name, sound)
            == "This file cannot be read as sound: not an audio file (or of a kind that cannot be read)."
        )
