"""Wrong labels are found among right ones, contradictions of copies are evidence, and rare classes are no suspects."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data
from audiocls.mistakes.suspects import find_suspects
from audiocls.training.run import HeldOut

RNG = np.random.default_rng(3)
LABELS = ["bird", "cat", "dog"]


def clips_of(targets, copies=()):
    """What is needed of clips."""
    number = len(targets)

    class Some(SimpleNamespace):
        def __len__(self):
            return number

    files = [f"{clip:03d}.wav" for clip in range(number)]
    return Some(targets=targets, files=files, copies=lambda: copies, groups=[None] * number)


def judged(targets, scores, labels=LABELS, copies=()):
    held_out = HeldOut(scores.astype(np.float32), targets, [None] * len(targets), "two folds")
    return find_suspects(clips_of(targets, copies), labels, held_out)


def models_of(truth, sure=2.0):
    """Probabilities of fairly good models."""
    logits = RNG.normal(size=(len(truth), len(LABELS))) + sure * np.eye(len(LABELS))[truth]
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def test_flipped_labels_come_first():
    truth = np.repeat([0, 1, 2], [100, 60, 40])
    given, flipped = truth.copy(), np.arange(0, 200, 20)
    given[flipped] = (truth[flipped] + 1) % 3
    suspects = judged(given, models_of(truth, sure=4.0))
    first = suspects.found[: len(flipped)]
    assert len({each.index for each in first} & set(flipped)) >= 8
    assert [each.rank for each in suspects.found] == list(range(1, len(suspects.found) + 1))
    assert all(a.quality <= b.quality for a, b in zip(suspects.found, suspects.found[1:], strict=False))
    found = {each.index: each for each in suspects.found}
    assert sum(found[clip].suggested == (LABELS[truth[clip]],) for clip in flipped if clip in found) >= 8
    assert sum(each.likely for each in suspects.found) < 30
    assert all(each.quality < 0.75 and each.given != each.suggested for each in suspects.found)
    assert suspects.origin == "two folds"


def test_a_class_that_models_are_never_sure_of_is_not_all_suspects():
    truth = np.repeat([0, 1, 2], [100, 80, 20])
    scores = models_of(truth, sure=4.0)
    scores[truth == 2] = [0.79, 0.01, 0.2]
    assert not [each for each in judged(truth, scores).found if each.given == ("dog",) and each.quality < 0.5]


def test_a_class_that_was_not_learnt_is_suggested_to_nobody():
    truth = np.repeat([0, 1, 2], [100, 80, 4])
    scores = models_of(np.where(truth == 2, 0, truth), sure=6.0)
    scores[:, 2] = 1e-4 * RNG.lognormal(size=len(truth))
    suspects = judged(truth, scores / scores.sum(1, keepdims=True))
    assert not [each for each in suspects.found if "dog" in each.suggested and each.quality < 0.5]


def test_copies_with_different_labels_are_told_first():
    truth = np.repeat([0, 1, 2], 20)
    copies = [(5, 45), (46, 47)]  # a bird and a dog; twice a dog is fine
    given = truth.copy()
    given[30] = 0  # wrong, but only models say so
    first, second, third, *_ = judged(given, models_of(truth, sure=6.0), copies=copies).found
    assert third.index == 30
    assert {first.index, second.index} == {5, 45}
    assert first.likely
    assert {first.reason, second.reason} == {
        "045.wav is the same recording and is labelled dog",
        "005.wav is the same recording and is labelled bird",
    }


def test_with_several_labels_the_wrong_one_is_named():
    truth = (RNG.random((150, 3)) < 0.3).astype(np.float32)
    scores = np.clip(np.where(truth > 0.5, 0.85, 0.12) + RNG.normal(scale=0.06, size=truth.shape), 0.01, 0.99)
    given = truth.copy()
    given[7, 1], given[20, 0] = 1 - truth[7, 1], 1 - truth[20, 0]
    found = judged(given, scores).found[:2]
    assert {each.index for each in found} == {7, 20}
    for each in found:
        assert each.likely
        assert each.suggested == tuple(np.array(LABELS)[truth[each.index] > 0.5])


def test_real_copies_are_found_by_ear(everyday_sounds, tmp_path):
    for label in ("speech", "water"):
        for clip in range(1, 4):
            path = tmp_path / label / f"{label}_{clip}.ogg"
            path.parent.mkdir(exist_ok=True)
            shutil.copy(everyday_sounds / "test" / label / f"{label}_{clip + 4:02d}.ogg", path)
    waveform, rate = soundfile.read(tmp_path / "speech" / "speech_2.ogg")
    soundfile.write(tmp_path / "water" / "quieter.wav", 0.4 * waveform, rate)
    config = TrainConfig(num_workers=1, test_size=0.0, validation_size=0.0, allow_leaks=True)
    clips = load_audio_data(str(tmp_path), config).train
    scores = np.where(np.eye(2)[clips.targets] > 0, 0.8, 0.2)
    found = find_suspects(clips, ["speech", "water"], HeldOut(scores, clips.targets, clips.groups, "")).found
    found = found[:2]
    assert {each.file for each in found} == {"speech/speech_2.ogg", "water/quieter.wav"}
    assert all(each.likely for each in found)


@pytest.mark.parametrize("labels", [["a", "b"], ["a"]])
def test_little_data_gives_no_error(labels):
    targets = np.zeros(3, np.int64)
    assert judged(targets, np.full((3, len(labels)), 1 / len(labels)), labels).found == []
