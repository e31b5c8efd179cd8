"""Corrections: kept whole and once, under safe names, in a folder that training reads."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile

from audiocls.audio.decoding import decode
from audiocls.data.sources import find_source
from audiocls.errors import AudioReadError, DataError, UsageError
from audiocls.feedback.corrections import Corrections
from audiocls.feedback.labels import LONGEST_LABEL, NEGATIVE, clean_label
from tests.audio.test_streaming import piped
from tests.small_models import SOUNDS

KNOWN = ("drum", "Glass", "a/b")
SCORES = {"drum": 0.75, "Glass": 0.2, "a/b": 0.05}


@pytest.fixture
def corrections(tmp_path):
    return Corrections(tmp_path / "feedback", "me/my sounds")


def keep(corrections, sound, *labels, now=0.0):
    return corrections.keep(sound, labels, KNOWN, "drum 0.75", SCORES, now)


def listed(corrections):
    return {item.file: item.labels for item in find_source(str(corrections.folder)).items}


def test_flac_from_a_pipe_is_kept_to_its_end(corrections, tmp_path):
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, 24000)
    kept = keep(corrections, piped(tmp_path, samples, 16000), "drum")
    np.testing.assert_allclose(decode(kept.file, 16000), samples, atol=1e-4)


@pytest.mark.parametrize(
    ("subtype", "kind", "channels"), [("PCM_16", "wav", 2), ("PCM_24", "wav", 1), ("PCM_U8", "wav", 1),
                                      ("FLOAT", "wav", 1), ("PCM_32", "wav", 1), ("VORBIS", "ogg", 1)]
)  # fmt: skip
def test_a_sound_is_kept_whole_and_without_loss(corrections, tmp_path, subtype, kind, channels):
    rng = np.random.default_rng(1)
    path = tmp_path / f"given.{kind}"
    soundfile.write(path, 0.2 * rng.standard_normal((44100, channels)), 44100, subtype)
    kept = keep(corrections, path, "drum")
    given, rate = soundfile.read(path, always_2d=True)
    found, kept_rate = soundfile.read(kept.file, always_2d=True)
    assert (rate, given.shape) == (kept_rate, found.shape)
    np.testing.assert_allclose(found, given, atol=1e-7)
    assert kept.file.suffix == (".flac" if subtype in ("PCM_16", "PCM_24", "PCM_U8") else ".wav")


def test_the_folder_is_labelled_data_and_says_what_the_model_had_said(corrections):
    first = keep(corrections, sorted((SOUNDS / "water").glob("*.ogg"))[0], "stream")
    second = keep(corrections, sorted((SOUNDS / "metal").glob("*.ogg"))[0], "GLASS")
    assert first.file.parent == corrections.folder / "stream"
    assert listed(corrections) == {
        f"stream/{first.file.name}": ("stream",),
        f"Glass/{second.file.name}": ("Glass",),  # the model's own spelling
    }
    rows = corrections._rows()
    assert rows[0]["model"] == "me/my sounds"
    assert rows[0]["answer"] == "drum 0.75"
    assert json.loads(rows[0]["scores"]) == SCORES
    assert rows[0]["time"] == "1970-01-01T00:00:00Z"
    assert corrections.count() == 2


def test_the_same_sound_corrected_again_is_one_sound(corrections, tmp_path):
    sound = sorted((SOUNDS / "water").glob("*.ogg"))[0]
    first = keep(corrections, sound, "stream")
    shutil.copy(sound, tmp_path / "other name.ogg")
    second = keep(corrections, tmp_path / "other name.ogg", "rain", now=60.0)
    assert (first.replaced, second.replaced) == (False, True)
    assert not first.file.parent.exists()
    assert list(listed(corrections).values()) == [("rain",)]
    again = keep(corrections, sound, "rain", now=60.0)  # in the same second: the same name
    assert again.file == second.file
    assert again.file.is_file()
    assert corrections.count() == 1


def test_a_correction_can_be_taken_back(corrections):
    kept = keep(corrections, sorted((SOUNDS / "water").glob("*.ogg"))[0], "stream")
    assert corrections.undo(kept.key)
    assert not corrections.undo(kept.key)
    assert corrections.count() == 0
    assert not list(corrections.folder.rglob("*.wav"))


@pytest.mark.parametrize(
    "label",
    [
        "../../evil",
        "/etc/passwd",
        "a\\..\\b",
        "CON",
        "nul.txt",
        "a/b",
        "train",
        ".hidden x",
        "x" * LONGEST_LABEL,
        "日本語",
        "C:drum",
    ],
)
def test_no_label_leads_out_of_the_folder(corrections, label):
    kept = keep(corrections, sorted((SOUNDS / "water").glob("*.ogg"))[0], label)
    assert kept.file.resolve().parents[1] == corrections.folder.resolve()
    stem = kept.file.parent.name.partition(".")[0].casefold()
    assert stem not in ("con", "nul")
    assert list(listed(corrections).values()) == [(label,)]  # the label itself is kept as it is


def test_labels_whose_folders_would_be_one_have_two(corrections):
    water, metal = (sorted((SOUNDS / name).glob("*.ogg"))[0] for name in ("water", "metal"))
    first, second = keep(corrections, water, "a/b"), keep(corrections, metal, "A-B")
    assert first.file.parent.name.casefold() != second.file.parent.name.casefold()
    assert sorted(listed(corrections).values()) == [("A-B",), ("a/b",)]


@pytest.mark.parametrize("label", ["", "  ", "x" * (LONGEST_LABEL + 1), "a\x00b", "..", "a|b", "\ud800"])
def test_what_is_no_label_is_refused_and_nothing_is_written(corrections, label):
    with pytest.raises(UsageError, match="label"):
        keep(corrections, sorted((SOUNDS / "water").glob("*.ogg"))[0], label)
    assert corrections.count() == 0
    assert not list(corrections.folder.rglob("*.wav"))


def test_none_of_these_becomes_what_training_takes_for_no_class():
    assert {clean_label(typed, KNOWN) for typed in ("none of these", "None of  these", "background")} == {NEGATIVE}


def test_several_labels_of_one_sound(tmp_path):
    corrections = Corrections(tmp_path, "two", multi_label=True)
    water, metal = (sorted((SOUNDS / name).glob("*.ogg"))[0] for name in ("water", "metal"))
    keep(corrections, water, "drum", "rain")
    keep(corrections, metal, "RAIN")
    assert sorted(listed(corrections).values()) == [("drum", "rain"), ("rain",)]


def test_what_is_no_sound_leaves_nothing_behind(corrections, tmp_path):
    (tmp_path / "text.wav").write_text("no sound in here")
    with pytest.raises(AudioReadError):
        keep(corrections, tmp_path / "text.wav", "drum")
    assert corrections.count() == 0
    assert [path.name for path in corrections.folder.rglob("*") if path.is_file()] == [".lock"]


def test_a_sound_that_libsndfile_does_not_read_is_kept_too(corrections, tmp_path):
    import av

    path = tmp_path / "given.mka"
    tone = (8000 * np.sin(np.arange(16000) * 0.2)).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    kept = keep(corrections, path, "drum")
    np.testing.assert_allclose(decode(str(kept.file), 16000), tone / 32768, atol=1e-6)


def test_many_at_once_lose_none(corrections, tmp_path):
    paths = [tmp_path / f"{number}.wav" for number in range(16)]
    for number, path in enumerate(paths):
        soundfile.write(path, np.full(800, 0.01 * number), 16000)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda path: keep(corrections, path, "drum"), paths))
    assert corrections.count() == 16
    assert len(listed(corrections)) == 16


def test_a_table_that_names_files_elsewhere_deletes_nothing(corrections, tmp_path):
    sound = sorted((SOUNDS / "water").glob("*.ogg"))[0]
    kept = keep(corrections, sound, "stream")
    outside = tmp_path / f"0-{kept.key}.wav"
    outside.write_bytes(b"mine")
    table = corrections.folder / "metadata.csv"
    table.write_text(table.read_text().replace(f"stream/{kept.file.name}", f"../../{outside.name}"))
    assert corrections.undo(kept.key)
    assert outside.read_bytes() == b"mine"


def test_a_table_of_another_kind_is_told(corrections):
    corrections.folder.mkdir(parents=True)
    (corrections.folder / "metadata.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="no column file_name or label"):
        corrections.count()
