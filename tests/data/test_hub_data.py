import errno
import io
import tarfile
import warnings

import datasets
import numpy as np
import pytest
import soundfile
from huggingface_hub import HfApi, constants

from audiocls.audio.decoding import decode
from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data, load_labelled_clips
from audiocls.data.sources import find_source
from audiocls.data.store import content_hash
from audiocls.errors import DataError
from audiocls.inspection.inspect import inspect

RATE = 16000
NAMES = datasets.ClassLabel(names=["cat", "dog"])
BOTH = pytest.mark.parametrize("streaming", [False, True], ids=["whole", "streaming"])


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


def files_of(splits):
    files = {}
    for split, rows in splits.items():
        parquet = io.BytesIO()
        rows.to_parquet(parquet)
        files[f"data/{split}-00000-of-00001.parquet"] = parquet.getvalue()
    return files


@pytest.fixture
def upload(hub):
    """Put files into a data set of the hub, made if it is not there: `upload({path: bytes})`."""

    def put(files, repo_id="user/name", **options):
        api = HfApi(token="hf_user")
        api.create_repo(repo_id, repo_type="dataset", exist_ok=True, **options)
        for path, content in files.items():
            api.upload_file(path_or_fileobj=content, path_in_repo=path, repo_id=repo_id, repo_type="dataset")
        return repo_id

    hub.access.tokens["hf_user"] = ("user", "write")
    return put


@pytest.fixture
def serve(upload):
    """Serve the given splits as the data set "user/name"."""
    return lambda **splits: upload(files_of(splits))


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIOCLS_CACHE", str(tmp_path / "audiocls"))


def lose_connection(hub, monkeypatch):
    hub.faults.add("drop", times=None)


def forbid_the_network(hub, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def read_bytes(hub):
    """What the hub has sent of parquet files and other data, in bytes."""
    return sum(each.answered for each in hub.requests if "/resolve/" in each.path and "README" not in each.path)


def all_contents(data):
    return sorted(data.train.contents + data.validation.contents + data.test.contents)


@BOTH
def test_class_numbers_become_names_and_the_sound_is_the_same(serve, streaming):
    name = serve(train=table([0, 1, 1], feature=NAMES), test=table([1, 0], 10, feature=NAMES))
    listing = find_source(name, streaming=streaming)
    assert [(item.file, item.labels, item.part) for item in listing.items] == [
        ("test/0", ("dog",), "test"),
        ("test/1", ("cat",), "test"),
        ("train/0", ("cat",), "train"),
        ("train/1", ("dog",), "train"),
        ("train/2", ("dog",), "train"),
    ]
    assert listing.name == listing.dataset_id == "user/name"
    assert listing.items[3].source() == sound(1)
    assert [item.source() for item in reversed(listing.items[2:])] == [sound(2), sound(1), sound(0)]


@pytest.mark.parametrize("name", ["label", "labels", "class", "category", "target"])
def test_text_labels_under_their_usual_names(serve, name):
    listing = find_source(serve(train=table(["a", "b", "b"], name=name)), streaming=True)
    assert [item.labels for item in listing.items] == [("a",), ("b",), ("b",)]
    assert {item.part for item in listing.items} == {None}  # a lone split is the whole data


@BOTH
def test_lists_of_labels_make_a_multi_label_set(serve, streaming):
    listing = find_source(serve(train=table([["a", "b"], ["b"], []], name="labels")), streaming=streaming)
    assert listing.multi_label
    assert [item.labels for item in listing.items] == [("a", "b"), ("b",)]
    assert listing.skipped[0].file == "train/2"


@BOTH
def test_groups_and_missing_labels(serve, streaming):
    name = serve(train=table([0, -1, 1, 0], feature=NAMES, group=["x", "y", "z", None]))
    listing = find_source(name, streaming=streaming)
    assert [item.group for item in listing.items] == ["x", "z", None]
    assert [(skipped.file, skipped.reason) for skipped in listing.skipped] == [("train/1", "no label in column label")]


def test_file_names_count_where_they_tell_rows_apart_and_lead_nowhere(serve, upload):
    def files(name):
        return [item.file for item in find_source(name, streaming=True).items]

    assert files(serve(train=table(["a", "b"], file_name=["x/2.wav", "x/1.wav"]))) == ["x/1.wav", "x/2.wav"]
    for names in (["x.wav", "x.wav"], ["../x.wav", "y.wav"], ["/etc/x.wav", "y.wav"], [None, "y.wav"], ["", "y"]):
        assert files(serve(train=table(["a", "b"], file_name=names))) == ["train/0", "train/1"]
    twice = {split: table(["a", "b"], first, file_name=["1", "2"]) for first, split in ((0, "train"), (9, "test"))}
    assert files(upload(files_of(twice), "user/twice")) == ["1", "2", "test/0", "test/1"]


def test_licences_and_sources_of_the_rows_are_told_else_the_card_s(serve, upload):
    name = serve(train=table(["a", "b", "b"], license=["CC0", "CC BY", "CC0"], source=["x", "x", None]))
    assert find_source(name, streaming=True).attribution == "Licences: CC0 (2), CC BY (1). Sources: x (2)."
    plain = upload(files_of({"train": table(["a", "b"])}) | {"README.md": b"---\nlicense: mit\n---\n"}, "user/plain")
    assert find_source(plain).attribution == "Licence of the data: mit"


@BOTH
def test_splits_with_other_names_are_named(upload, streaming):
    splits = {"train": table(["a", "b"]), "test": table(["a", "b"], 10), "fold3": table(["a"], 20)}
    files = [{"split": split, "path": f"data/{split}-*"} for split in splits]
    card = datasets.utils.metadata.MetadataConfigs({"default": {"data_files": files}})
    data = datasets.utils.metadata.DatasetCardData()
    card.to_dataset_card_data(data)
    name = upload(files_of(splits) | {"README.md": f"---\n{data}\n---\n".encode()})
    listing = find_source(name, streaming=streaming)
    assert len(listing.items) == 4
    assert "fold3" in listing.warnings[0]


@BOTH
def test_a_hub_data_set_trains_through_the_same_path(serve, streaming):
    data = load_audio_data(serve(train=table(["a", "b"] * 6)), TrainConfig(num_workers=2, streaming=streaming))
    assert len(data.train) + len(data.validation) + len(data.test) == 12
    assert (data.name, data.dataset_id, len(data.dataset_revision)) == ("user/name", "user/name", 40)
    first = data.train.files[0]
    np.testing.assert_array_equal(data.train.waveform(0), decode(sound(int(first.split("/")[1])), RATE))


def test_streaming_fetches_labels_first_then_each_sound_once_and_keeps_no_copy(hub, serve, tmp_path):
    name = serve(train=table(["a", "b"] * 60))
    size = sum(len(content) for path, content in hub.files(name, "dataset").items() if path.endswith("parquet"))
    config = TrainConfig(num_workers=1, streaming=True)
    hub.requests.clear()
    find_source(name, streaming=True)
    assert read_bytes(hub) < 0.1 * size
    hub.requests.clear()
    first = load_audio_data(name, config)
    assert (
        size - 5000 < read_bytes(hub) < size + 3 * 65536
    )  # the end of the file, where its contents are told, comes twice
    kept = sum(path.stat().st_size for path in (tmp_path / "hub_home").rglob("*") if path.is_file())
    assert kept < 0.05 * size
    hub.requests.clear()
    again = load_audio_data(name, config.replaced(seed=7))  # the decoded clips are there
    assert read_bytes(hub) < 0.1 * size
    assert all_contents(again) == all_contents(first)


def test_streaming_goes_through_many_row_groups_in_the_order_in_which_they_lie(hub, upload):
    made = table([str(row % 3) for row in range(30)], file_name=[f"{29 - row:02}.flac" for row in range(30)])
    parquet = io.BytesIO()
    made.to_parquet(parquet, batch_size=4)
    name = upload({"data/train-00000-of-00001.parquet": parquet.getvalue()})
    hub.requests.clear()
    data = load_audio_data(name, TrainConfig(num_workers=2, streaming=True))
    assert read_bytes(hub) < len(parquet.getvalue()) + 3 * 65536
    for clips in (data.train, data.test):
        for number, file in enumerate(clips.files):
            np.testing.assert_array_equal(clips.waveform(number), decode(sound(29 - int(file[:2])), RATE))


def test_folders_of_sounds_on_the_hub_are_streamed_file_by_file(hub, upload):
    files = {f"{split}/{label}/{label}_{number}.flac": sound(10 * seed + number)
             for seed, (split, label) in enumerate([("train", "a"), ("train", "b"), ("test", "a"), ("test", "b")])
             for number in range(3)}  # fmt: skip
    name = upload(files)
    hub.requests.clear()
    data = load_audio_data(name, TrainConfig(num_workers=2, streaming=True))
    assert (len(data.train) + len(data.validation), len(data.test)) == (6, 6)
    assert sum(each.path.endswith(".flac") and each.method == "GET" for each in hub.requests) == 12
    whole = load_audio_data(name, TrainConfig(num_workers=2))
    assert sorted(whole.test.contents) == sorted(data.test.contents)


@BOTH
@pytest.mark.parametrize("form", ["{path}", "file://{path}", "local://{path}", "hf://datasets/user/diary@main/a.flac"])
def test_a_row_cannot_name_a_file_of_this_machine_or_of_another_data_set(serve, upload, tmp_path, streaming, form):
    """Who trains on a stranger's data and publishes example clips would publish it."""
    (tmp_path / "diary.flac").write_bytes(sound(99))
    upload({"a.flac": sound(99)}, "user/diary")
    rows = table(["a", "b"])
    cells = [{"bytes": sound(0), "path": None}, {"bytes": None, "path": form.format(path=tmp_path / "diary.flac")}]
    plain = rows.remove_columns("audio").add_column("audio", cells)
    data = io.BytesIO()
    plain.cast_column("audio", datasets.Audio(decode=False)).to_parquet(data)
    name = upload({"data/train-00000-of-00001.parquet": data.getvalue()})
    items = find_source(name, streaming=streaming).items
    assert [item.source() for item in items] == [sound(0), b""]


def test_archives_that_can_only_be_read_from_their_start_are_streamed(upload):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for number in range(12):
            for ending, content in (("flac", sound(number)), ("cls", b"%d" % (number % 2))):
                member = tarfile.TarInfo(f"clip{number:02}.{ending}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    name = upload({"data/train-0000.tar": archive.getvalue()})
    data = load_audio_data(name, TrainConfig(num_workers=2, streaming=True))
    assert data.labels == ["0", "1"]
    assert all_contents(data) == sorted(content_hash(lambda number=number: sound(number)) for number in range(12))
    assert all_contents(load_audio_data(name, TrainConfig(num_workers=2))) == all_contents(data)


def test_a_full_disk_is_told_in_one_line_that_names_the_data_set_once(serve, monkeypatch):
    name = serve(train=table(["a", "b"]))

    def full(*given, **how):
        warnings.warn("Not enough free disk space to download the file", UserWarning, stacklevel=1)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(datasets, "load_dataset", full)
    with pytest.raises(DataError, match=r"^user/name: the Hub data set cannot be loaded: the disk of .* is full"):
        find_source(name)


def test_columns_that_are_missing_are_told(serve):
    with pytest.raises(DataError, match="no label column; it has audio, loudness"):
        find_source(serve(train=table([1.0, 2.0], name="loudness")))
    with pytest.raises(DataError, match="no label column; it has audio, loudness"):
        find_source("user/name", streaming=True)
    with pytest.raises(DataError, match="no audio column; it has label"):
        find_source(serve(train=datasets.Dataset.from_dict({"label": ["a", "b"]})))


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


def test_a_revision_is_read_and_told(hub, serve):
    name = serve(train=table(["a", "b"]))
    first = hub.commits(name, "dataset")[0].oid
    serve(train=table(["a", "b", "b"]))
    for streaming in (False, True):
        old, new = (find_source(source, streaming=streaming) for source in (f"{name}@{first}", name))
        assert (len(old.items), len(new.items)) == (2, 3)
        assert old.dataset_revision == first != new.dataset_revision
        assert old.dataset_id == old.name == name


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("user/nothing", "no such folder or zip here, and there is no data set user/nothing on the Hub"),
        ("user/name@v9", "user/name has no revision 'v9' on the Hub; it has main"),
        ("user/model", "user/model is a model on the Hub, no data set"),
        ("user/hidden", "there is no data set user/hidden on the Hub (a private one needs `hf auth login`)"),
        ("user/asked", "user/asked is gated: ask for access on"),
        ("user/two", "several configurations (loud, quiet)"),
        ("user/empty", "cannot be loaded"),
        ("user/damaged", "cannot be loaded"),
        ("user/name@", "no such folder or zip"),
        ("user/na me", "no such folder or zip"),
        ("./no/such/place", "no such folder or zip"),
    ],
)
@BOTH
def test_what_cannot_be_read_is_told_in_one_line(hub, upload, serve, source, told, streaming):
    serve(train=table(["a", "b"]))
    rows = files_of({"train": table(["a", "b"])})
    configs = (
        "configs:\n- {config_name: loud, data_files: data/train-*}\n- {config_name: quiet, data_files: data/train-*}"
    )
    if source == "user/model":
        HfApi(token="hf_user").create_repo(source)
    elif source == "user/hidden":
        upload(rows, source, private=True)
    elif source == "user/asked":
        upload(rows, source)
        HfApi(token="hf_user").update_repo_settings(source, repo_type="dataset", gated="manual")
    elif source == "user/two":
        upload(rows | {"README.md": f"---\n{configs}\n---\n".encode()}, source)
    elif source == "user/empty":
        upload({"notes.md": b"nothing"}, source)
    elif source == "user/damaged":
        upload({path: content[:-50] for path, content in rows.items()}, source)
    with pytest.raises(DataError) as caught:
        find_source(source, streaming=streaming)
    message = str(caught.value)
    assert told in message
    assert "\n" not in message
    assert len(message) < 420


def test_a_private_data_set_is_read_by_its_owner(upload, as_user):
    name = upload(files_of({"train": table(["a", "b"] * 6)}), "user/hidden", private=True)
    as_user("hf_user")
    for streaming in (False, True):
        assert len(load_audio_data(name, TrainConfig(num_workers=1, streaming=streaming)).labels) == 2


@pytest.mark.parametrize("go_offline", [lose_connection, forbid_the_network])
def test_without_a_network_what_was_read_before_is_read_from_the_cache(hub, serve, monkeypatch, go_offline):
    name = serve(train=table(["a", "b"]))
    first = hub.commits(name, "dataset")[0].oid
    assert len(find_source(f"{name}@{first}").items) == 2
    serve(train=table(["a", "b", "a"]))
    assert len(find_source(name).items) == 3
    go_offline(hub, monkeypatch)
    for source, count in ((f"{name}@{first}", 2), (name, 3)):
        listing = find_source(source)
        assert len(listing.items) == count
        assert listing.items[1].source() == sound(1)
    with pytest.raises(DataError, match="streaming reads there"):
        find_source(name, streaming=True)
    with pytest.raises(
        DataError, match=r"no such folder or zip here, and user/other.* (cannot be reached|not in the cache|broke off)"
    ):
        find_source("user/other")


@BOTH
def test_evaluate_and_inspect_read_the_hub(serve, streaming):
    name = serve(train=table(["a", "b"] * 6), test=table(["a", "b"] * 2, 50))
    config = TrainConfig(num_workers=1, streaming=streaming)
    assert len(load_labelled_clips(f"{name}@main", config, ["a", "b"], False).test) == 4
    assert inspect(f"{name}@main", num_workers=1)["clips"] == 16
