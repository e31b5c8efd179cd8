import io

import datasets
import huggingface_hub
import numpy as np
import pytest
import soundfile

from audiocls.audio.decoding import decode
from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data
from audiocls.data.sources import find_source
from audiocls.errors import DataError

RATE = 16000


def sound(number, seconds=0.3):
    file = io.BytesIO()
    noise = np.random.default_rng(number).uniform(-0.3, 0.3, int(seconds * RATE))
    soundfile.write(file, noise, RATE, format="FLAC")
    return file.getvalue()


def table(labels, first=0, name="label", feature=None, **columns):
    rows = {
        "audio": [{"bytes": sound(first + row), "path": f"{row}.flac"} for row in range(len(labels))],
        name: labels,
        **columns,
    }
    made = datasets.Dataset.from_dict(rows).cast_column("audio", datasets.Audio(decode=False))
    if feature is not None:
        made = made.cast_column(name, feature)
    return made.cast_column("audio", datasets.Audio())  # as the Hub delivers it


@pytest.fixture
def hub(monkeypatch):
    """Serve the given splits as the data set "user/name"."""

    def serve(**splits):
        found = datasets.DatasetDict(splits)
        monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", lambda *_, **__: None)
        monkeypatch.setattr(datasets, "load_dataset", lambda name: found)
        return "user/name"

    return serve


NAMES = datasets.ClassLabel(names=["cat", "dog"])


def test_class_numbers_become_names_and_the_sound_is_the_same(hub):
    listing = find_source(hub(train=table([0, 1, 1], feature=NAMES), test=table([1, 0], 10, feature=NAMES)))
    assert [(item.file, item.labels, item.part) for item in listing.items] == [
        ("test/0", ("dog",), "test"),
        ("test/1", ("cat",), "test"),
        ("train/0", ("cat",), "train"),
        ("train/1", ("dog",), "train"),
        ("train/2", ("dog",), "train"),
    ]
    assert listing.name == "user/name"
    np.testing.assert_array_equal(decode(listing.items[3].source(), RATE), decode(sound(1), RATE))


@pytest.mark.parametrize("name", ["label", "labels", "class", "category", "target"])
def test_text_labels_under_their_usual_names(hub, name):
    listing = find_source(hub(train=table(["a", "b", "b"], name=name)))
    assert [item.labels for item in listing.items] == [("a",), ("b",), ("b",)]
    assert {item.part for item in listing.items} == {None}  # a lone split is the whole data


def test_lists_of_labels_make_a_multi_label_set(hub):
    listing = find_source(hub(train=table([["a", "b"], ["b"], []], name="labels")))
    assert listing.multi_label
    assert [item.labels for item in listing.items] == [("a", "b"), ("b",)]
    assert listing.skipped[0].file == "train/2"


def test_groups_and_missing_labels(hub):
    listing = find_source(hub(train=table([0, -1, 1], feature=NAMES, group=["x", "y", "z"])))
    assert [item.group for item in listing.items] == ["x", "z"]
    assert [(skipped.file, skipped.reason) for skipped in listing.skipped] == [("train/1", "no label in column label")]


def test_splits_with_other_names_are_named(hub):
    listing = find_source(hub(train=table(["a", "b"]), test=table(["a", "b"], 10), fold3=table(["a"], 20)))
    assert len(listing.items) == 4
    assert "fold3" in listing.warnings[0]


def test_a_hub_data_set_trains_through_the_same_path(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIOCLS_CACHE", str(tmp_path))
    data = load_audio_data(hub(train=table(["a", "b"] * 6)), TrainConfig(num_workers=2))
    assert (len(data.train) + len(data.validation), len(data.test)) == (9, 3) or len(data.test) == 2
    assert data.name == "user/name"
    first = data.train.files[0]
    np.testing.assert_array_equal(data.train.waveform(0), decode(sound(int(first.split("/")[1])), RATE))


def test_columns_that_are_missing_are_told(hub):
    with pytest.raises(DataError, match="no label column; it has audio, loudness"):
        find_source(hub(train=table([1.0, 2.0], name="loudness")))
    with pytest.raises(DataError, match="no audio column; it has label"):
        find_source(hub(train=datasets.Dataset.from_dict({"label": ["a", "b"]})))


def test_a_folder_of_parquet_files_with_its_splits(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "set"
    folder.mkdir()
    table([0, 1], feature=NAMES).to_parquet(folder / "train-00000-of-00001.parquet")
    table([1, 0], 10, feature=NAMES).to_parquet(folder / "test-00000-of-00001.parquet")
    listing = find_source(str(folder))
    assert [(item.file, item.labels, item.part) for item in listing.items] == [
        ("test/0", ("dog",), "test"),
        ("test/1", ("cat",), "test"),
        ("train/0", ("cat",), "train"),
        ("train/1", ("dog",), "train"),
    ]
    np.testing.assert_array_equal(decode(listing.items[0].source(), RATE), decode(sound(10), RATE))


def test_a_set_that_cannot_be_reached_or_does_not_exist_is_told_in_one_line(monkeypatch):
    def refuse(error):
        def dataset_info(*_, **__):
            raise error

        monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", dataset_info)
        monkeypatch.setattr(datasets, "load_dataset", lambda _: pytest.fail("asked the network again"))

    refuse(ConnectionError("[Errno -2] Name or\nservice not known"))
    with pytest.raises(DataError, match=r"no-such/thing: no such folder or zip here.*cannot be reached") as caught:
        find_source("no-such/thing")
    assert "\n" not in str(caught.value)
    refuse(huggingface_hub.errors.HFValidationError("no"))
    with pytest.raises(DataError, match="no such data set on the Hub"):
        find_source("no-such/thing")
    with pytest.raises(DataError, match="no such folder"):
        find_source("./no/such/place")


def test_a_set_that_does_not_load_is_told_in_one_line(hub, monkeypatch):
    name = hub(train=table(["a", "b"]))

    def fail(name):
        raise ValueError("Config name is missing.\nPlease pick one")

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(DataError, match=r"cannot be loaded: Config name is missing\. Please"):
        find_source(name)


def test_without_a_network_a_set_loaded_before_is_read_from_the_cache(hub, monkeypatch, tmp_path):
    name = hub(train=table(["a", "b"]))

    def offline(*_, **__):
        raise ConnectionError("offline")

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", offline)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path))
    (tmp_path / "user___name").mkdir()
    assert len(find_source(name).items) == 2
