import os

from huggingface_hub import HfApi, snapshot_download


def test_flow(hub, as_user, tmp_path):
    as_user("hf_me")
    api = HfApi()
    api.create_repo("me/flow", private=True)
    d = tmp_path / "d"
    (d / "sub dir").mkdir(parents=True)
    (d / "sub dir" / "é #1.txt").write_text("hi")
    (d / "model.safetensors").write_bytes(os.urandom(100000))
    (d / "empty.txt").write_text("")
    (d / "README.md").write_text("---\nlicense: mit\n---\n# x\n")
    c = api.upload_folder(folder_path=d, repo_id="me/flow")
    c2 = api.upload_folder(folder_path=d, repo_id="me/flow")
    assert c.oid == c2.oid
    p = snapshot_download("me/flow")
    assert hub.files("me/flow")["sub dir/é #1.txt"] == b"hi"
    assert p.startswith(str(tmp_path))
