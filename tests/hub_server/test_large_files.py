"""Large files: in one piece, in parts, over Xet; read whole, in ranges, from another host without the token."""

import hashlib
import os
import subprocess
import sys

import httpx
from huggingface_hub import HfApi, HfFileSystem, hf_hub_download

from tests.hub_server.client import hub_environment

CONTENT = os.urandom(250_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def upload(api, content=CONTENT, path="model.safetensors"):
    api.create_repo("me/sounds", private=True, exist_ok=True)
    return api.upload_file(path_or_fileobj=content, path_in_repo=path, repo_id="me/sounds")


def download(path="model.safetensors"):
    with open(hf_hub_download("me/sounds", path), "rb") as file:
        return file.read()


def puts(hub):
    return [one for one in hub.requests if one.method == "PUT"]


def test_in_one_piece(hub, as_user):
    as_user("hf_me")
    upload(HfApi())
    assert [(one.size, one.authorized) for one in puts(hub)] == [(len(CONTENT), False)]
    assert download() == CONTENT
    assert hf_hub_download("me/sounds", "model.safetensors").startswith(os.environ["HF_HOME"])
    assert (
        hub.repository("me/sounds").commits[hub.commits("me/sounds")[0].oid].files["model.safetensors"].etag == SHA256
    )


def test_in_parts(make_hub, as_user):
    hub = make_hub(part_size=100_000)
    as_user("hf_me")
    upload(HfApi())
    assert sorted(one.size for one in puts(hub)) == [50_000, 100_000, 100_000]
    assert not any(one.authorized for one in puts(hub))
    assert hub.files("me/sounds")["model.safetensors"] == CONTENT
    assert not list((hub.root / "incoming").iterdir())


def test_by_size_alone(make_hub, as_user):
    hub = make_hub(lfs_threshold=1000)
    as_user("hf_me")
    upload(HfApi(), b"a" * 1000, "small.txt")
    assert puts(hub) == []
    upload(HfApi(), b"a" * 1001, "large.txt")
    assert len(puts(hub)) == 1
    assert "large.txt filter=lfs" in hub.files("me/sounds")[".gitattributes"].decode()


def test_a_content_that_is_here_is_not_sent_again(hub, as_user):
    as_user("hf_me")
    upload(HfApi())
    upload(HfApi(), path="copy.safetensors")
    assert len(puts(hub)) == 1
    assert hub.files("me/sounds")["copy.safetensors"] == CONTENT


def test_a_content_with_another_hash_is_refused(hub, as_user):
    as_user("hf_me")
    HfApi().create_repo("me/sounds")
    body = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": SHA256, "size": len(CONTENT)}]}
    batch = f"{hub.url}/me/sounds.git/info/lfs/objects/batch"
    assert httpx.post(batch, json=body).status_code == 401
    asked = httpx.post(batch, json=body, headers={"authorization": "Bearer hf_me"}).json()
    address = asked["objects"][0]["actions"]["upload"]["href"]
    assert httpx.put(address, content=b"other").status_code == 422
    assert httpx.put(address.split("?")[0], content=CONTENT).status_code == 403  # not signed
    assert not hub.store.blob(SHA256).exists()
    assert httpx.put(address, content=CONTENT).status_code == 200


def test_the_token_does_not_leave_for_another_host(make_hub, as_user):
    hub = make_hub(storage_host="localhost")
    as_user("hf_me")
    upload(HfApi())
    assert download() == CONTENT
    away = [one for one in hub.requests if one.path.startswith("/storage/")]
    assert away
    assert all(one.host.startswith("localhost") and not one.authorized for one in away)
    with HfFileSystem().open("me/sounds/model.safetensors", block_size=1000) as file:
        file.seek(100_000)
        assert file.read(10) == CONTENT[100_000:100_010]
    assert not any(one.authorized for one in hub.requests if one.path.startswith("/storage/"))


def test_ranges(hub, as_user):
    as_user("hf_me")
    upload(HfApi())
    address, token = f"{hub.url}/me/sounds/resolve/main/model.safetensors", {"authorization": "Bearer hf_me"}
    answer = httpx.get(address, headers=token | {"range": "bytes=10-19"})
    assert (answer.status_code, answer.content) == (206, CONTENT[10:20])
    assert answer.headers["content-range"] == f"bytes 10-19/{len(CONTENT)}"
    assert httpx.get(address, headers=token | {"range": "bytes=-5"}).content == CONTENT[-5:]
    assert httpx.get(address, headers=token | {"range": "bytes=300000-"}).status_code == 416
    head = httpx.head(address, headers=token)
    assert (head.headers["content-length"], head.headers["etag"], head.content) == (
        *(str(len(CONTENT)), f'"{SHA256}"', b""),
    )
    assert head.headers["x-linked-size"] == str(len(CONTENT))
    assert head.headers["x-repo-commit"] == hub.commits("me/sounds")[0].oid


XET = """
import os
from pathlib import Path
from huggingface_hub import HfApi, constants, hf_hub_download, snapshot_download
assert not constants.HF_HUB_DISABLE_XET
folder = Path(os.environ["FOLDER"])
api = HfApi()
api.create_repo("me/sounds", private=True)
first = api.upload_folder(folder_path=folder, repo_id="me/sounds")
again = api.upload_folder(folder_path=folder, repo_id="me/sounds")
assert again.oid == first.oid
fetched = Path(snapshot_download("me/sounds"))
for file in folder.rglob("*.*"):
    assert (fetched / file.relative_to(folder)).read_bytes() == file.read_bytes(), file
print("done")
"""


def test_xet_both_ways_with_the_clients_own_settings(hub, as_user, tmp_path):
    """A process with nothing but the address and the token set: contents that pack well, badly, and are the same."""
    folder = tmp_path / "folder"
    folder.mkdir()
    contents = {
        "README.md": b"---\nlicense: mit\n---\n",
        "model.safetensors": CONTENT * 4,
        "zeros.bin": bytes(300_000),
        "floats.npy": b"".join(number.to_bytes(4, "little") for number in range(50_000)),
        "same.bin": CONTENT * 4,
        "tiny.bin": b"\0abc",
    }
    for path, content in contents.items():
        (folder / path).write_bytes(content)
    environment = hub_environment(hub, "hf_me", xet=True) | {"FOLDER": str(folder)}
    done = subprocess.run([sys.executable, "-c", XET], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    stored = hub.files("me/sounds")
    del stored[".gitattributes"]
    assert stored == contents
    assert len(hub.commits("me/sounds")) == 2
    paths = [one.path for one in hub.requests]
    assert any(path.startswith("/cas/v1/xorbs/") for path in paths)
    assert any(path.startswith("/cas/v1/reconstructions/") for path in paths)
    assert not any(path.startswith("/lfs/") or ".git/info/lfs" in path for path in paths)
    # Without Xet the same files come as they are.
    as_user("hf_me")
    assert download() == contents["model.safetensors"]
