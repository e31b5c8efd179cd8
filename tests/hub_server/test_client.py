"""The client of this process is pointed at a server and put back; many servers; a process of its own."""

import os
import subprocess
import sys
import time

import datasets.config
import httpx
import huggingface_hub
import transformers
from huggingface_hub import HfApi, constants, get_token, hf_api
from huggingface_hub.utils import _http

from tests.hub_server import Hub, serve
from tests.hub_server.client import FOREIGN, hub_environment, pointed_at

WATCHED = [
    *((constants, name) for name in dir(constants) if name.isupper()),
    *((datasets.config, name) for name in dir(datasets.config) if name.isupper()),
    *((_http, "time"), (_http, "_HUB_ORIGINS"), (hf_api.api, "endpoint")),
    (transformers.utils.hub, "HF_MODULES_CACHE"),
]


def test_everything_is_put_back(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_user")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    before, environment = [getattr(*place) for place in WATCHED], dict(os.environ)
    hub = Hub(tmp_path / "hub")
    with serve(hub), pointed_at(hub, tmp_path / "home"):
        assert get_token() is None
        assert constants.ENDPOINT == datasets.config.HF_ENDPOINT == os.environ["HF_ENDPOINT"] == hub.url
        assert HfApi().endpoint == hub.url
        huggingface_hub.create_repo("me/sounds", token="hf_me")
        assert huggingface_hub.repo_exists("me/sounds")
    assert [getattr(*place) for place in WATCHED] == before
    assert dict(os.environ) == environment
    assert hub.repositories() == ["me/sounds"]


def test_servers_know_nothing_of_each_other(tmp_path):
    one, two = Hub(tmp_path / "one"), Hub(tmp_path / "two")
    with serve(one) as first, serve(two) as second, pointed_at(one, tmp_path / "home"):
        HfApi(endpoint=first, token="hf_me").create_repo("me/sounds")
        assert HfApi(endpoint=first, token=False).repo_exists("me/sounds")
        assert not HfApi(endpoint=second, token=False).repo_exists("me/sounds")
    assert (one.repositories(), two.repositories()) == (["me/sounds"], [])


def test_a_server_starts_and_ends_at_once(tmp_path):
    start = time.monotonic()
    for number in range(5):
        with serve(Hub(tmp_path / str(number))) as url:
            assert httpx.get(f"{url}/api/models").json() == []
    assert time.monotonic() - start < 5


def test_a_process_of_its_own_sees_the_server_and_nothing_of_the_user(hub, monkeypatch):
    for name in FOREIGN:
        monkeypatch.setenv(name, "/of/the/user")
    environment = hub_environment(hub, "hf_me")
    assert not [name for name, value in environment.items() if "/of/the/user" in value]
    code = "import huggingface_hub as h; print(h.whoami()['name'], h.constants.HF_HUB_DISABLE_XET)"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["me", "True"], done.stderr
    assert hub_environment(hub)["HF_HOME"] != environment["HF_HOME"]


def test_by_hand(tmp_path):
    command = [sys.executable, "-u", "-m", "tests.hub_server", "--root", str(tmp_path), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().split(" is at ")[1].split(",")[0]
            me = httpx.get(f"{url}/api/whoami-v2", headers={"authorization": "Bearer hf_me"}).json()
            assert me["name"] == "me"
        finally:
            process.terminate()
