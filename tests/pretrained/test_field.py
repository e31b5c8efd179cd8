"""Probes and fine-tuning for the field: copies in noise are heard once, backgrounds are no class, runs repeat."""

import numpy as np
import pytest
import torch

from audiocls.config import TrainConfig
from audiocls.data import feature_cache
from audiocls.data.field import in_the_field
from audiocls.finishing.finish import finish
from audiocls.inference.classifier import AudioClassifier
from audiocls.kinds import fit_kind
from audiocls.pretrained.linear import Rows, fit_linear

NOISE = {"noise_snr_db": (-5.0, 15.0), "noisy_copies": 2}


def settings(backbone, kind="probe", **changes):
    return TrainConfig(model=f"{kind}:{backbone}", validation_size=0, clip_seconds=1.0, num_workers=1, **changes)


def test_a_probe_learns_from_copies_and_is_calibrated_on_them(backbones, tones, run):
    config = settings(backbones["whisper"], **NOISE)
    fitted = fit_kind(config, tones, run)
    assert len(fitted.held_out.scores) == 3 * len(tones.train)
    assert fitted.held_out.groups == in_the_field(config, tones).train.groups
    record = finish(fitted, tones, config, run)
    assert record["calibration"]["clips"] == 3 * len(tones.train)
    assert record["rejection"]["negatives"] >= 10


def test_backgrounds_alone_get_flatter_scores(backbones, tones, run):
    config = settings(backbones["whisper"], **NOISE)
    heard = in_the_field(config, tones)
    waveforms = [heard.negatives.waveform(index) for index in range(len(heard.negatives))]
    surest = []
    for chosen in (config, settings(backbones["whisper"])):
        fitted = fit_kind(chosen, tones, run)
        surest.append(AudioClassifier.of(fitted.model, fitted.extractor).predict_waveforms(waveforms).max(1).mean())
    assert surest[0] < surest[1] - 0.1


def test_a_second_run_hears_no_copy_again(backbones, tones, run, monkeypatch):
    config = settings(backbones["wav2vec2"], **NOISE)
    first = fit_kind(config, tones, run)

    def never(clips, key, compute):
        return feature_cache.cached_features(clips, key, lambda missing: pytest.fail(f"{len(missing)} heard again"))

    monkeypatch.setattr("audiocls.pretrained.features.cached_features", never)
    again = fit_kind(config, tones, run)
    assert torch.equal(first.model.classifier.weight, again.model.classifier.weight)


@pytest.mark.parametrize("several", [False, True])
def test_rows_of_no_class_pull_a_solution_to_not_knowing(several):
    rng = np.random.default_rng(0)
    classes = np.arange(60) % 3
    features = (rng.normal(0, 0.3, (60, 5)) + np.eye(5)[classes] * 3).astype(np.float32)
    targets = np.eye(3, dtype=np.float32)[classes] if several else classes
    rows = Rows(features, np.arange(60), targets, np.ones(60))
    odd = (rng.normal(0, 0.3, (20, 5)) + np.eye(5)[0] * 3 + np.eye(5)[4] * 3).astype(np.float32)
    taught = rows.and_nothing(odd, 3)
    assert taught.clip_weights.sum() == pytest.approx(80)

    def best(linear):
        return linear.clip_scores(Rows(odd, np.arange(20), np.zeros_like(targets[:20]), np.ones(20))).max(1).mean()

    before, after = (best(fit_linear(some, 3, [0.01])[0]) for some in (rows, taught))
    assert after < before - 0.3
    assert after < (0.25 if several else 0.55)


def test_fine_tuning_goes_on_in_noise_from_a_probe_that_heard_it(backbones, tones, run):
    config = settings(backbones["wav2vec2"], "finetune", num_epochs=1, batch_size=8, **NOISE)
    one, other = (fit_kind(config, tones, run) for _ in range(2))
    assert np.isfinite(one.history[0]["train_loss"])
    assert all(torch.equal(a, b) for a, b in zip(one.model.parameters(), other.model.parameters(), strict=True))
    clean = fit_kind(config.replaced(noise_snr_db=None), tones, run)
    assert one.history[0]["train_loss"] != clean.history[0]["train_loss"]
