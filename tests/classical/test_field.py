"""Trees trained for the field: better in noise, as good without, and nothing is computed twice."""

import dataclasses

import numpy as np
import pytest
from accelerate import Accelerator

from audiocls.classical import fit as fitting
from audiocls.classical import samples
from audiocls.classical.fit import inner_folds
from audiocls.classical.samples import collect
from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data
from audiocls.data.field import in_the_field
from audiocls.data.mixtures import laid_into
from audiocls.data.noise import Noise
from audiocls.finishing.finish import finish
from audiocls.inference.classifier import AudioClassifier
from audiocls.kinds import fit_kind
from audiocls.models.configuration_audiocls import AudioClsConfig
from audiocls.models.modeling_audiocls import AudioClsForAudioClassification
from audiocls.training.run import Run

RATE = 16000
SETTINGS = {"model": "forest", "features": "mfcc", "clip_seconds": 1.0, "num_workers": 1}


@pytest.fixture(scope="module")
def audio(everyday_sounds):
    found = load_audio_data(str(everyday_sounds), TrainConfig(num_workers=1, validation_size=0.0))
    return dataclasses.replace(found, train=found.train.subset(range(0, len(found.train), 2)))


@pytest.fixture(scope="module", autouse=True)
def _fewer_trees():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "COUNTS", {"forest": [20], "boosting": [5]})
        yield


def trained(audio, **settings):
    config = TrainConfig(**SETTINGS, **settings)
    run = Run(Accelerator(cpu=True))
    fitted = fit_kind(config, audio, run)
    record = finish(fitted, audio, config, run)
    return AudioClassifier.of(fitted.model, fitted.extractor), fitted, record


@pytest.fixture(scope="module")
def both(audio):
    return trained(audio), trained(audio, noise_snr_db=(0.0, 15.0), noisy_copies=1)


def in_hiss(clips, snr_db):
    """Clips in white noise, which is flatter than any noise of training."""
    rng = np.random.default_rng(5)
    noises = [rng.normal(0, 0.1, 2 * RATE).astype(np.float32) for _ in range(len(clips))]
    return [laid_into(clips.waveform(k)[:RATE], noise, 4000, snr_db, RATE) for k, noise in enumerate(noises)]


def accuracy(classifier, waveforms, targets):
    return np.mean(classifier.predict_waveforms(waveforms).argmax(1) == targets)


def test_a_forest_trained_in_noise_beats_a_clean_one_there_and_keeps_up_elsewhere(audio, both):
    (clean, _, _), (field, _, _) = both
    targets = audio.test.targets
    noisy = in_hiss(audio.test, 8.0)
    assert accuracy(field, noisy, targets) > accuracy(clean, noisy, targets) + 0.1
    plain = [audio.test.waveform(index) for index in range(len(audio.test))]
    assert accuracy(field, plain, targets) > accuracy(clean, plain, targets) - 0.08


def test_it_is_calibrated_on_clean_and_noisy_clips_that_were_not_learnt(audio, both):
    _, (_, fitted, record) = both
    count = len(audio.train)
    assert fitted.held_out.scores.shape == (2 * count, len(audio.labels))
    assert fitted.held_out.targets.tolist() == audio.train.targets.tolist() * 2
    right = fitted.held_out.scores.argmax(1) == fitted.held_out.targets
    assert right[:count].mean() > right[count:].mean() > 0.4
    assert record["calibration"]["clips"] == 2 * count
    assert "head" in record["rejection"]["score"]  # backgrounds alone are its negatives


def test_background_alone_is_told_from_clips_in_it_better_than_without(audio, both):
    noise, rng = Noise(RATE, np.zeros((0, 257), np.float32)), np.random.default_rng(0)
    backgrounds = [noise.draw(RATE, rng) for _ in range(40)]
    mixed = [
        laid_into(audio.test.waveform(k)[: RATE // 2], noise.draw(RATE, rng), 0, 10.0, RATE) for k in range(0, 70, 2)
    ]
    found = []
    for classifier, _, _ in both:
        (_, alone), (_, clips) = (classifier.listener.hear(waveforms, 16) for waveforms in (backgrounds, mixed))
        found.append(np.mean(clips[:, None] > alone))
    assert found[1] > found[0] + 0.15


def test_folds_keep_a_clip_and_its_copies_together(audio):
    config = TrainConfig(**SETTINGS, noise_snr_db=(0.0, 15.0))
    heard = in_the_field(config, audio).train
    bare = AudioClsForAudioClassification(AudioClsConfig(**fitting.model_settings(config, audio)))
    found = collect(bare, heard, len(audio.labels))
    count = len(audio.train)
    assert found.groups[:count].tolist() == found.groups[2 * count :].tolist()
    for train, held in inner_folds(found, 42):
        assert not set(found.groups[train]) & set(found.groups[held])
        assert not set(train % count) & set(held % count)


def test_a_second_run_finds_all_features_in_the_cache(audio, both, monkeypatch):
    (_, (_, fitted, _)) = both
    monkeypatch.setattr(samples, "compute", None)
    again = fit_kind(
        TrainConfig(**SETTINGS, noise_snr_db=(0.0, 15.0), noisy_copies=1), audio, Run(Accelerator(cpu=True))
    )
    assert np.array_equal(again.held_out.scores, fitted.held_out.scores)
    with pytest.raises(TypeError):  # other copies are others
        fit_kind(TrainConfig(**SETTINGS, noise_snr_db=(0.0, 16.0), noisy_copies=1), audio, Run(Accelerator(cpu=True)))
