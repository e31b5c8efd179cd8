import csv
import os
from collections import Counter

import numpy as np
import pytest
import soundfile

from audiocls.card.examples import example_clips, file_names, write_examples
from audiocls.config import TrainConfig
from audiocls.data.dataset import load_labelled_clips
from tests.card.test_model_card import HOSTILE

RATE = 8000
LABELS = ["dog", "rain"]


def sound(folder, name, seconds=0.5, loud_at=None):
    """A quiet tone; loud in the second from `loud_at` on."""
    time = np.arange(int(seconds * RATE)) / RATE
    tone = 0.05 * np.sin(2 * np.pi * (300 + len(name)) * time + seconds)
    if loud_at is not None:
        tone[int(loud_at * RATE) : int((loud_at + 1) * RATE)] *= 10
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone, RATE)


@pytest.fixture
def data(tmp_path):
    for number, label in enumerate(("dog", "dog", "dog", "rain", "rain")):
        sound(tmp_path / "data", f"{label}/{number}.wav", 0.5 + number / 10)
    return tmp_path / "data"


def clips_of(data, labels=LABELS, multi_label=False):
    return load_labelled_clips(str(data), TrainConfig(sampling_rate=RATE, num_workers=1), labels, multi_label).test


def seconds_of(folder, path):
    return soundfile.info(folder / path).duration


def test_the_surest_right_answer_of_each_label_is_shown(data, tmp_path):
    clips = clips_of(data)
    assert clips.files == ["dog/0.wav", "dog/1.wav", "dog/2.wav", "rain/3.wav", "rain/4.wav"]
    scores = np.array([[0.6, 0.4], [0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.55, 0.45]])
    written = write_examples(clips, LABELS, tmp_path / "model", scores)
    assert written == [("dog", "examples/dog.flac"), ("rain", "examples/rain.flac")]
    assert example_clips(tmp_path / "model") == written
    lengths = [seconds_of(tmp_path / "model", path) for _, path in written]
    assert lengths == pytest.approx([0.6, 0.9]), "the surest dog, and of two wrong answers the nearer one"
    info = soundfile.info(tmp_path / "model" / "examples" / "dog.flac")
    assert (info.samplerate, info.channels, info.format) == (RATE, 1, "FLAC")
    told, _ = soundfile.read(tmp_path / "model" / "examples" / "dog.flac", dtype="float32")
    assert told == pytest.approx(clips.waveform(1), abs=1e-4)


def test_without_answers_the_first_clip_of_each_label_is_shown(data, tmp_path):
    write_examples(clips_of(data), LABELS, tmp_path)
    assert seconds_of(tmp_path, "examples/rain.flac") == pytest.approx(0.8)
    assert not (tmp_path / "examples" / "ATTRIBUTION.csv").exists()


def test_of_a_long_clip_the_loudest_five_seconds_are_taken(tmp_path):
    sound(tmp_path / "data", "dog/a.wav", 9, loud_at=7.5)
    sound(tmp_path / "data", "rain/a.wav", 7, loud_at=0)
    write_examples(clips_of(tmp_path / "data"), LABELS, tmp_path)
    for label, loudest in (("dog", slice(4 * RATE, None)), ("rain", slice(0, RATE))):
        wave, _ = soundfile.read(tmp_path / "examples" / f"{label}.flac")
        assert len(wave) == 5 * RATE
        assert np.abs(wave).max() == pytest.approx(0.5, abs=0.01)
        assert np.abs(wave[loudest]).max() == pytest.approx(0.5, abs=0.01)


def test_of_many_labels_ten_are_shown(tmp_path):
    labels = [f"l{number:02}" for number in range(12)]
    for number, label in enumerate(labels):
        sound(tmp_path / "data", f"{label}/a.wav", 0.3 + number / 100)
    scores = np.full((12, 12), 0.01)
    np.fill_diagonal(scores, np.linspace(0.5, 0.9, 12))
    scores[11] = 0.09 + np.arange(12)[::-1] / 1000  # a wrong answer
    written = write_examples(clips_of(tmp_path / "data", labels), labels, tmp_path, scores)
    assert [label for label, _ in written] == labels[1:11]


def test_clips_with_several_labels_show_each_set_once(tmp_path):
    (tmp_path / "data").mkdir()
    rows = ["file_name,labels"]
    for number, labels in enumerate(("dog", "dog|rain", "rain|dog", "rain")):
        sound(tmp_path / "data", f"{number}.wav", 0.5 + number / 10)
        rows.append(f"{number}.wav,{labels}")
    (tmp_path / "data" / "metadata.csv").write_text("\n".join(rows))
    written = write_examples(clips_of(tmp_path / "data", multi_label=True), LABELS, tmp_path)
    titles = {"dog": "dog.flac", "dog, rain": "dog-rain.flac", "rain": "rain.flac"}
    assert dict(written) == {title: f"examples/{name}" for title, name in titles.items()}


def test_the_origin_of_each_clip_goes_along(data, tmp_path):
    table = 'file,licence,author\ndog/0.wav,CC0-1.0,"Ann, Bob"\nrain/3.wav,CC-BY-4.0,Cäcilie\nrain/4.wav,X,Y\n'
    (data / "ATTRIBUTION.csv").write_text(table, encoding="utf-8")
    write_examples(clips_of(data), LABELS, tmp_path / "model", root=data)
    with open(tmp_path / "model" / "examples" / "ATTRIBUTION.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["file"], row["made_from"], row["licence"], row["author"]) for row in rows] == [
        ("dog.flac", "dog/0.wav", "CC0-1.0", "Ann, Bob"),
        ("rain.flac", "rain/3.wav", "CC-BY-4.0", "Cäcilie"),
    ]


def test_labels_are_safe_and_different_file_names():
    labels = [*HOSTILE, "../../etc/passwd", "A", "a", "con", "x" * 300, "é", "...", "🐶", "\udcff", "a.b"]
    names = file_names(labels)
    assert max(Counter(name.casefold() for name in names).values()) == 1
    for name in names:
        assert name.endswith(".flac")
        assert os.path.basename(name) == name
        assert not name.startswith((".", "-"))
        assert len(name.encode("utf-8", "replace")) < 80
        assert not set(name) & set('<>:"/\\|?*\n` ')
    assert names[labels.index("con")] == "con_.flac"
    assert [names[labels.index(label)] for label in ("A", "a", "a.b")] == ["A.flac", "a-2.flac", "a.b.flac"]


def test_a_hostile_label_is_the_title_of_its_clip(data, tmp_path):
    labels = ["a|b\n<c>", '"q"']
    written = write_examples(clips_of(data), labels, tmp_path)
    assert dict(written).keys() == set(labels)
    assert {title for title, _ in example_clips(tmp_path)} == {'"q"', "a|b <c>"}


def test_what_is_no_sound_is_no_example(tmp_path):
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "a.flac").write_text("no")
    sound(tmp_path, "examples/b.flac")
    assert example_clips(tmp_path) == [("b", "examples/b.flac")]
    assert example_clips(tmp_path / "nowhere") == []
