import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from accelerate import Accelerator
from scipy.signal import iirpeak, lfilter

from audiocls.comparison import leaks
from audiocls.comparison.folds import learning_clips
from audiocls.comparison.leaks import GUESSED, format_leaks, leak_report
from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data
from audiocls.training.run import Run

PEOPLE = ("anna", "ben", "cleo", "dora", "emil", "finn")
MOODS = ("angry", "calm", "sad")
SECONDS = 0.4


def write_voices(root: Path, sounds: Path, own_habits: bool, name: str = "{person}_{number}.wav") -> Path:
    """Real sounds as people would say them in three moods, each mood a peak in the spectrum, four clips each.

    With habits of their own, each person shows a mood by another peak: what a model learns of one tells it nothing of
    the next. Otherwise a mood sounds alike from all of them. Nobody says the same thing twice.
    """
    pieces = [piece for path in sorted(sounds.rglob("*.ogg")) if len(piece := _piece(path))]
    order = np.random.default_rng(0).permutation(len(pieces))
    peaks = np.random.default_rng(1).permutation(np.geomspace(300, 6000, len(PEOPLE) * len(MOODS)))
    taken = iter(order)
    for p, person in enumerate(PEOPLE):
        for m, mood in enumerate(MOODS):
            hz = peaks[p * len(MOODS) + m] if own_habits else (1000, 1300, 1700)[m]
            for number in range(4):
                peak = lfilter(*iirpeak(hz, 4, fs=16000), pieces[next(taken)])
                path = root / mood / name.format(person=person, number=number)
                path.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(path, 0.5 * peak / np.abs(peak).max(), 16000)
    return root


def _piece(path: Path) -> np.ndarray:
    """A stretch of a recording in some noise, so that every peak has what to lift; empty where there is no sound."""
    samples, rate = soundfile.read(path, always_2d=True)
    mono, length = samples.mean(1)[:: max(1, rate // 16000)], int(SECONDS * 16000)
    piece = mono[(len(mono) - length) // 2 :][:length]
    if len(piece) < length or np.abs(piece).max() < 0.01:
        return np.zeros(0)
    noise = np.random.default_rng(list(path.name.encode())).standard_normal(length)
    return piece + 0.3 * np.abs(piece).max() * noise


@pytest.fixture(scope="module")
def run() -> Run:
    return Run(Accelerator(cpu=True))


def report_of(folder: Path, run: Run, **settings) -> dict | None:
    config = TrainConfig(num_workers=1, test_size=0, validation_size=0, clip_seconds=1.0, **settings)
    return leak_report(load_audio_data(str(folder), config), config, run)


@pytest.fixture
def counted_model(monkeypatch):
    """Replaces the cheap model: it is right where another clip of the same group was learnt. What it was given."""
    given = []

    def cheap_model(config, audio, clips, targets, run):
        groups = np.array([name or str(clip) for clip, name in enumerate(clips.groups)])
        given.append((clips, targets, []))

        def scores(folds):
            given[-1][2].append(folds)
            known = np.array([np.any((groups == g) & (folds != f)) for g, f in zip(groups, folds, strict=True)])
            wanted = targets if targets.ndim == 2 else np.eye(int(targets.max()) + 1)[targets]
            return np.where(known[:, None], wanted, np.roll(wanted, 1, axis=1))

        return "a fake", scores

    monkeypatch.setattr(leaks, "cheap_model", cheap_model)
    return given


def test_where_people_have_their_own_ways_the_random_split_flatters(tmp_path, everyday_sounds, run):
    found = report_of(write_voices(tmp_path / "voices", everyday_sounds, own_habits=True), run)
    assert (found["groups"], found["num_groups"], found["clips"]) == (GUESSED, len(PEOPLE), 72)
    assert found["gap"]["interval"][1] < -0.1
    assert found["random"]["accuracy"] > found["grouped"]["accuracy"] + 0.2
    text = format_leaks(found)
    assert max(map(len, text.splitlines())) <= 100
    assert "is what a random split flatters" in text
    assert found["gap"]["accuracy"] == pytest.approx(found["grouped"]["accuracy"] - found["random"]["accuracy"])
    for name in ("grouped", "random", "gap"):
        low, high = found[name]["interval"]
        assert low <= found[name]["accuracy"] <= high


def test_where_all_people_sound_alike_there_is_no_gap(tmp_path, everyday_sounds, run):
    found = report_of(write_voices(tmp_path / "voices", everyday_sounds, own_habits=False), run)
    low, high = found["gap"]["interval"]
    assert low <= 0 <= high
    assert found["grouped"]["accuracy"] > 0.8
    assert "hardly flatter" in format_leaks(found).replace("\n    ", " ")


def test_the_guessed_groups_are_those_that_the_named_regex_gives(tmp_path, everyday_sounds, run, counted_model):
    folder = write_voices(tmp_path / "voices", everyday_sounds, own_habits=False)
    guessed = report_of(folder, run)
    known = report_of(folder, run, group_regex=guessed["regex"])
    assert (known["groups"], known["regex"], known["meaning"]) == ("file names", None, None)
    assert known["num_groups"] == guessed["num_groups"] == len(PEOPLE)
    assert {re.search(guessed["regex"], f"angry/{person}_1.wav")[1] for person in PEOPLE} == set(PEOPLE)
    assert known["grouped"]["accuracy"] == 0.0
    assert known["random"]["accuracy"] > 0.9


def test_both_cross_validations_learn_from_as_many_clips_of_each_class(tmp_path, make_folder, run, counted_model):
    folder = make_folder(tmp_path / "set", high=9, low=14)
    report_of(folder, run, group_regex=r"_(\d)\d?\.wav")
    clips, targets, all_folds = counted_model[0]
    tables = {tuple(np.bincount(2 * folds + targets)) for folds in all_folds}
    assert len(tables) == 1
    assert len(all_folds) == 1 + leaks.RANDOM_REPEATS
    assert len({tuple(folds) for folds in all_folds}) == len(all_folds)
    groups = np.array(clips.groups)
    whole = [all(len(set(folds[groups == name])) == 1 for name in set(clips.groups)) for folds in all_folds]
    assert whole.count(True) == 1


def test_the_test_part_is_not_looked_at_but_its_shared_groups_are_counted(tmp_path, make_tone, run, counted_model):
    for label, hz in (("high", 2000.0), ("low", 300.0)):
        for person in "abcd":
            for number in range(2):
                make_tone(tmp_path / "set" / "train" / label / f"{person}{label}_{number}.wav", hz + 9 * number)
        make_tone(tmp_path / "set" / "test" / label / f"a{label}_7.wav", hz + 63)
        make_tone(tmp_path / "set" / "test" / label / f"e{label}_7.wav", hz + 71)
    config = TrainConfig(num_workers=1, validation_size=0, group_regex=r"([a-e])\w+_\d\.wav", allow_leaks=True)
    audio = load_audio_data(str(tmp_path / "set"), config)
    found = leak_report(audio, config, run)
    assert found["test_shared"] == 0.5
    assert found["clips"] == 16
    assert set(counted_model[0][0].files) == set(learning_clips(audio).files)


def test_clips_that_stand_alone_give_no_report(tmp_path, make_folder, run):
    assert report_of(make_folder(tmp_path / "set", low=7, high=7), run) is None


def test_classes_in_one_group_cannot_be_kept_apart_and_that_is_said(tmp_path, make_folder, run, counted_model):
    folder = make_folder(tmp_path / "set", low=4, high=4)
    found = report_of(folder, run, group_regex="(low|high)/")
    assert "cannot be kept apart" in found["note"]
    assert "cannot be measured" in format_leaks(found).replace("\n    ", " ")
    assert "gap" not in found
    assert not counted_model


def test_a_class_in_one_group_is_left_out_by_name(tmp_path, make_folder, run, counted_model):
    folder = make_folder(tmp_path / "set", low=6, high=6, middle=6)
    found = report_of(folder, run, group_regex=r"((?:low|high)_[0-2]|middle|(?:low|high)_)")
    assert found["note"] == "without middle: all clips in one group"
    assert counted_model[0][1].max() == 1
    assert found["clips"] == 12


@pytest.mark.parametrize("num_groups", [2, 40])
def test_large_data_is_thinned_and_every_class_stays_in_two_groups(num_groups):
    rng = np.random.default_rng(0)
    groups = np.arange(9000) % num_groups
    counts = np.eye(3, dtype=bool)[np.where(groups < 2, rng.integers(0, 3, 9000), 0)]
    chosen = leaks._drawn(counts, groups, np.full(9000, 1.0), rng)
    assert 0.5 * leaks.MOST_CLIPS < chosen.sum() <= leaks.MOST_CLIPS
    for column in counts.T:
        assert len(np.unique(groups[chosen & column])) >= 2
    long = leaks._drawn(counts, groups, np.full(9000, 60.0), rng)
    assert 0 < long.sum() * 60 <= leaks.MOST_SECONDS


def test_several_labels_a_clip(tmp_path, make_tone, run):
    root = tmp_path / "set"
    lines = ["file_name,labels,group"]
    for clip in range(24):
        labels = ["low", "high", "low|high"][clip % 3]
        make_tone(root / f"{clip}.wav", hz=300.0 if clip % 3 == 0 else 2000.0 + clip)
        lines.append(f"{clip}.wav,{labels},{clip // 3 % 4}")
    (root / "metadata.csv").write_text("\n".join(lines))
    found = report_of(root, run)
    assert found["groups"] == "the metadata"
    assert 0 <= found["grouped"]["accuracy"] <= 1
