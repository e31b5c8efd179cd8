"""What `datasets` needs of a hub: loading whole, streaming, of a revision, by README, pushing."""

import datasets
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

CARD = """---
license: cc0-1.0
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*
  - split: test
    path: data/held out-*
---
"""


@pytest.fixture
def published(hub, as_user, tmp_path):
    """A private data set of two splits, whose README says which files are which; a branch with fewer clips."""
    datasets.disable_progress_bars()
    as_user("hf_me")
    api = HfApi()
    api.create_repo("me/data", repo_type="dataset", private=True)
    rows = datasets.Dataset.from_dict({"number": list(range(1000)), "label": ["a", "b"] * 500})
    for name, count in (("train-00000-of-00001", 1000), ("held out-00000-of-00001", 10)):
        rows.select(range(count)).to_parquet(str(tmp_path / "folder" / "data" / f"{name}.parquet"))
    (tmp_path / "folder" / "README.md").write_text(CARD)
    api.upload_folder(folder_path=tmp_path / "folder", repo_id="me/data", repo_type="dataset")
    api.create_branch("me/data", repo_type="dataset", branch="feature/small")
    api.delete_file("data/held out-00000-of-00001.parquet", "me/data", repo_type="dataset", revision="feature/small")
    yield hub
    datasets.enable_progress_bars()


def test_a_data_set_is_loaded_whole(published):
    loaded = datasets.load_dataset("me/data")
    assert {name: len(split) for name, split in loaded.items()} == {"train": 1000, "test": 10}
    assert loaded["test"]["number"][:] == list(range(10))
    assert [one.path for one in published.requests if one.method == "PUT"]  # parquet is a large file


def test_a_data_set_is_streamed_in_ranges(published):
    start = len(published.requests)
    streamed = datasets.load_dataset("me/data", split="train", streaming=True)
    assert [row["number"] for row in streamed.take(3)] == [0, 1, 2]
    assert len(list(streamed)) == 1000
    fetched = [one for one in published.requests[start:] if one.method == "GET" and one.path.endswith(".parquet")]
    assert fetched
    assert all(one.status == 206 for one in fetched)


def test_a_data_set_of_a_revision(published):
    with pytest.raises(ValueError, match="Couldn't infer"):
        datasets.load_dataset("me/data", revision="feature/small", split="test")
    commit = published.commits("me/data", "dataset")[0].oid
    assert len(datasets.load_dataset("me/data", revision=commit, split="test", streaming=False)) == 10


def test_a_stream_goes_on_after_a_broken_connection(published):
    streamed = datasets.load_dataset("me/data", split="train", streaming=True)
    published.faults.add("drop", path="/resolve/.*parquet")
    published.faults.add(503, path="/resolve/.*parquet")
    assert len(list(streamed)) == 1000
    assert len(published.faults.broken) == 2


def test_a_private_data_set_is_not_for_others(published, as_user):
    as_user("hf_other")
    with pytest.raises((datasets.exceptions.DatasetNotFoundError, HfHubHTTPError)):
        datasets.load_dataset("me/data")


def test_a_data_set_is_pushed_by_the_library(published):
    rows = datasets.Dataset.from_dict({"number": [1, 2, 3]})
    rows.push_to_hub("me/pushed", private=True, split="train")
    assert datasets.load_dataset("me/pushed", split="train")["number"][:] == [1, 2, 3]
    assert published.repository("me/pushed", "dataset").private
