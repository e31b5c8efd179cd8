"""The parts that decided, whatever the kind of model: a bundled sound, and not the hiss around it."""

import numpy as np
import pytest
import soundfile

from audiocls import AudioClassifier
from audiocls.audio.decoding import decode
from audiocls.comparison.ensemble import ensemble
from tests.small_models import SOUNDS
from tests.tiny_trainings import train_kind, write_tiny_whisper

RATE = 16000
SECONDS, START, END = 2.0, 0.8, 1.2  # of a clip, and of the sound in it
SOUNDING = ("metal", "water")
NEW = [SOUNDS / "metal" / "metal_01.ogg", SOUNDS / "water" / "water_00.ogg"]


def hiss(seed, level=0.001):
    return level * np.random.default_rng(seed).standard_normal(int(SECONDS * RATE)).astype(np.float32)


def in_hiss(path, start=START, seed=0, level=0.001):
    """Faint noise with the loudest stretch of a file in it: float32 (time,)."""
    sound, length = decode(path, RATE), int((END - START) * RATE)
    loudness = np.convolve(sound**2, np.ones(length), "valid")
    sound = sound[loudness.argmax() :][:length]
    clip, first = hiss(seed, level), int(start * RATE)
    clip[first : first + len(sound)] += 0.5 * sound / np.abs(sound).max()
    return clip


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A trained model of a kind, made when it is first asked for: it tells two sounds in hiss, and hiss alone."""
    root, models = tmp_path_factory.mktemp("taught"), {}
    for number in range(14):
        rng = np.random.default_rng(number)
        level = 10 ** rng.uniform(-4.5, -2.5)
        clips = {"quiet": hiss(200 + number, level)}
        for label in SOUNDING:
            path = sorted((SOUNDS.parent / "train" / label).glob("*.ogg"))[number]
            clips[label] = in_hiss(path, rng.uniform(0, SECONDS - (END - START)), 100 + number, level)
        for label, clip in clips.items():
            (root / "sounds" / label).mkdir(parents=True, exist_ok=True)
            soundfile.write(root / "sounds" / label / f"{label}_{number}.wav", clip, RATE)
    backbone = write_tiny_whisper(root / "tiny")

    def get(kind):
        if kind not in models:
            settings = {"num_epochs": 15, "clip_seconds": SECONDS, "leak_report": False, "allow_leaks": True}
            result = train_kind(kind, root / "sounds", backbone, root / kind, **settings)
            models[kind] = AudioClassifier.from_pretrained(result.output_dir)
        return models[kind]

    return get


@pytest.fixture(scope="module", params=["crnn", "boosting", "finetune", "ensemble"])
def classifier(request, taught):
    if request.param != "ensemble":
        return taught(request.param)
    return AudioClassifier.of(ensemble([taught("crnn"), taught("boosting")], [1, 1]), None)


def log_odds(classifier, waveform, label):
    score = float(classifier.predict_waveforms([waveform])[0, classifier.labels.index(label)])
    return np.log(max(score, 1e-6)) - np.log(max(1 - score, 1e-6))


def fall(classifier, clip, label, start, end):
    """How far the log-odds of a label fall where there is hiss instead."""
    other, (first, last) = clip.copy(), (max(0, round(start * RATE)), round(end * RATE))
    other[first:last] = hiss(7)[first:last]
    return log_odds(classifier, clip, label) - log_odds(classifier, other, label)


@pytest.mark.parametrize("path", NEW, ids=lambda path: path.stem)
def test_the_sound_decides_and_as_much_as_is_told(classifier, path):
    clip, label = in_hiss(path), path.parent.name
    found = classifier.explain(clip, label, sampling_rate=RATE)
    best = found.parts[0]
    assert min(best.end, END) > max(best.start, START), found
    assert found.removed_score < found.score
    told = fall(classifier, clip, label, best.start, best.end)
    assert best.weight / 2.5 < told < 2.5 * best.weight  # hiss in place of it is not quite what `explain` puts there
    assert abs(fall(classifier, clip, label, 0.1, 0.6)) < told  # hiss in place of hiss
