import pandas
import pytest

from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data, load_labelled_clips
from audiocls.data.sources import find_source
from audiocls.errors import DataError, UsageError

FOLDERS = ["OAF_angry", "OAF_Sad", "YAF_angry", "YAF_sad", "notes"]
EMOTION = r"^[OY]AF_(.+)"


@pytest.fixture
def by_speaker(tmp_path, make_tone):
    """Four class folders named after speaker and emotion, and one that is no class at all."""
    for number, name in enumerate(FOLDERS):
        for clip in range(3):
            make_tone(tmp_path / "data" / name / f"{clip}.wav", hz=200.0 + 150 * number + 20 * clip)
    return tmp_path / "data"


def labels_of(listing):
    return {item.file: item.labels for item in listing.items}


def test_folders_of_two_speakers_become_one_class(by_speaker):
    listing = find_source(str(by_speaker), EMOTION)
    assert labels_of(listing)["OAF_angry/0.wav"] == labels_of(listing)["YAF_angry/2.wav"] == ("angry",)
    assert len(listing.items) == 12
    assert listing.labels == {"angry", "sad"}


def test_what_does_not_match_is_skipped_with_its_reason(by_speaker):
    listing = find_source(str(by_speaker), EMOTION)
    assert [(skipped.file, skipped.reason) for skipped in listing.skipped] == [
        (f"notes/{clip}.wav", "label_regex does not match its label notes") for clip in range(3)
    ]
    assert any("does not match notes" in warning for warning in listing.warnings)


def test_spellings_that_differ_in_case_alone_become_one_class_and_it_is_said(by_speaker):
    listing = find_source(str(by_speaker), EMOTION)
    assert labels_of(listing)["OAF_Sad/0.wav"] == labels_of(listing)["YAF_sad/0.wav"] == ("sad",)
    assert "label_regex: Sad, sad count as one class, sad" in listing.warnings
    assert labels_of(find_source(str(by_speaker), "^OAF_(.+)"))["OAF_Sad/0.wav"] == ("Sad",)  # alone it stays


def test_without_a_group_in_the_expression_the_whole_match_is_the_label(by_speaker):
    assert find_source(str(by_speaker), "^[OY]AF").labels == {"OAF", "YAF"}


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("(", "not a valid regular expression"),
        ("^ANA_(.+)", "none of the labels OAF_Sad, OAF_angry, YAF_angry, YAF_sad, notes"),
        ("^OAF()", "none of the labels"),
    ],
)
def test_an_expression_of_no_use_is_one_line(by_speaker, expression, told):
    with pytest.raises(UsageError, match="label_regex") as error:
        find_source(str(by_speaker), expression)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_table_with_several_labels_keeps_those_that_match(tmp_path, make_tone):
    rows = {"a.wav": "bird:robin|rain", "b.wav": "bird:wren|bird:robin", "c.wav": "rain"}
    for name in rows:
        make_tone(tmp_path / name)
    table = "".join(f"{name},{labels}\n" for name, labels in rows.items())
    (tmp_path / "metadata.csv").write_text("file_name,labels\n" + table)
    listing = find_source(str(tmp_path), "bird:(.*)")
    assert labels_of(listing) == {"a.wav": ("robin",), "b.wav": ("wren", "robin")}
    assert [skipped.file for skipped in listing.skipped] == ["c.wav"]


def test_parquet_as_the_hub_keeps_it(tmp_path, make_tone):
    sounds = [{"bytes": make_tone(tmp_path / f"{k}.wav").read_bytes(), "path": None} for k in range(2)]
    (tmp_path / "set").mkdir()
    pandas.DataFrame({"audio": sounds, "label": ["OAF_angry", "YAF_sad"]}).to_parquet(tmp_path / "set" / "0.parquet")
    assert find_source(str(tmp_path / "set"), EMOTION).labels == {"angry", "sad"}


def test_speakers_stay_apart_while_their_classes_are_joined(by_speaker):
    config = TrainConfig(label_regex=EMOTION, group_regex="^(OAF|YAF)_", test_size=0.5, validation_size=0.0, seed=1)
    data = load_audio_data(str(by_speaker), config)
    assert data.labels == ["angry", "sad"]
    assert [len(data.train), len(data.test)] == [6, 6]
    assert len(set(data.train.groups)) == len(set(data.test.groups)) == 1
    assert set(data.train.groups) != set(data.test.groups)
    assert set(data.train.targets) == set(data.test.targets) == {0, 1}


def test_a_trained_model_is_scored_on_labels_joined_in_the_same_way(by_speaker):
    with pytest.raises(DataError, match="does not know"):
        load_labelled_clips(str(by_speaker), TrainConfig(), ["angry", "sad"], False)
    clips = load_labelled_clips(str(by_speaker), TrainConfig(label_regex=EMOTION), ["angry", "sad"], False).test
    assert sorted(clips.targets) == [0] * 6 + [1] * 6
