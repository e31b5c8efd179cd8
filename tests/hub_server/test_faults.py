"""Each kind of fault as the real client meets it, and what is written down of requests."""

import contextlib

import httpx
import pytest
from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError


@pytest.fixture
def api(hub, as_user):
    as_user("hf_me")
    api = HfApi()
    api.create_repo("me/sounds")
    api.upload_file(path_or_fileobj=b"text" * 1000, path_in_repo="a.txt", repo_id="me/sounds")
    hub.faults.clear()
    hub.waits.clear()
    return api


def commit(api, content=b"new"):
    return api.upload_file(path_or_fileobj=content, path_in_repo="b.txt", repo_id="me/sounds")


def test_a_dropped_request_did_nothing(hub, api):
    hub.faults.add("drop", method="POST", path="/commit/")
    with pytest.raises(Exception, match=r"disconnected|reset|closed"):
        commit(api)
    assert "b.txt" not in hub.files("me/sounds")
    assert (hub.faults.broken[0].fault, hub.faults.broken[0].status) == ("drop", None)
    commit(api)
    assert hub.files("me/sounds")["b.txt"] == b"new"


def test_a_lost_answer_leaves_the_work_done(hub, api):
    hub.faults.add("lost", method="POST", path="/commit/")
    with pytest.raises(Exception, match=r"disconnected|reset|closed"):
        commit(api)
    assert hub.files("me/sounds")["b.txt"] == b"new"
    assert len(hub.commits("me/sounds")) == 3


def test_a_cut_download_is_made_again(hub, api):
    hub.faults.add("cut", method="GET", path="/resolve/")
    with open(hf_hub_download("me/sounds", "a.txt"), "rb") as file:
        assert file.read() == b"text" * 1000
    cut, again = [one for one in hub.requests if one.method == "GET" and "/resolve/" in one.path]
    assert (cut.fault, cut.answered, again.fault, again.answered) == ("cut", 2000, None, 4000)


def test_retried_by_the_client(hub, api):
    for kind in (500, 503, "drop"):
        hub.faults.add(kind, path="/preupload/")
    commit(api)
    assert [one.fault for one in hub.faults.broken] == [500, 503, "drop"]
    assert hub.waits == [1, 2, 4]  # the second is what the server said, and one


def test_not_retried_by_the_client(hub, api):
    hub.faults.add(500, method="POST", path="/commit/")
    with pytest.raises(HfHubHTTPError) as caught:
        commit(api)
    assert caught.value.response.status_code == 500
    assert "told to fail" in str(caught.value)


def test_too_many_requests_say_when_to_come_back(hub, api):
    hub.faults.add(429, path="/preupload/", retry_after=7)
    commit(api)
    assert hub.waits == [8]
    hub.faults.add(429, path="/api/models/me/sounds", times=None)
    with pytest.raises(HfHubHTTPError, match="429 Too Many Requests"):
        api.model_info("me/sounds")


def test_slow(hub, api):
    hub.faults.add("slow", path="/api/models/me/sounds", seconds=0.4)
    with pytest.raises(httpx.TimeoutException):
        httpx.get(f"{hub.url}/api/models/me/sounds", timeout=0.1)
    hub.faults.add("slow", path="/api/models/me/sounds", seconds=0.1)
    assert httpx.get(f"{hub.url}/api/models/me/sounds", timeout=5).status_code == 200


def test_the_request_with_a_number(hub, api):
    commit(api)
    count = hub.faults.count
    assert count == 2  # which files are large, and the commit
    for number in range(1, count + 1):
        hub.faults.clear()
        hub.faults.add("drop", at=number)
        with contextlib.suppress(Exception):  # the client tries the first again, and not the second
            commit(api, f"number {number}".encode())
        assert [one.fault for one in hub.faults.broken] == ["drop"]


def test_an_unknown_kind_is_refused(hub):
    with pytest.raises(ValueError, match="no such fault"):
        hub.faults.add("explode")


def test_what_is_written_down(hub, api):
    start = len(hub.requests)
    commit(api)
    received = hub.requests[start:]
    assert [(one.method, one.path, one.status) for one in received] == [
        ("POST", "/api/models/me/sounds/preupload/main", 200),
        ("POST", "/api/models/me/sounds/commit/main", 200),
    ]
    assert all(one.authorized and one.size > 50 and one.answered > 20 for one in received)
    assert all("hf_hub" in one.user_agent for one in received)
