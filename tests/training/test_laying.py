"""Clips in backgrounds while a network trains: the asked ratio and any place, the same again after a resume."""

import numpy as np
import pytest
import torch
from accelerate import Accelerator

from audiocls.config import TrainConfig
from audiocls.data.backgrounds import Backgrounds, load_backgrounds
from audiocls.data.dataset import load_audio_data
from audiocls.data.mixtures import laid_into, snr
from audiocls.errors import UsageError
from audiocls.training.augment import Augmentation, augment_waveforms, draw, longest_treated
from audiocls.training.batches import clip_generator, load_batch, nothing_targets, soft_targets
from audiocls.training.factory import build_model
from audiocls.training.fit import Fit
from audiocls.training.laying import lay_into
from audiocls.training.losses import Loss
from audiocls.training.network import NetworkTrainee
from audiocls.training.waveforms import pad_waveforms

RATE = 16000
WINDOW = 16000
QUICK = {"clip_seconds": 1.0, "num_epochs": 3, "batch_size": 8, "num_workers": 1, "noise_snr_db": (0.0, 10.0)}


@pytest.fixture(scope="module")
def audio(everyday_sounds):
    return load_audio_data(str(everyday_sounds), TrainConfig(num_workers=1))


def white(length, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, length).astype(np.float32)


@pytest.mark.parametrize("snr_db", [-3.0, 8.0])
def test_a_laid_clip_has_its_ratio_and_fills_its_window(audio, snr_db):
    clips = [np.array(audio.train.waveform(index)[:9000]) for index in (0, 40, 80)]
    draws = [Augmentation(0, len(c), shift=3200, window=15000, background_snr_db=snr_db) for c in clips]
    placed = augment_waveforms(pad_waveforms(clips), draws, RATE, WINDOW, WINDOW)
    behind = torch.from_numpy(np.stack([white(WINDOW, seed) for seed in range(3)]))
    laid = lay_into(placed, draws, behind, RATE)
    assert laid.lengths.tolist() == [15000] * 3
    for row, clip in enumerate(clips):
        mixed = laid.samples[row].numpy()
        noise = mixed.copy()
        noise[3200 : 3200 + len(clip)] -= clip
        assert snr(clip, noise[3200 : 3200 + len(clip)], RATE) == pytest.approx(snr_db, abs=0.3)
        assert not mixed[15000:].any()
        expected = laid_into(clip, behind[row, :15000].numpy(), 3200, snr_db, RATE)
        assert np.corrcoef(mixed[:15000], expected)[0, 1] > 0.999


def test_only_clips_drawn_to_lie_in_background_change():
    draws = [Augmentation(0, 8000), Augmentation(0, 8000, window=12000, background_snr_db=0.0)]
    clips = pad_waveforms([white(8000, 1), white(8000, 2)])
    placed = augment_waveforms(clips, draws, RATE, WINDOW, WINDOW)
    laid = lay_into(placed, draws, torch.from_numpy(np.stack([white(WINDOW)] * 2)), RATE)
    assert torch.equal(laid.samples[0], placed.samples[0])
    assert laid.lengths.tolist() == [8000, 12000]
    assert lay_into(placed, draws[:1] * 2, None, RATE) is placed


def test_silence_does_not_blow_the_background_up():
    draws = [Augmentation(0, 8000, window=WINDOW, background_snr_db=0.0)]
    placed = augment_waveforms(pad_waveforms([np.zeros(8000, np.float32)]), draws, RATE, WINDOW, WINDOW)
    laid = lay_into(placed, draws, torch.from_numpy(white(WINDOW))[None], RATE)
    assert torch.equal(laid.samples[0], torch.from_numpy(white(WINDOW)))


def test_draws_fit_the_window_and_leave_enough_clips_clean():
    config = TrainConfig(**QUICK)
    draws = [draw(config, 8000, WINDOW, clip_generator(0, epoch, 3)) for epoch in range(400)]
    laid = [d for d in draws if d.background_snr_db is not None]
    assert 0.3 < len(laid) / len(draws) < 0.7
    assert all(d.start + d.take <= 8000 and d.shift + d.samples <= d.window + 1 <= WINDOW + 1 for d in laid)
    assert all(0 <= d.background_snr_db <= 10 for d in laid)
    assert all(d.snr_db is None for d in laid)
    assert longest_treated(config, 100, WINDOW) == WINDOW


def test_without_noise_the_draws_are_what_they_were():
    plain = draw(TrainConfig(), 8000, WINDOW, clip_generator(0, 0, 0))
    assert plain.background_snr_db is None
    assert plain.window == 0


def test_a_clip_gets_the_same_background_in_any_batch(audio):
    config = TrainConfig(**QUICK)
    found = load_backgrounds(config, audio)
    targets = soft_targets(audio.train, len(audio.labels))

    def batch(indices):
        return load_batch(audio.train, targets, np.array(indices), 2, config, WINDOW, found)

    many = batch(range(12))
    assert many.backgrounds is not None
    laid = [row for row, drawn in enumerate(many.draws) if drawn.window]
    assert 2 < len(laid) < 12
    for row in laid:
        alone = batch([row])
        assert torch.equal(alone.backgrounds[0], many.backgrounds[row])
    clean = [row for row in range(12) if row not in laid]
    assert not many.backgrounds[clean].any()


def test_windows_of_background_alone_are_equally_little_of_each_class_and_no_clips(audio):
    config = TrainConfig(**QUICK)
    count, num_labels = len(audio.train), len(audio.labels)
    targets = np.concatenate([soft_targets(audio.train, num_labels), nothing_targets(3, num_labels, False)])
    found = load_backgrounds(config, audio)
    batch = load_batch(audio.train, targets, np.array([0, count, count + 2]), 0, config, WINDOW, found)
    assert batch.is_clip.tolist() == [True, False, False]
    assert torch.allclose(batch.targets[1:], torch.tensor(1 / num_labels))
    assert all(drawn.window == 0 for drawn in batch.draws[1:])
    assert batch.waveforms.samples[1].std() > 0
    assert not torch.equal(batch.waveforms.samples[1], batch.waveforms.samples[2])
    assert nothing_targets(2, 3, True).tolist() == [[0, 0, 0]] * 2
    fit = make_fit(audio, found)
    assert len(fit.targets) > len(fit.train)
    assert len(make_fit(audio, None, noise_snr_db=None).targets) == len(fit.train)


def make_fit(audio, backgrounds, checkpoint=None, on_epoch=None, **settings):
    config = TrainConfig(**{**QUICK, **settings})
    some = audio.train.subset(range(0, len(audio.train), 8))
    loss = Loss(config, audio.multi_label, np.ones(len(audio.labels), np.float32))
    trainee = NetworkTrainee(build_model(config, audio))
    return Fit(
        trainee, some, some.subset([]), config, loss, Accelerator(cpu=True), checkpoint, False, on_epoch, backgrounds
    )


def test_a_resumed_run_in_noise_ends_as_an_uninterrupted_one(audio, tmp_path):
    class Stop(Exception):
        pass

    def stop(row):
        if row["epoch"] == 1:
            raise Stop

    found, checkpoint = load_backgrounds(TrainConfig(), audio), tmp_path / "checkpoint.safetensors"
    straight = make_fit(audio, found).run()
    with pytest.raises(Stop):
        make_fit(audio, found, checkpoint, stop).run()
    resumed = make_fit(audio, load_backgrounds(TrainConfig(), audio), checkpoint)
    resumed.resume()
    assert resumed.progress.epoch == 1
    ended = resumed.run().state_dict()
    assert all(torch.equal(value, ended[name]) for name, value in straight.state_dict().items())
    clean = make_fit(audio, None, noise_snr_db=None).run().state_dict()
    assert not all(torch.equal(value, ended[name]) for name, value in clean.items())

    other = make_fit(audio, Backgrounds([white(RATE)], found.noise, "other"), checkpoint)
    with pytest.raises(UsageError, match="backgrounds"):
        other.resume()
