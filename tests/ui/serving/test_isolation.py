"""Nobody meets another's files, models or answers, and what was left behind goes."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from starlette.datastructures import Headers

from audiocls.errors import AudioclsError
from audiocls.ui.limits import LOADED_MODELS
from audiocls.ui.serving import queue as serving
from audiocls.ui.serving.sessions import Sessions
from audiocls.ui.serving.temporary import PREFIX, temporary_folder
from audiocls.ui.serving.visitors import Rights, Visitor, is_loopback
from audiocls.ui.serving.workspaces import Workspaces
from audiocls.ui.shelf import ModelShelf

ANNE, BEN = Visitor("anne", local=False), Visitor("ben", local=False)
HERE = Visitor("here", local=True)


def model(name):
    return SimpleNamespace(name=name, folder=None)


@pytest.fixture
def shelf(tmp_path):
    loaded = []

    def load(source):
        if "broken" in source:
            raise RuntimeError("no weights")
        loaded.append(source)
        return model(source)

    shelf = ModelShelf(model("first"), load=load, runs=None)
    shelf.loads = loaded
    return shelf


@pytest.mark.parametrize("name", ["..", "/etc", "../runs/x", "runs/../../etc", "me/model", "~/x", "first/.", "\0"])
def test_a_visitor_from_elsewhere_names_no_model_that_is_not_offered(shelf, name):
    with pytest.raises(AudioclsError, match="not among the models"):
        shelf.get(name, ANNE)
    assert shelf.loads == []


def test_a_visitor_has_models_that_no_other_can_open(shelf, tmp_path):
    shelf.add(ANNE, "mine", tmp_path)
    assert shelf.get("mine", ANNE).name == str(tmp_path)
    assert "mine" in shelf.choices(ANNE)
    for other in (BEN, Visitor(None, local=False)):
        assert "mine" not in shelf.choices(other)
        for name in ("mine", str(tmp_path)):
            with pytest.raises(AudioclsError):
                shelf.get(name, other)
    shelf.forget("anne")
    with pytest.raises(AudioclsError):
        shelf.get("mine", ANNE)


def test_a_model_that_fails_to_load_is_told_and_the_others_go_on(shelf):
    with pytest.raises(AudioclsError, match="cannot be loaded"):
        shelf.get("broken", HERE)
    assert shelf.get("fine", HERE).name == "fine"
    assert shelf.get(None, ANNE) is shelf.first


def test_many_at_once_load_each_model_once_and_the_last_few_stay(shelf):
    names = [f"model{n}" for n in range(LOADED_MODELS)] * 10
    with ThreadPoolExecutor(40) as pool:
        got = list(pool.map(lambda name: shelf.get(name, HERE), names))
    assert [each.name for each in got] == names
    assert sorted(shelf.loads) == sorted(set(names))
    shelf.get("one more", HERE)
    assert len(shelf._loaded) == LOADED_MODELS


def test_folders_of_visitors_are_apart_and_private(tmp_path):
    workspaces = Workspaces(tmp_path)
    anne, ben = workspaces.folder(ANNE), workspaces.folder(BEN)
    assert anne != ben
    assert anne.stat().st_mode & 0o077 == 0
    assert "anne" not in anne.name
    with pytest.raises(ValueError, match="no session"):
        workspaces.folder(Visitor(None, local=True))
    workspaces.forget("anne")
    assert not anne.exists()
    assert ben.is_dir()


def test_a_folder_that_nobody_asks_for_goes_after_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(serving, "WORKSPACE_SECONDS", 0.0)
    workspaces = Workspaces(tmp_path)
    folder = workspaces.folder(ANNE)
    serving.look_after(SimpleNamespace(workspaces=workspaces), every_seconds=0.05)
    for _ in range(100):
        if not folder.exists():
            break
        threading.Event().wait(0.05)
    assert not folder.exists()


APP = """
import sys, time
from pathlib import Path
from audiocls.ui.serving.temporary import temporary_folder
with temporary_folder() as path:
    import tempfile
    Path(tempfile.mkdtemp(), "sound.wav").write_text("secret")
    print(path, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("how", ["terminate", "kill"])
def test_temporary_files_go_however_the_app_ends(tmp_path, how, monkeypatch):
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", APP]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        path = Path(process.stdout.readline().decode().strip())
        assert path.parent == tmp_path
        assert list(path.rglob("sound.wav"))
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        with temporary_folder():  # another app does not touch one that runs
            assert list(path.rglob("sound.wav"))
        getattr(process, how)()
        process.wait(20)
    if how == "kill":
        assert path.exists()  # nobody could remove it, until the next app starts
        (tmp_path / f"{PREFIX}of-somebody").mkdir()
        with temporary_folder():
            assert not path.exists()
        (tmp_path / f"{PREFIX}of-somebody").rmdir()
    assert list(tmp_path.iterdir()) == []


def test_who_is_asked_by_another_name_does_not_sit_here():
    def local(host="127.0.0.1:7860", client="127.0.0.1", **more):
        headers = Headers({"host": host} | {name.replace("_", "-"): value for name, value in more.items()})
        request = SimpleNamespace(headers=headers, client=SimpleNamespace(host=client), session_hash="s")
        return Rights(local=True).visitor(request).local

    assert local()
    assert local("localhost:7860", origin="http://localhost:7860")
    assert not local("evil.example:7860")  # a name that was led to this machine
    assert not local("evil.example:7860", origin="http://evil.example:7860")
    assert not local(origin="https://evil.example")
    assert not local(client="192.0.2.7")
    assert not local(x_forwarded_for="192.0.2.7")
    assert not is_loopback("0.0.0.0")


def test_a_call_leaves_no_session_and_a_page_a_small_one():
    sessions = Sessions()
    config = SimpleNamespace(blocks={})
    sessions.set_blocks(SimpleNamespace(default_config=config, blocks={}, state_session_capacity=10))
    for _ in range(100):
        assert sessions["0123456789abcdef" * 2].config_values == {}
    assert len(sessions.session_data) == 0
    kept = sessions["page"]
    assert sessions["page"] is kept


# Over HTTP


def test_files_are_only_given_out_by_names_nobody_guesses(app):
    with httpx.Client(base_url=app.url) as client:
        folder = next(app.uploads.glob(f"{PREFIX}*"))
        (folder / "work" / "of_a_visitor.wav").write_text("secret")
        for path in (
            folder / "work" / "of_a_visitor.wav",
            folder / "uploads" / ".." / "work" / "of_a_visitor.wav",
            folder / "in_use",
            folder,
            folder / "uploads",
        ):
            assert client.get(f"gradio_api/file={path}").status_code == 403, path
            data = {"sound": {"path": str(path), "meta": {"_type": "gradio.FileData"}}}
            event = client.post("gradio_api/call/v2/classify", json=data).json()["event_id"]
            answer = client.get(f"gradio_api/call/classify/{event}").text
            assert "event: error" in answer
            assert "secret" not in answer
        (folder / "work" / "of_a_visitor.wav").unlink()


def test_sessions_and_events_that_were_guessed_give_nothing(app):
    with httpx.Client(base_url=app.url, timeout=30) as client:
        for address in ("call/classify/" + "0" * 32, "queue/data?session_hash=guessed"):
            answer = client.get(f"gradio_api/{address}").text
            assert "complete" not in answer
            assert "label" not in answer


def test_nothing_listens_beyond_this_machine(app):
    import psutil

    listening = {c.laddr.ip for c in psutil.net_connections("tcp") if c.status == "LISTEN" and c.laddr.port == app.port}
    assert listening == {"127.0.0.1"}
