"""Repositories made, filled, read, listed and deleted, with the real client."""

import json
import os
import struct
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, HfApi, constants, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    BadRequestError,
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

CARD = (
    "---\nlicense: mit\nlibrary_name: transformers\npipeline_tag: audio-classification\ntags: [music]\n---\n# Sounds\n"
)


def weights(numbers: int) -> bytes:
    """A safetensors file of one tensor."""
    head = json.dumps({"w": {"dtype": "F32", "shape": [numbers], "data_offsets": [0, 4 * numbers]}}).encode()
    return struct.pack("<Q", len(head)) + head + os.urandom(4 * numbers)


@pytest.fixture
def folder(tmp_path):
    """A folder with all that is awkward: nested, spaces, umlauts, signs of addresses, empty, large, binary."""
    contents = {
        "README.md": CARD.encode(),
        "config.json": b'{"model_type": "toy", "architectures": ["Toy"]}',
        "model.safetensors": weights(50_000),
        "notes.dat": os.urandom(3000),
        "sub dir/deeper/é ü #1 100%?&+.txt": "größer".encode(),
        "empty.txt": b"",
    }
    for path, content in contents.items():
        file = tmp_path / "folder" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return tmp_path / "folder"


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and ".cache" not in path.parts
    }


@pytest.fixture
def api(hub, as_user):
    as_user("hf_me")
    return HfApi()


def test_a_folder_comes_back_byte_for_byte(hub, api, folder):
    url = api.create_repo("me/sounds")
    assert (str(url), url.repo_id) == (f"{hub.url}/me/sounds", "me/sounds")
    commit = api.upload_folder(folder_path=folder, repo_id="me/sounds", commit_message="first")
    stored = hub.files("me/sounds")
    rules = stored.pop(".gitattributes").decode()
    assert stored == contents(folder)
    assert "notes.dat filter=lfs" in rules  # binary, and named by no rule before
    fetched = contents(snapshot_download("me/sounds"))
    assert fetched.pop(".gitattributes").decode() == rules
    assert fetched == stored
    assert [one.title for one in hub.commits("me/sounds")] == ["first", "initial commit"]
    assert hub.commits("me/sounds")[0].oid == commit.oid


def test_the_same_folder_again_sends_nothing(hub, api, folder):
    api.create_repo("me/sounds")
    first = api.upload_folder(folder_path=folder, repo_id="me/sounds")
    start = len(hub.requests)
    again = api.upload_folder(folder_path=folder, repo_id="me/sounds")
    assert again.oid == first.oid
    assert not [one for one in hub.requests[start:] if one.method == "PUT" or "/commit/" in one.path]
    assert len(hub.commits("me/sounds")) == 2


def test_information_is_what_the_hub_shows(api, folder):
    api.create_repo("me/sounds", private=True)
    commit = api.upload_folder(folder_path=folder, repo_id="me/sounds")
    info = api.model_info("me/sounds", files_metadata=True)
    assert (info.sha, info.private, info.pipeline_tag, info.library_name) == (
        *(commit.oid, True),
        *("audio-classification", "transformers"),
    )
    assert {"music", "license:mit"} <= set(info.tags)
    assert info.safetensors.total == 50_000
    assert info.config == {"model_type": "toy", "architectures": ["Toy"]}
    sizes = {file.rfilename: (file.size, file.lfs is not None) for file in info.siblings}
    assert sizes["model.safetensors"] == ((folder / "model.safetensors").stat().st_size, True)
    assert sizes["empty.txt"] == (0, False)
    assert api.get_safetensors_metadata("me/sounds").parameter_count == {"F32": 50_000}


def test_trees_and_paths(api, folder):
    api.create_repo("me/sounds")
    api.upload_folder(folder_path=folder, repo_id="me/sounds")
    top = [entry.path for entry in api.list_repo_tree("me/sounds")]
    assert "sub dir" in top
    assert not any("/" in path for path in top)
    below = [entry.path for entry in api.list_repo_tree("me/sounds", "sub dir", recursive=True)]
    assert below == ["sub dir/deeper", "sub dir/deeper/é ü #1 100%?&+.txt"]
    found = api.get_paths_info("me/sounds", ["config.json", "sub dir", "nothing"], expand=True)
    assert [entry.path for entry in found] == ["config.json", "sub dir"]
    assert found[0].last_commit.title.startswith("Upload folder")
    with pytest.raises(RemoteEntryNotFoundError):
        list(api.list_repo_tree("me/sounds", "nothing"))


def test_long_listings_come_in_pages(make_hub, as_user):
    make_hub(page_size=3)
    as_user("hf_me")
    api = HfApi()
    api.create_repo("me/many")
    operations = [CommitOperationAdd(f"file {number}.txt", b"text") for number in range(8)]
    api.create_commit("me/many", operations, commit_message="many")
    assert len(list(api.list_repo_tree("me/many"))) == 9


def test_what_is_missing_says_so(api):
    api.create_repo("me/sounds")
    with pytest.raises(RemoteEntryNotFoundError):
        hf_hub_download("me/sounds", "nothing.txt")
    with pytest.raises(RevisionNotFoundError):
        hf_hub_download("me/sounds", "README.md", revision="nothing")
    with pytest.raises(RevisionNotFoundError):
        api.model_info("me/sounds", revision="nothing")
    for name in ("me/nothing", "nothing"):
        with pytest.raises(RepositoryNotFoundError):
            api.model_info(name)
    with pytest.raises(RepositoryNotFoundError):
        api.dataset_info("me/sounds")  # it is a model
    assert not api.file_exists("me/sounds", "nothing.txt")
    assert not api.repo_exists("me/nothing")
    assert not api.revision_exists("me/sounds", "nothing")


def test_making_a_repository_twice(api):
    api.create_repo("me/sounds")
    with pytest.raises(HfHubHTTPError, match="already created") as caught:
        api.create_repo("me/sounds")
    assert caught.value.response.status_code == 409
    assert api.create_repo("me/sounds", exist_ok=True).repo_id == "me/sounds"


def test_one_name_may_be_a_model_a_data_set_and_a_space(hub, api):
    api.create_repo("me/sounds")
    api.create_repo("me/sounds", repo_type="dataset")
    api.create_repo("me/sounds", repo_type="space", space_sdk="gradio")
    api.upload_file(path_or_fileobj=b"print()", path_in_repo="app.py", repo_id="me/sounds", repo_type="space")
    assert "app.py" in hub.files("me/sounds", "space")
    assert "app.py" not in hub.files("me/sounds")
    api.delete_repo("me/sounds", repo_type="dataset")
    assert [hub.repositories(kind) for kind in ("model", "dataset", "space")] == [["me/sounds"], [], ["me/sounds"]]


def test_listings_by_author(api, as_user):
    api.create_repo("me/one", private=True)
    api.create_repo("me/two")
    api.create_repo("lab/three")
    api.create_repo("me/data", repo_type="dataset")
    assert [one.id for one in api.list_models(author="me")] == ["me/one", "me/two"]
    assert [one.id for one in api.list_models(author="lab")] == ["lab/three"]
    assert [one.id for one in api.list_datasets(author="me")] == ["me/data"]
    assert list(api.list_spaces(author="me")) == []
    as_user(None)
    assert [one.id for one in api.list_models(author="me")] == ["me/two"]


def test_files_and_folders_are_deleted(hub, api, folder):
    api.create_repo("me/sounds")
    api.upload_folder(folder_path=folder, repo_id="me/sounds")
    api.delete_file("notes.dat", "me/sounds")
    api.delete_folder("sub dir", "me/sounds")
    assert {"notes.dat", "sub dir/deeper/é ü #1 100%?&+.txt"}.isdisjoint(hub.files("me/sounds"))
    with pytest.raises(RemoteEntryNotFoundError):
        api.delete_file("notes.dat", "me/sounds")
    before = hub.files("me/sounds", revision=hub.commits("me/sounds")[1].oid)
    assert "sub dir/deeper/é ü #1 100%?&+.txt" in before


def test_a_deleted_repository_is_gone(hub, api):
    api.create_repo("me/sounds")
    api.delete_repo("me/sounds")
    assert hub.repositories() == []
    with pytest.raises(RepositoryNotFoundError):
        api.delete_repo("me/sounds")
    api.delete_repo("me/sounds", missing_ok=True)


def test_a_space_has_its_kind_runtime_and_secrets(hub, api):
    api.create_repo("me/demo", repo_type="space", space_sdk="gradio")
    assert api.get_space_runtime("me/demo").stage == "NO_APP_FILE"
    api.upload_file(path_or_fileobj=b"print()", path_in_repo="app.py", repo_id="me/demo", repo_type="space")
    api.add_space_secret("me/demo", "HF_TOKEN", "hf_very_secret")
    info = api.space_info("me/demo")
    assert (info.sdk, info.runtime.stage, info.runtime.hardware) == ("gradio", "RUNNING", "cpu-basic")
    assert hub.repository("me/demo", "space").secret_names == ["HF_TOKEN"]
    stored = [path.read_bytes() for path in hub.root.rglob("*") if path.is_file()]
    assert not any(b"hf_very_secret" in content for content in stored)


def test_metadata_that_the_hub_would_refuse_is_refused(hub, api):
    api.create_repo("me/sounds")
    readme = b"---\nlicense: [\n---\n"
    with pytest.raises(ValueError, match="Invalid metadata"):
        api.upload_file(path_or_fileobj=readme, path_in_repo="README.md", repo_id="me/sounds")
    # A client that does not ask is refused at the commit.
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    lines = [{"key": "header", "value": {"summary": "x"}}]
    lines.append({"key": "file", "value": {"path": "README.md", "content": "---\nlicense: 3\n---\n"}})
    body = "\n".join(map(json.dumps, lines))
    answer = get_session().post(f"{hub.url}/api/models/me/sounds/commit/main", content=body, headers=build_hf_headers())
    with pytest.raises(BadRequestError, match="license"):
        hf_raise_for_status(answer)
    assert len(hub.commits("me/sounds")) == 1


def test_a_hub_is_found_again_on_its_folder(hub, api, folder):
    api.create_repo("me/sounds")
    api.upload_folder(folder_path=folder, repo_id="me/sounds")
    from tests.hub_server import Hub

    assert Hub(hub.root).files("me/sounds") == hub.files("me/sounds")
    assert Hub(hub.root).commits("me/sounds") == hub.commits("me/sounds")


def test_the_cache_is_the_tests_own(hub, api, tmp_path):
    api.create_repo("me/sounds")
    path = hf_hub_download("me/sounds", ".gitattributes")
    assert Path(path).is_relative_to(tmp_path)
    assert Path(constants.HF_TOKEN_PATH).is_relative_to(tmp_path)
