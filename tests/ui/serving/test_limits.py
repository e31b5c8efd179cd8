"""What the app refuses, over HTTP as any program sends it: too much, of other sites, unfinished. And it goes on."""

import asyncio
import json
import socket
import time
from contextlib import suppress

import httpx
import numpy as np
import pytest
import soundfile
from starlette.requests import ClientDisconnect

from audiocls.ui import limits
from audiocls.ui.serving.guard import Guard, same_site
from tests.small_models import SOUNDS

FILE = SOUNDS / "drum" / "drum_00.ogg"
CLASSIFY = "gradio_api/call/classify"


@pytest.fixture
def client(app):
    with httpx.Client(base_url=app.url, timeout=60) as client:
        yield client


def uploaded(client, content=None, name="drum.ogg"):
    answer = client.post("gradio_api/upload", files={"files": (name, content or FILE.read_bytes())})
    assert answer.status_code == 200, answer.text
    return answer.json()[0]


def classified(client, path):
    """Name of the event that ends the answer, and its data."""
    data = {"sound": {"path": path, "meta": {"_type": "gradio.FileData"}}}
    begun = client.post("gradio_api/call/v2/classify", json=data)
    assert begun.status_code == 200, begun.text
    text = client.get(f"{CLASSIFY}/{begun.json()['event_id']}").text
    event, data = [line.partition(": ")[2] for line in text.strip().splitlines()][-2:]
    return event, json.loads(data)


def goes_on(client):
    event, data = classified(client, uploaded(client))
    return event == "complete" and len(data[0]) == 7


def test_a_file_over_the_size_limit_is_refused_before_it_is_sent(app):
    with socket.create_connection(("127.0.0.1", app.port), timeout=20) as connection:
        size = limits.LARGEST_UPLOAD_BYTES + 10**6
        head = f"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1:{app.port}\r\nContent-Length: {size}\r\n"
        connection.sendall(f"{head}Content-Type: multipart/form-data; boundary=x\r\n\r\n".encode())
        answer = ""
        while "MB" not in answer and (piece := connection.recv(4096)):
            answer += piece.decode()
    assert answer.startswith("HTTP/1.1 413")
    assert "larger than the limit of 2200 MB" in answer


def test_anything_but_a_file_may_not_be_large(client):
    data = {"data": ["x" * (limits.LARGEST_REQUEST_BYTES + 1)]}
    answer = client.post(CLASSIFY, json=data)
    assert answer.status_code == 413
    assert "24 MB" in answer.text

    def pieces():  # without saying how much it will be
        for _ in range(limits.LARGEST_REQUEST_BYTES // 10**6 + 2):
            yield b"x" * 10**6

    with suppress(httpx.HTTPError):  # the app hung up
        assert client.post(CLASSIFY, content=pieces()).status_code >= 400
    assert goes_on(client)


@pytest.mark.parametrize("kind", ["broken", "video", "silent"])
def test_odd_files_are_answered_in_a_line(client, tmp_path, kind):
    path = tmp_path / f"{kind}.wav"
    if kind == "broken":
        soundfile.write(path, np.zeros(8000, np.float32), 8000)
        path.write_bytes(b"RIFF" + path.read_bytes()[40:900])
    elif kind == "video":
        path.write_bytes(b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 20)
    else:
        soundfile.write(path, np.zeros(16000, np.float32), 16000)
    event, data = classified(client, uploaded(client, path.read_bytes(), path.name))
    if kind == "silent":  # scores are scores; that it is silent is for `answer` to say
        assert event == "complete"
    else:
        assert event == "error"
        assert "\n" not in data["error"]
        assert str(tmp_path) not in data["error"]
    assert goes_on(client)


def test_an_upload_that_breaks_off_leaves_nothing_behind(app, client):
    def files():
        return [path for path in app.uploads.rglob("*") if path.is_file()]

    assert goes_on(client)
    before = len(files())
    head = f"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1:{app.port}\r\nContent-Length: 9000000\r\n"
    body = '--x\r\nContent-Disposition: form-data; name="files"; filename="a.wav"\r\n\r\n' + "0" * 200_000
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", app.port)) as connection:
            connection.sendall(f"{head}Content-Type: multipart/form-data; boundary=x\r\n\r\n{body}".encode())
            time.sleep(0.2)
    for _ in range(100):
        if len(files()) == before:
            break
        time.sleep(0.1)
    assert len(files()) == before
    assert goes_on(client)


def test_who_does_not_wait_for_the_answer_holds_up_nobody(app, client):
    path = uploaded(client)
    data = {"sound": {"path": path, "meta": {"_type": "gradio.FileData"}}}
    for _ in range(30):
        event = client.post("gradio_api/call/v2/classify", json=data).json()["event_id"]
        with socket.create_connection(("127.0.0.1", app.port)) as connection:
            connection.sendall(f"GET /{CLASSIFY}/{event} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    assert goes_on(client)


# Whose page it is


@pytest.mark.parametrize(
    "path", [CLASSIFY, "gradio_api/queue/join", "gradio_api/upload", "gradio_api/component_server"]
)
def test_pages_of_other_sites_cannot_do_anything(app, client, path):
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://localhost:{app.port + 1}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": f"http://evil.example:{app.port}", "Host": f"127.0.0.1:{app.port}"},
    ):
        answer = client.post(path, headers=headers, json={"data": []})
        assert answer.status_code == 403, headers
        assert "another site" in answer.json()["detail"]
    assert client.post(CLASSIFY, json={"data": [None, ""]}, headers={"Origin": app.url.rstrip("/")}).status_code == 200


def test_a_browser_behind_a_tunnel_is_no_other_site():
    assert same_site({"host": "127.0.0.1:7860", "x-forwarded-host": "a.example", "origin": "https://a.example"})
    assert not same_site({"host": "127.0.0.1:7860", "x-forwarded-host": "a.example", "origin": "https://b.example"})
    assert same_site({"host": "127.0.0.1:7860"})


def test_no_other_site_may_show_the_page_inside_its_own(client):
    for path in ("", "config", "gradio_api/info", "gradio_api/file=/etc/passwd"):
        headers = client.get(path).headers
        assert headers["content-security-policy"] == "frame-ancestors 'self'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "SAMEORIGIN"


@pytest.mark.parametrize("address", ["http://example.com/a.wav", "https:/example.com/a", "ftp://example.com/a"])
def test_the_app_fetches_nothing_for_others(client, address):
    for way in ("file", "proxy"):
        assert client.get(f"gradio_api/{way}={address}").status_code in (400, 403, 404)
    event, data = classified(client, address)
    assert event == "error"
    assert "score" not in json.dumps(data)


# The guard alone


def guarded(path="/gradio_api/upload", headers=(), messages=(), **options):
    """Status that an app behind the guard gave to a request, and how many bytes of its body reached the app."""
    seen, statuses = [], []

    async def behind(scope, receive, send):
        while (message := await receive())["type"] == "http.request":
            seen.append(len(message["body"]))
            if not message["more_body"]:
                await send({"type": "http.response.start", "status": 200, "headers": []})
                return
        raise ClientDisconnect  # as starlette does

    async def send(message):
        statuses.extend([message["status"]] if message["type"] == "http.response.start" else [])

    async def receive():
        return waiting.pop(0) if waiting else await asyncio.sleep(60)

    waiting = list(messages)
    scope = {"type": "http", "method": "POST", "path": path, "headers": list(headers), "query_string": b""}
    asyncio.run(Guard(behind, **options)(scope, receive, send))
    return (statuses or [None])[0], sum(seen)


def test_an_upload_that_lies_about_its_size_is_cut(monkeypatch):
    monkeypatch.setattr("audiocls.ui.serving.guard.LARGEST_UPLOAD_BYTES", 10**6)
    piece = {"type": "http.request", "body": b"x" * 10**5, "more_body": True}
    status, received = guarded(messages=[piece] * 100)
    assert status == 413
    assert received < 1.2e6


def test_a_silent_upload_is_ended(monkeypatch):
    monkeypatch.setattr("audiocls.ui.serving.guard.LONGEST_UPLOAD_SILENCE_SECONDS", 0.1)
    started = time.monotonic()
    assert guarded(messages=[{"type": "http.request", "body": b"x", "more_body": True}]) == (None, 1)
    assert time.monotonic() - started < 5


def test_uploads_wait_for_room(monkeypatch):
    monkeypatch.setattr("audiocls.ui.serving.guard.LEAST_FREE_BYTES", 10**18)
    assert guarded()[0] == 507
    monkeypatch.setattr("audiocls.ui.serving.guard.UPLOADS_AT_ONCE", 0)
    assert guarded()[0] == 503
