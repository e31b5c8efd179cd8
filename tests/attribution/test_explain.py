"""Which parts decided: what is put at a known place must be found there, whatever the kind of model."""

import numpy as np
import pytest
import soundfile

from audiocls import AudioClassifier
from audiocls.attribution.cells import change_edges
from audiocls.attribution.occlusion import Occluder
from audiocls.errors import UsageError
from tests.small_models import SOUNDS, small_model
from tests.tiny_trainings import train_kind, write_tiny_whisper

RATE = 16000


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """Short low tones, short high tones somewhere in noise, and noise alone."""
    root, rng = tmp_path_factory.mktemp("sounds"), np.random.default_rng(3)
    for label, hz in (("low", 300.0), ("high", 2500.0), ("none", None)):
        (root / label).mkdir()
        for clip in range(16):
            waveform, start = noise(2.0, seed=100 + clip + 50 * len(label)), rng.uniform(0, 1.5)
            if hz is not None:
                waveform = waveform + with_tone(hz + 11 * clip, start, start + 0.45) - noise(2.0)
            soundfile.write(root / label / f"{label}_{clip}.wav", waveform, RATE)
    return root


@pytest.fixture(scope="module", params=["forest", "cnn"])
def trained(request, sounds, tmp_path_factory):
    """Kinds that tell low tones from high ones."""
    settings = {"num_epochs": 10, "leak_report": False, "clip_seconds": 2.0, "allow_leaks": True}
    result = train_kind(request.param, sounds, sounds, tmp_path_factory.mktemp("runs") / "run", **settings)
    return AudioClassifier.from_pretrained(result.output_dir)


def noise(seconds, seed=0):
    return 0.01 * np.random.default_rng(seed).standard_normal(int(seconds * RATE)).astype(np.float32)


def with_tone(hz, start, end, seconds=2.0):
    """A tone from `start` to `end` in noise, all float32."""
    waveform = noise(seconds)
    time = np.arange(len(waveform)) / RATE
    return waveform + np.float32(0.3) * np.where(
        (time >= start) & (time < end), np.sin(2 * np.pi * hz * time), 0
    ).astype(np.float32)


def shared(part, start, end):
    """Share of a part that lies within a stretch."""
    return max(0.0, min(part.end, end) - max(part.start, start)) / (part.end - part.start)


def test_a_tone_is_found_where_it_is(trained):
    for hz, label in ((310.0, "low"), (2520.0, "high")):
        found = trained.explain(with_tone(hz, 0.9, 1.3), label, sampling_rate=RATE)
        best = found.parts[0]
        assert shared(best, 0.85, 1.35) > 0.9, (label, found)
        assert best.strength == 1.0
        assert found.label == label
        if best.low_hz is not None:
            assert best.low_hz < hz < best.high_hz
        assert found.removed_score < found.score - 0.1  # deletion
        assert found.kept_score > found.removed_score  # and the parts alone
        assert found.whole
        assert found.replaced_by == "background"


def test_of_two_tones_only_the_one_that_speaks_for_the_label(trained):
    both = with_tone(300.0, 0.3, 0.7) + with_tone(2510.0, 1.3, 1.7) - noise(2.0)
    for label, (start, end) in {"low": (0.25, 0.75), "high": (1.25, 1.75)}.items():
        assert shared(trained.explain(both, label, sampling_rate=RATE).parts[0], start, end) > 0.8, label


def test_the_same_sound_gives_the_same_explanation(trained):
    sound = with_tone(310.0, 0.5, 1.0)
    first = trained.explain(sound, sampling_rate=RATE)
    assert first == trained.explain(sound.copy(), sampling_rate=RATE)
    assert first.evaluations <= 40


def test_silence_around_a_sound_does_not_move_what_is_found(trained):
    sound = with_tone(310.0, 0.9, 1.3)
    plain = trained.explain(sound, "low", sampling_rate=RATE).parts[0]
    padded = np.concatenate([sound, np.zeros(RATE, np.float32)])
    behind = trained.explain(padded, "low", sampling_rate=RATE).parts[0]
    assert behind.start == pytest.approx(plain.start, abs=0.05)
    assert behind.end == pytest.approx(plain.end, abs=0.05)


def test_a_steady_sound_is_explained_against_silence(trained):
    time = np.arange(int(1.5 * RATE)) / RATE
    found = trained.explain((0.3 * np.sin(2 * np.pi * 310 * time)).astype(np.float32), "low", sampling_rate=RATE)
    assert found.replaced_by == "silence"


def test_of_a_long_sound_the_most_decisive_stretch(trained):
    found = trained.explain(with_tone(310.0, 21.0, 22.0, seconds=30.0), "low", sampling_rate=RATE)
    assert not found.whole
    assert found.start <= 21 < found.end
    assert found.end - found.start <= 10.01
    assert shared(found.parts[0], 20.9, 22.1) > 0.8


@pytest.mark.parametrize("sound", [np.zeros(8000), np.zeros(1), np.ones(8000), np.full(50, 0.1), np.eye(1, 4000)[0]])
def test_nothing_breaks_on_odd_sounds(trained, sound):
    found = trained.explain(sound.astype(np.float32), sampling_rate=RATE)
    numbers = [found.score, found.kept_score, found.removed_score]
    numbers += [value for part in found.parts for value in (part.start, part.end, part.weight, part.strength)]
    assert np.isfinite(numbers).all()
    assert all(0 <= part.start < part.end <= found.end + 1e-9 for part in found.parts)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """A model of transformers as it is found on the Hub."""
    labels = ["bell", "clap", "rain"]
    folder = write_tiny_whisper(
        tmp_path_factory.mktemp("whisper") / "tiny",
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
    )
    return AudioClassifier.from_pretrained(folder)


def test_models_of_others_and_several_labels_a_clip(foreign):
    several = AudioClassifier.of(small_model(problem_type="multi_label_classification"), None)
    for classifier in (foreign, several):
        found = classifier.explain(sorted((SOUNDS / "drum").glob("*.ogg"))[0])
        assert found.label in classifier.labels
        assert np.isfinite([found.score, found.kept_score, found.removed_score]).all()
        assert found.score == pytest.approx(
            dict(zip(classifier.labels, classifier.answers(sorted((SOUNDS / "drum").glob("*.ogg"))[0])[0].scores,
                     strict=True))[found.label], abs=1e-4)  # fmt: skip


def test_an_unknown_label_is_told(foreign):
    with pytest.raises(UsageError, match="label is 'dragon'"):
        foreign.explain(noise(1.0), "dragon", sampling_rate=RATE)


def test_cuts_lie_where_a_sequence_changes():
    values = np.repeat([[0.0, 5.0, 1.0]], [30, 10, 20], axis=1)
    assert change_edges(values, 3) == [0, 30, 40, 60]
    assert change_edges(values, 10) == [0, 30, 40, 60]  # nothing else changes
    assert change_edges(values, 1) == [0, 60]
    assert change_edges(np.zeros((2, 5)), 3) == [0, 5]


def test_what_is_taken_out_is_gone_and_the_rest_stays():
    sound = with_tone(2500.0, 0.9, 1.3)
    occluder = Occluder(sound, RATE)
    hop = occluder.hop_seconds
    without = occluder.without(occluder.mask(round(0.85 / hop), round(1.35 / hop)))
    inside, before = slice(int(0.95 * RATE), int(1.25 * RATE)), slice(0, int(0.8 * RATE))
    assert np.abs(without[before] - sound[before]).max() < 1e-6
    assert np.std(without[inside]) < 2 * np.std(sound[before])  # like the background
    assert np.abs(np.diff(without)).max() < np.abs(np.diff(sound)).max()  # no clicks
    other_band = occluder.without(occluder.mask(round(0.85 / hop), round(1.35 / hop), 4000.0, 8000.0))
    assert np.std(other_band[inside]) > 0.9 * np.std(sound[inside])
