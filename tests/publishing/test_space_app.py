"""A Space as the Hub would run it: uploaded, fetched, started where only its requirements are, used in a browser."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import httpx
import numpy as np
import pytest
import soundfile
import soxr
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from huggingface_hub import snapshot_download

from audiocls.audio.decoding import decode
from audiocls.inference.classifier import AudioClassifier
from audiocls.inference.rejection_file import attach_rejection
from audiocls.publishing.repository import Repository
from audiocls.publishing.space import is_ours, space_files
from tests.browsing import PATIENCE_MS, assert_shown, browser_hearing, give_file, likeness, watched_page
from tests.hub_server.client import pointed_at
from tests.hub_server.server import Hub, serve
from tests.models.test_rejection import taught
from tests.publishing.spaces import environment_of, refused
from tests.running_app import free_port
from tests.small_models import LABELS, SOUNDS, small_model, write_model

FILE = SOUNDS / "animal" / "animal_01.ogg"
STARTS_WITHIN_SECONDS = 240  # on a machine that is busy with other tests
# huggingface_hub uploads in a way that its own HTTP library warns of, and the server's sockets outlive a test.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=", "ignore:unclosed:ResourceWarning")


class RunningSpace(NamedTuple):
    url: str
    folder: Path
    log: Path


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    model = small_model(window_seconds=1.0)
    attach_rejection(model, *taught(len(model.config.id2label), model.network.classifier.in_features, threshold=-1e9))
    folder = write_model(model, tmp_path_factory.mktemp("model") / "mine")
    metrics = {"split": "test", "size": 70, "accuracy": 0.9, "intervals": {"accuracy": [0.81, 0.95]}}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "examples").mkdir()
    for label in ("drum", "water"):
        soundfile.write(folder / "examples" / f"{label}.flac", decode(SOUNDS / label / f"{label}_00.ogg", 16000), 16000)
    return AudioClassifier.from_pretrained(folder)


@pytest.fixture(scope="module")
def fetched(classifier, tmp_path_factory):
    """The Space pushed to a hub, as private, and downloaded again."""
    root = tmp_path_factory.mktemp("hub")
    hub = Hub(root / "hub")
    with serve(hub), pointed_at(hub, root / "home"):
        repository = Repository("me/my-sounds", "space", token="hf_me", private=True, space_sdk="gradio")
        files = space_files(classifier.folder, "me/my-sounds")
        repository.commit(repository.plan(files, is_ours), "Space")
        assert not repository.plan(files, is_ours).changes
        assert repository.info().sdk == "gradio"
        folder = snapshot_download("me/my-sounds", repo_type="space", token="hf_me", local_dir=root / "space")
    return Path(folder)


@pytest.fixture(scope="module")
def space(fetched, tmp_path_factory):
    """`python app.py` in its folder."""
    root = tmp_path_factory.mktemp("running")
    environment = environment_of(fetched, root / "environment")
    port, log = free_port(), root / "log.txt"
    variables = {"PATH": os.environ["PATH"], "HOME": str(root), "TMPDIR": str(root), "OMP_NUM_THREADS": "1"}
    url = f"http://127.0.0.1:{port}/"
    with log.open("w") as output:
        process = subprocess.Popen(
            [environment.python, "app.py"],
            cwd=fetched,
            env=variables | {"GRADIO_SERVER_PORT": str(port)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(url, process, log)
            yield RunningSpace(url, fetched, log)
        finally:
            process.kill()
            process.wait()
    assert refused(environment) == "", "it asked the network for something"
    assert log.read_text().count("Traceback") == log.read_text().count("InvalidPathError: Cannot move"), log.read_text()


def wait_for(url, process, log):
    end = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(url, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.3)
    raise AssertionError(f"it did not start: {log.read_text()}")


@pytest.fixture(scope="module")
def client(space, tmp_path_factory):
    client = Client(space.url, verbose=False, download_files=str(tmp_path_factory.mktemp("client")))
    yield client
    client.close()


def written_sound(folder, kind):
    path = folder / f"{kind}.wav"
    waveform, rate = soundfile.read(FILE, dtype="float32")
    if kind == "long_stereo":
        soundfile.write(path, np.stack([np.tile(waveform, 4), np.tile(waveform, 4)[::-1]], 1), rate, subtype="PCM_24")
    elif kind == "eight":
        soundfile.write(path, soxr.resample(waveform, rate, 8000), 8000)
    elif kind == "text":
        path.write_text("no sound in here")
    elif kind == "nothing":
        path.write_bytes(b"")
    else:
        soundfile.write(path, np.zeros(8000 * 601, np.float32), 8000, subtype="PCM_U8")
    return path


@pytest.mark.parametrize("kind", ["long_stereo", "eight"])
def test_the_endpoint_gives_the_scores_of_the_classifier(kind, client, classifier, tmp_path):
    path = written_sound(tmp_path, kind)
    answer, expected = client.predict(handle_file(path), api_name="/classify"), classifier(path)
    assert [entry["label"] for entry in answer] == [entry["label"] for entry in expected]
    np.testing.assert_allclose([e["score"] for e in answer], [e["score"] for e in expected], atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "message"), [("text", "not an audio file"), ("nothing", "empty"), ("hours", "the limit is 10")]
)
def test_what_cannot_be_classified_is_explained(kind, message, client, tmp_path):
    with pytest.raises(AppError, match=message) as caught:
        client.predict(handle_file(written_sound(tmp_path, kind)), api_name="/classify")
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    with pytest.raises(AppError, match="no sound yet"):
        client.predict(None, api_name="/classify")


def test_its_endpoints_are_those_of_the_app_and_say_their_types(client):
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert "/classify" in endpoints
    assert not [name for name in endpoints if "publish" in name or "train" in name]
    assert endpoints["/classify"]["returns"][0]["python_type"]["type"] == "list[dict(label: str, score: float)]"
    assert "10 minutes" in endpoints["/classify"]["description"]


def test_no_model_but_its_own_can_be_named(client, space):
    """Whoever comes is a visitor: no folder of the machine, nothing else of the Hub."""
    functions = httpx.get(f"{space.url}config", trust_env=False).json()["dependencies"]
    names = {each["api_name"] for each in functions}
    assert {"publish", "whose"}.isdisjoint(names)


def test_it_gives_out_no_file_and_reports_to_nobody(space):
    for path in ("app.py", "model/config.json", "/etc/passwd"):
        assert httpx.get(f"{space.url}gradio_api/file={space.folder / path}", trust_env=False).status_code in (403, 404)
    config = httpx.get(f"{space.url}config", trust_env=False).json()
    assert config["analytics_enabled"] is False
    assert "my-sounds" in config["title"]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser_hearing(FILE, tmp_path_factory.mktemp("microphone")) as running:
        yield running


@pytest.fixture
def page(chromium, space):
    with watched_page(chromium, space.url, 390, 844) as page:
        yield page


def test_an_example_an_upload_and_silence_on_a_phone(page, classifier, tmp_path):
    assert page.get_by_text("95% interval 81.0% to 95.0%").is_visible()
    link = page.get_by_role("link", name="The model card")
    assert link.get_attribute("href") == "https://huggingface.co/me/my-sounds"
    assert page.get_by_text("It knows animal, drum, metal").is_visible()
    page.locator("#examples").get_by_text("water", exact=True).click()
    assert_shown(page, classifier(SOUNDS / "water" / "water_00.ogg"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#sound").get_by_label("Clear").click()
    page.locator("#answer meter").first.wait_for(state="detached", timeout=PATIENCE_MS)
    give_file(page, FILE)
    assert_shown(page, classifier(FILE))
    page.locator("#sound").get_by_label("Clear").click()
    soundfile.write(tmp_path / "silent.wav", np.zeros(16000), 16000)
    give_file(page, tmp_path / "silent.wav")
    page.get_by_text("This recording is silent").wait_for(timeout=PATIENCE_MS)


def test_a_recording_from_the_microphone_is_classified_when_it_stops(page, classifier, tmp_path):
    page.get_by_role("button", name="Record", exact=True).click()
    page.wait_for_timeout(2000)
    with page.expect_response("**/gradio_api/upload*") as upload:
        page.get_by_role("button", name="Stop", exact=True).first.click()
    recording = tmp_path / "recording.wav"
    recording.write_bytes(Path(upload.value.json()[0]).read_bytes())
    assert likeness(recording, FILE) > 0.95
    assert_shown(page, classifier(recording))


def test_what_is_no_sound_is_explained_and_the_page_goes_on(page, classifier, tmp_path):
    page.locator("#classify").click()
    page.get_by_text("There is no sound yet").wait_for(timeout=PATIENCE_MS)
    give_file(page, written_sound(tmp_path, "text"))
    page.get_by_text("This file cannot be read as sound: not an audio file").wait_for(timeout=PATIENCE_MS)
    page.locator("#sound").get_by_label("Clear").click()
    give_file(page, FILE)
    assert_shown(page, classifier(FILE))


def test_each_tab_comes_up_on_a_phone_and_the_model_is_described(page):
    page.get_by_role("tab", name="Classify").wait_for(timeout=PATIENCE_MS)
    tabs = page.locator("#tabs [role=tab]:visible")  # without a menu, in two lines
    assert tabs.all_inner_texts() == ["Classify", "Live", "Long recording", "Batch", "Model"]
    for tab in tabs.all():
        tab.click()
        page.locator(f"#{tab.get_attribute('aria-controls')}").wait_for(timeout=PATIENCE_MS)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#model-facts dl").wait_for(timeout=PATIENCE_MS)
    assert page.locator("#model-facts").get_by_text("me/my-sounds").is_visible()
    assert page.locator("#model-facts .labels span").all_inner_texts() == LABELS
    assert not page.locator("#model-data").is_visible()
