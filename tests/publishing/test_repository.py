"""A repository as files: what differs is known without downloading, and changed whole or not at all."""

import hashlib
import os

import pytest

from audiocls.errors import HubError
from audiocls.hub import calls
from audiocls.publishing.changes import LeftEmptyError
from audiocls.publishing.repository import Repository

FILES = {"README.md": b"---\nlicense: mit\n---\n# Sounds\n", "a/b c.txt": "hällo\n".encode(), "empty.txt": b""}


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """Seconds that would have been waited."""
    waited = []
    monkeypatch.setattr(calls.time, "sleep", waited.append)
    return waited


@pytest.fixture
def weights(tmp_path):
    """A file that the hub keeps as a large one."""
    path = tmp_path / "here" / "model.safetensors"
    path.parent.mkdir()
    path.write_bytes(os.urandom(300_000))
    return path


def repository(**how):
    return Repository("me/sounds", token="hf_me", **how)


def pushed(hub, files, **how):
    repo = repository(**how)
    return repo.commit(repo.plan(files), "Upload")


def asked(hub, method=None):
    return [request for request in hub.requests if method in (None, request.method)]


def test_a_new_repository_is_made_at_the_first_commit(hub, weights):
    repo = repository(private=True)
    plan = repo.plan(FILES | {"model.safetensors": weights})
    assert not repo.exists()
    assert repo.text("README.md") is None
    assert not asked(hub, "POST")
    assert dict(plan.upload)["model.safetensors"] == 300_000
    assert plan.total_bytes == 300_000 + sum(map(len, FILES.values()))
    commit = repo.commit(plan, "Upload")
    stored = hub.files("me/sounds")
    assert {path: stored[path] for path in FILES} == FILES
    assert stored["model.safetensors"] == weights.read_bytes()
    assert next(each.oid for each in hub.commits("me/sounds")) == commit.oid
    assert len(hub.commits("me/sounds")) == 2  # and the one that made it
    assert repo.info().private
    assert repo.text("a/b c.txt") == "hällo\n"
    assert repo.text("nothing.txt") is None
    assert repo.url == f"{hub.url}/me/sounds"


def test_what_is_there_already_is_neither_sent_nor_fetched(hub, weights):
    files = FILES | {"model.safetensors": weights}
    pushed(hub, files)
    hub.requests.clear()
    repo = repository()
    plan = repo.plan(files)
    assert not plan.changes
    assert set(plan.unchanged) == set(files)
    assert repo.commit(plan, "Again") is None
    assert not [each for each in hub.requests if each.method != "GET" or "/resolve/" in each.path]
    assert len(hub.commits("me/sounds")) == 2


def test_one_changed_byte_of_equal_length_is_seen(hub, weights):
    pushed(hub, FILES | {"model.safetensors": weights})
    content = bytearray(weights.read_bytes())
    content[150_000] ^= 1
    weights.write_bytes(content)
    plan = repository().plan(FILES | {"model.safetensors": weights, "a/b c.txt": "hÄllo\n".encode()})
    assert [path for path, _ in plan.upload] == ["a/b c.txt", "model.safetensors"]


def test_only_what_is_ours_is_deleted_and_in_the_same_commit(hub):
    pushed(hub, {"old.py": b"1", "theirs.txt": b"2", "kept.py": b"3"})
    repo = repository()
    plan = repo.plan({"kept.py": b"3", "new.py": b"4"}, owned=lambda path: path.endswith(".py"))
    assert plan.delete == ["old.py"]
    repo.commit(plan, "Change")
    assert set(hub.files("me/sounds")) == {".gitattributes", "theirs.txt", "kept.py", "new.py"}
    assert len(hub.commits("me/sounds")) == 3


def test_a_change_made_meanwhile_is_not_overwritten(hub):
    pushed(hub, {"card.md": b"1"})
    repo = repository()
    plan = repo.plan({"card.md": b"mine"})
    pushed(hub, {"card.md": b"theirs"})
    with pytest.raises(HubError, match=r"me/sounds was changed on the Hub .* nothing of it was written: run it again"):
        repo.commit(plan, "Mine")
    assert hub.files("me/sounds")["card.md"] == b"theirs"


def test_a_branch_is_made_from_the_main_one(hub):
    pushed(hub, {"a": b"1", "b": b"1"})
    repo = repository(revision="try/this")
    plan = repo.plan({"a": b"2", "b": b"1"})
    assert [path for path, _ in plan.upload] == ["a"]
    repo.commit(plan, "Try")
    assert hub.files("me/sounds", revision="try/this")["a"] == b"2"
    assert hub.files("me/sounds")["a"] == b"1"
    assert repository(revision="try/this").text("a") == "2"
    assert not repository(revision="try/this").plan({"a": b"2", "b": b"1"}).changes


def test_a_branch_of_the_same_files_is_made_too(hub):
    pushed(hub, {"a": b"1"})
    assert pushed(hub, {"a": b"1"}, revision="v1") is None
    assert hub.files("me/sounds", revision="v1")["a"] == b"1"


def test_a_branch_of_a_repository_that_is_not_there_yet(hub):
    pushed(hub, {"a": b"1"}, revision="dev")
    assert "a" in hub.files("me/sounds", revision="dev")
    assert "a" not in hub.files("me/sounds")


def test_a_pull_request_changes_nothing_else(hub):
    pushed(hub, {"a": b"1"})
    commit = pushed(hub, {"a": b"2"}, create_pr=True)
    assert commit.pull_request == f"{hub.url}/me/sounds/discussions/1"
    assert commit.revision == "refs/pr/1"
    assert hub.files("me/sounds")["a"] == b"1"
    assert hub.files("me/sounds", revision="refs/pr/1")["a"] == b"2"
    assert pushed(hub, {"a": b"3"}, revision="refs/pr/1")
    assert hub.files("me/sounds", revision="refs/pr/1")["a"] == b"3"


@pytest.mark.parametrize(("repo_type", "page"), [("dataset", "datasets/me/sounds"), ("space", "spaces/me/sounds")])
def test_data_sets_and_spaces_have_names_of_their_own(hub, repo_type, page):
    pushed(hub, {"a": b"1"})
    repo = repository(repo_type=repo_type, space_sdk="gradio" if repo_type == "space" else None)
    assert not repo.exists()
    repo.commit(repo.plan({"b": b"2"}), "Upload")
    assert repo.url == f"{hub.url}/{page}"
    assert repo.text("b") == "2"
    assert repo.text("a") is None
    assert set(hub.files("me/sounds", repo_type)) == {".gitattributes", "b"}


def test_large_files_in_parts(make_hub, weights):
    hub = make_hub(part_size=100_000)
    pushed(hub, {"model.safetensors": weights})
    assert hashlib.sha256(hub.files("me/sounds")["model.safetensors"]).digest() == (
        hashlib.sha256(weights.read_bytes()).digest()
    )
    assert len([each for each in hub.requests if each.method == "PUT"]) == 3


@pytest.mark.parametrize(
    ("token", "told"), [("hf_me_read", "forbids"), ("hf_other", "forbids"), ("hf_wrong", "refuses the token")]
)
def test_who_may_not_write_is_told_in_one_line(hub, token, told):
    pushed(hub, {"a": b"1"})
    repo = Repository("me/sounds", token=token)
    with pytest.raises(HubError, match=told) as error:
        repo.commit(repo.plan({"a": b"2"}), "Mine")
    assert token not in str(error.value)
    assert "\n" not in str(error.value)
    assert hub.files("me/sounds")["a"] == b"1"


def test_a_private_repository_of_others_looks_like_none(hub):
    pushed(hub, {"a": b"1"}, private=True)
    assert not Repository("me/sounds", token="hf_other").exists()
    assert repository().exists()


def test_a_busy_hub_is_waited_for_as_long_as_it_asks(hub, waits):
    hub.faults.add(429, path="/commit/", retry_after=7)
    assert pushed(hub, {"a": b"1"})
    assert waits == [8.0]  # a second more, as huggingface_hub does
    assert len(hub.commits("me/sounds")) == 2


def test_a_hub_that_asks_for_too_long_is_not_waited_for(hub, waits):
    hub.faults.add(429, path="/api/models/me/sounds", retry_after=300, times=None)
    with pytest.raises(HubError, match="takes no more requests for now; run the same again in 301 seconds"):
        repository().exists()
    assert waits == []


def test_a_failing_server_is_asked_again_and_then_told(hub, waits):
    hub.faults.add(500, path="/api/models/me/sounds", times=2)
    assert not repository().exists()
    hub.faults.add(500, path="/api/models/me/sounds", times=None)
    with pytest.raises(HubError, match="500") as error:
        repository().exists()
    assert "\n" not in str(error.value)
    assert len(waits) == 4


@pytest.mark.parametrize("fault", ["lost", "cut"])
def test_a_commit_whose_answer_was_lost_is_known_to_be_there(hub, fault):
    pushed(hub, {"a": b"1"})
    hub.faults.add(fault, method="POST", path="/commit/")
    commit = pushed(hub, {"a": b"2"})
    assert commit.oid == hub.commits("me/sounds")[0].oid
    assert hub.files("me/sounds")["a"] == b"2"
    assert len(hub.commits("me/sounds")) == 3


@pytest.mark.parametrize("fault", ["drop", 500])
def test_a_commit_that_failed_changed_nothing_and_can_be_repeated(hub, fault):
    pushed(hub, {"a": b"1"})
    hub.faults.add(fault, method="POST", path="/commit/")
    with pytest.raises(HubError, match="me/sounds"):
        pushed(hub, {"a": b"2"})
    assert hub.files("me/sounds")["a"] == b"1"
    assert pushed(hub, {"a": b"2"})
    assert len(hub.commits("me/sounds")) == 3


def test_a_new_repository_that_stayed_empty_is_told(hub):
    hub.faults.add("drop", method="POST", path="/commit/")
    with pytest.raises(LeftEmptyError, match=f"the model {hub.url}/me/sounds was made, and is empty"):
        pushed(hub, {"a": b"1"})
    assert set(hub.files("me/sounds")) == {".gitattributes"}
    assert pushed(hub, {"a": b"1"})


def test_nobody_at_the_other_end_is_one_line(hub, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubError, match="cannot be reached"):
        repository().exists()


def test_a_file_that_went_away_is_one_line(hub, tmp_path):
    with pytest.raises(HubError, match=r"gone\.txt cannot be read"):
        repository().plan({"gone.txt": tmp_path / "gone.txt"})


def test_a_card_that_the_hub_refuses_is_one_line(hub):
    with pytest.raises(HubError) as error:
        pushed(hub, {"README.md": b"---\na: [1\n---\n"})
    assert "\n" not in str(error.value)
