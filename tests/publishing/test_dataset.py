"""A folder of sounds that goes to the Hub and comes back is the same to a model that learns from it."""

import csv
import io
import shutil
import zipfile
from pathlib import Path

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
import yaml
from huggingface_hub import HfApi

from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data
from audiocls.data.sources import find_source
from audiocls.errors import DataError, HubError, ModelError
from audiocls.experiment import train
from audiocls.publishing import shards
from audiocls.publishing.dataset import push_dataset
from audiocls.publishing.dataset_card import licence_identifier

RATE = 16000
CLIPS = ["animal_00", "animal_01", "animal_03", "drum_00", "drum_01", "drum_02", "water_00", "water_01", "water_02"]


@pytest.fixture(autouse=True)
def _logged_in(hub, as_user, tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIOCLS_CACHE", str(tmp_path / "audiocls"))
    as_user("hf_me")


@pytest.fixture
def sounds(everyday_sounds, tmp_path):
    """Some of the bundled sounds with their parts and table, in several formats and under odd names."""
    root = tmp_path / "my sounds"
    for part in ("train", "test"):
        for name in CLIPS:
            label = name[:-3]
            target = root / part / label / f"{name}.ogg"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(everyday_sounds / part / label / f"{name}.ogg", target)
    shutil.copy(everyday_sounds / "ATTRIBUTION.csv", root)
    (root / "LICENSE.txt").write_text("Several, see the table.\n")
    for ending, name in (("wav", "Bär am Bach"), ("flac", "animal 5"), ("mp3", "animal;6")):
        waveform, rate = soundfile.read(everyday_sounds / "train" / "animal" / f"animal_0{len(ending) + 4}.ogg")
        soundfile.write(root / "train" / "animal" / f"{name}.{ending}", waveform * (1 + len(name) / 50), rate)
    return root


def tones(root, count=4, labels=("low", "high")):
    """Class folders without parts."""
    for number, label in enumerate(labels):
        for clip in range(count):
            rng = np.random.default_rng([number, clip])
            wave = np.sin(np.arange(4000) * (0.1 + 0.2 * number)) * 0.3 + 0.1 * rng.standard_normal(4000)
            path = root / label / f"{label}{clip}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, wave, RATE)
    return root


def facts(source, **settings):
    """All that training sees of a source."""
    data = load_audio_data(str(source), TrainConfig(num_workers=1, allow_leaks=True, **settings))
    parts = {
        name: (clips.files, clips.contents, clips.groups, clips.targets.tolist(), clips.lengths.tolist())
        for name in ("train", "validation", "test", "negatives", "test_negatives")
        for clips in [getattr(data, name)]
    }
    return data.labels, data.multi_label, parts


def rows_of(hub, repo_id):
    files = hub.files(repo_id, "dataset")
    return [row for path in sorted(files) if path.endswith("parquet")
            for row in pq.read_table(io.BytesIO(files[path])).to_pylist()]  # fmt: skip


def card_of(hub, repo_id):
    return hub.files(repo_id, "dataset")["README.md"].decode()


def test_training_sees_the_same_whether_it_reads_the_folder_or_the_hub(hub, sounds, tmp_path):
    assert push_dataset(sounds, "me/sounds") is not None
    here = facts(sounds)
    assert here[2]["test"][0]
    assert any(here[2]["train"][2])  # there are groups
    assert facts("me/sounds") == here
    shutil.rmtree(tmp_path / "audiocls")  # else nothing would be fetched
    assert facts("me/sounds@main", streaming=True) == here
    assert {row["file_name"]: row["audio"]["bytes"] for row in rows_of(hub, "me/sounds")} == {
        item.file: Path(item.source).read_bytes() for item in find_source(str(sounds)).items
    }


def test_a_forest_from_the_hub_has_the_scores_of_one_from_the_folder(hub, sounds, tmp_path):
    push_dataset(sounds, "me/sounds")
    settings = {"model": "forest", "allow_leaks": True, "num_workers": 1}
    scores = []
    for number, (source, streaming) in enumerate([(sounds, False), ("me/sounds", False), ("me/sounds@main", True)]):
        folder = tmp_path / f"run{number}"
        train(str(source), folder, TrainConfig(**settings, streaming=streaming))
        scores.append((folder / "metrics.json").read_text())
    assert scores[0] == scores[1] == scores[2]
    assert "me/sounds" in yaml.safe_load((tmp_path / "run1" / "README.md").read_text().split("---")[1])["datasets"]


def test_pushing_again_uploads_nothing_and_a_change_uploads_what_changed(hub, sounds):
    told = []
    push_dataset(sounds, "me/sounds")
    before = len(hub.commits("me/sounds", "dataset"))
    assert push_dataset(sounds, "me/sounds", say=told.append) is None
    assert "has all of it already" in told[-1]
    assert len(hub.commits("me/sounds", "dataset")) == before
    parquet = {path: content for path, content in hub.files("me/sounds", "dataset").items() if "parquet" in path}
    (sounds / "train" / "drum" / "drum_00.ogg").unlink()
    assert push_dataset(sounds, "me/sounds") is not None
    after = hub.files("me/sounds", "dataset")
    assert [path for path in parquet if after[path] == parquet[path]] == ["data/test-00000-of-00001.parquet"]


def test_datasets_reads_it_with_the_features_and_sizes_that_the_card_tells(hub, sounds):
    push_dataset(sounds, "me/sounds")
    loaded = datasets.load_dataset("me/sounds")
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 12, "test": 9}
    features = loaded["train"].features
    assert features["label"].names == ["animal", "drum", "water"]
    assert isinstance(features["audio"], datasets.Audio)
    front = yaml.safe_load(card_of(hub, "me/sounds").split("---\n")[1])
    assert front["dataset_info"]["splits"][0]["num_examples"] == 12
    files = hub.files("me/sounds", "dataset")
    assert front["dataset_info"]["download_size"] == sum(len(files[path]) for path in files if "parquet" in path)
    assert front["task_categories"] == ["audio-classification"]
    assert front["size_categories"] == ["n<1K"]
    first = next(iter(datasets.load_dataset("me/sounds", split="test", streaming=True).decode(False)))
    assert first["audio"]["bytes"][:4] == b"OggS"


def test_nothing_of_this_machine_is_in_what_is_stored(hub, sounds, tmp_path):
    push_dataset(sounds, "me/sounds")
    for path, content in hub.files("me/sounds", "dataset").items():
        assert str(tmp_path).encode() not in content, path
        assert b"hf_me" not in content, path
    for row in rows_of(hub, "me/sounds"):
        assert not row["file_name"].startswith("/")
        assert "/" not in row["audio"]["path"]


def test_the_card_tells_labels_formats_licences_and_keeps_what_people_write(hub, sounds):
    push_dataset(sounds, "me/sounds")
    card = card_of(hub, "me/sounds")
    assert "| animal | 6 | 3 |" in card
    assert "OGG (18), " in card
    assert "audiocls train me/sounds --streaming" in card
    with open(sounds / "ATTRIBUTION.csv", newline="", encoding="utf-8") as file:
        named = {row["file"] for row in csv.DictReader(file) if row["licence"] == "CC0-1.0"}
    count = len(named & {item.file for item in find_source(str(sounds)).items})
    assert (f"| CC0-1.0 | {count} |" in card) == (count > 0)
    assert "LICENSE.txt" in card
    assert {"ATTRIBUTION.csv", "LICENSE.txt"} <= set(hub.files("me/sounds", "dataset"))
    edited = card.replace("## Use it", "## How we recorded\n\nIn a barn.\n\n## Use it").replace(
        "| animal | 6 | 3 |", "x"
    )
    edited = edited.replace("pretty_name: sounds", "pretty_name: Barn\nlanguage: de") + "\nWrite to us.\n"
    HfApi().upload_file(
        path_or_fileobj=edited.encode(), path_in_repo="README.md", repo_id="me/sounds", repo_type="dataset"
    )
    push_dataset(sounds, "me/sounds")
    card = card_of(hub, "me/sounds")
    for text in ("In a barn.", "Write to us.", "pretty_name: Barn", "language: de", "| animal | 6 | 3 |"):
        assert card.count(text) == 1
    assert push_dataset(sounds, "me/sounds") is None


def test_a_card_whose_metadata_was_broken_by_hand_is_told(hub, tmp_path):
    tones(tmp_path / "tones")
    push_dataset(tmp_path / "tones", "me/tones")
    broken = b"---\nlicense: [mit\n---\n# x\n"
    # The server refuses such a card, so it is put there by hand.
    repository = hub.repository("me/tones", "dataset")
    commit = repository.commits[repository.find("main")]
    commit.files["README.md"] = hub.store.put(broken)
    hub.store.save(repository)
    with pytest.raises(ModelError, match=r"README\.md on the Hub, line"):
        push_dataset(tmp_path / "tones", "me/tones")


def test_without_parts_there_is_one_split_which_training_divides_the_same(hub, tmp_path):
    root = tones(tmp_path / "tones", count=8)
    push_dataset(root, "me/tones", license="CC0-1.0")
    assert facts("me/tones", streaming=True) == facts(root)
    assert {path for path in hub.files("me/tones", "dataset") if "parquet" in path} == {
        "data/train-00000-of-00001.parquet"
    }
    assert "license: cc0-1.0" in card_of(hub, "me/tones")


def test_negatives_come_back_as_negatives(hub, tmp_path):
    root = tones(tmp_path / "tones", count=6, labels=("low", "high", "_unknown_", "background"))
    push_dataset(root, "me/tones")
    here = facts(root)
    assert len(here[2]["negatives"][0]) + len(here[2]["test_negatives"][0]) == 12
    assert facts("me/tones") == here
    assert "is no class" in card_of(hub, "me/tones")


def test_several_labels_a_sound_and_groups_of_a_table(hub, tmp_path):
    root = tones(tmp_path / "tones", count=6)
    rows = ["file_name,labels,group"]
    for clip in range(6):
        rows += [f"low/low{clip}.wav,low|both,speaker {clip // 2}", f"high/high{clip}.wav,high,"]
    (root / "metadata.csv").write_text("\n".join(rows) + "\n")
    push_dataset(root, "me/tones")
    here = facts(root)
    assert here[1]
    assert facts("me/tones", streaming=True) == here
    feature = datasets.load_dataset("me/tones", split="train").features["labels"]
    assert feature.feature.names == ["both", "high", "low"]


def test_groups_by_expression_become_a_column(hub, tmp_path):
    root = tones(tmp_path / "tones", count=6)
    push_dataset(root, "me/tones", group_regex=r"(\d)\.wav")
    assert {row["group"] for row in rows_of(hub, "me/tones")} == set("012345")
    assert facts("me/tones")[2] == facts(root, group_regex=r"(\d)\.wav")[2]


def test_a_zip_and_another_data_set_are_sources_too(hub, tmp_path):
    root = tones(tmp_path / "tones", count=6)
    with zipfile.ZipFile(tmp_path / "tones.zip", "w") as archive:
        for path in root.rglob("*.wav"):
            archive.write(path, path.relative_to(root))
    push_dataset(tmp_path / "tones.zip", "me/zipped")
    push_dataset("me/zipped", "me/copy")
    assert facts("me/copy") == facts(root)


def test_what_cannot_be_read_is_left_out_and_told(hub, tmp_path):
    root = tones(tmp_path / "tones")
    (root / "low" / "empty.wav").write_bytes(b"")
    (root / "low" / "broken.flac").write_bytes(b"fLaC" + bytes(500))
    told = []
    push_dataset(root, "me/tones", say=told.append)
    assert any("2 files are left out" in line and "low/empty.wav (the file is empty" in line for line in told)
    assert len(rows_of(hub, "me/tones")) == 8
    for path in root.rglob("*.wav"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match="none of the 10 files can be read"):
        push_dataset(root, "me/none")
    assert "me/none" not in hub.repositories("dataset")


def test_names_that_tell_of_this_machine_do_not_leave_it(hub, tmp_path):
    root = tones(tmp_path / "tones")
    outside = tones(tmp_path / "other") / "low" / "low0.wav"
    (root / "metadata.csv").write_text(f"file_name,label,group\nlow/low1.wav,a,x\n{outside},b,y\n")
    push_dataset(root, "me/tones")
    assert [row["file_name"] for row in rows_of(hub, "me/tones")] == ["elsewhere/low0.wav", "low/low1.wav"]
    (root / "metadata.csv").write_text(f"file_name,label,group\nlow/low1.wav,a,{tmp_path}/x\nhigh/high1.wav,b,y\n")
    with pytest.raises(DataError, match="a path of a machine"):
        push_dataset(root, "me/other")
    assert "me/other" not in hub.repositories("dataset")


def test_many_sounds_become_shards_and_row_groups_of_limited_size(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SHARD_BYTES", 30_000)
    monkeypatch.setattr(shards, "GROUP_BYTES", 17_000)
    root = tones(tmp_path / "tones", count=6)
    push_dataset(root, "me/tones")
    files = {path: content for path, content in hub.files("me/tones", "dataset").items() if "parquet" in path}
    assert sorted(files) == [f"data/train-{number:05}-of-00004.parquet" for number in range(4)]
    for content in files.values():
        metadata = pq.read_metadata(io.BytesIO(content))
        assert max(metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)) == 2
    assert facts("me/tones", streaming=True) == facts(root)
    monkeypatch.undo()


def test_private_branch_and_pull_request(hub, as_user, tmp_path):
    root = tones(tmp_path / "tones")
    push_dataset(root, "tones", private=True)
    assert hub.repository("me/tones", "dataset").private
    assert len(find_source("me/tones", streaming=True).items) == 8
    shutil.rmtree(root / "low")
    tones(root, labels=("mid",))
    push_dataset(root, "me/tones", revision="next")
    assert {item.labels for item in find_source("me/tones@next").items} == {("mid",), ("high",)}
    tones(root, count=5)
    commit = push_dataset(root, "me/tones", create_pr=True)
    assert commit.pull_request
    assert {item.labels for item in find_source("me/tones").items} == {("low",), ("high",)}
    as_user(None)
    with pytest.raises(HubError, match="no token"):
        push_dataset(root, "me/tones")
    with pytest.raises(DataError, match="no data set me/tones on the Hub"):
        find_source("me/tones")


def test_a_push_that_breaks_changes_nothing_and_the_next_one_completes(hub, tmp_path):
    root = tones(tmp_path / "tones")
    hub.faults.add("drop", method="POST", path="/commit/", times=None)
    with pytest.raises(HubError):
        push_dataset(root, "me/tones")
    assert "README.md" not in hub.files("me/tones", "dataset")
    hub.faults.clear()
    assert push_dataset(root, "me/tones") is not None
    assert facts("me/tones") == facts(root)


def test_streaming_that_breaks_is_told_and_works_the_next_time(hub, tmp_path):
    root = tones(tmp_path / "tones")
    push_dataset(root, "me/tones")
    find_source("me/tones", streaming=True)
    here = facts(root)
    shutil.rmtree(tmp_path / "audiocls")
    hub.faults.add("drop", path=r"\.parquet", times=None)
    with pytest.raises(DataError) as caught:
        facts("me/tones", streaming=True)
    assert "\n" not in str(caught.value)
    hub.faults.clear()
    assert facts("me/tones", streaming=True) == here


@pytest.mark.parametrize(
    ("text", "identifier"),
    [("CC BY-SA 3.0", "cc-by-sa-3.0"), ("CC0", "cc0-1.0"), (" MIT ", "mit"), ("CC-BY-4.0", "cc-by-4.0")],
)
def test_licences_as_the_hub_names_them(text, identifier):
    assert licence_identifier(text) == identifier
