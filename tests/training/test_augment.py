"""Augmentations do what their names say, in decibels and hertz, and do not depend on the rest of the batch."""

import numpy as np
import pytest
import torch

from audiocls.config import TrainConfig
from audiocls.training.augment import (
    EQUALISER_KNOTS,
    FREQUENCY_MASK_SHARE,
    TIME_MASK_SHARE,
    Augmentation,
    augment_waveforms,
    draw,
    mask_features,
    mix_pairs,
)
from audiocls.training.batches import clip_generator
from audiocls.training.waveforms import pad_waveforms

RATE, WINDOW = 16000, 32000


def tone(hertz, seconds=1.0):
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE).astype(np.float32)


def treat(waveform, **values):
    drawn = Augmentation(start=0, take=len(waveform), **values)
    return augment_waveforms(pad_waveforms([waveform]), [drawn], RATE, WINDOW, WINDOW)


def peak_hertz(samples):
    spectrum = torch.fft.rfft(samples * torch.hann_window(len(samples)))
    return float(spectrum.abs().argmax()) * RATE / len(samples)


@pytest.mark.parametrize("speed", [0.8, 1.0, 1.25])
def test_speed_moves_pitch_and_length(speed):
    treated = treat(tone(400), speed=speed)
    assert int(treated.lengths[0]) == pytest.approx(RATE / speed, abs=1)
    assert peak_hertz(treated.samples[0]) == pytest.approx(400 * speed, abs=2)


def test_shift_puts_silence_first_and_keeps_the_sound():
    treated = treat(tone(400), shift=1000)
    assert treated.samples[0, :1000].abs().max() == 0
    assert torch.allclose(treated.samples[0, 1000:17000], torch.from_numpy(tone(400)), atol=1e-6)
    assert int(treated.lengths[0]) == 17000


def test_the_measured_snr_is_the_requested_one():
    clean = tone(1000)
    for snr_db in (0.0, 10.0, 30.0):
        noise = treat(clean, snr_db=snr_db, noise_tilt_db=-6.0, seed=3).samples[0, :RATE] - torch.from_numpy(clean)
        measured = 10 * np.log10(float((torch.from_numpy(clean) ** 2).mean() / (noise**2).mean()))
        assert measured == pytest.approx(snr_db, abs=0.01)


def test_the_equaliser_gives_each_knot_its_gain():
    gains = np.zeros(EQUALISER_KNOTS, dtype=np.float32)
    gains[-1] = 12.0  # at half the sampling rate
    low, high = treat(tone(100), equaliser_db=gains), treat(tone(7600), equaliser_db=gains)
    middle = slice(4000, 12000)  # away from the filter's edges
    assert 20 * np.log10(float(low.samples[0, middle].abs().max())) == pytest.approx(0, abs=0.1)
    assert 20 * np.log10(float(high.samples[0, middle].abs().max())) == pytest.approx(12, abs=0.7)


def test_a_clip_is_treated_the_same_alone_and_in_a_batch():
    config = TrainConfig()
    clips = [tone(300, 0.3), tone(500, 1.9), tone(700, 0.01)]
    draws = [draw(config, len(clip), WINDOW, clip_generator(1, 2, k)) for k, clip in enumerate(clips)]
    parts = [clip[d.start : d.start + d.take] for clip, d in zip(clips, draws, strict=True)]
    together = augment_waveforms(pad_waveforms(parts), draws, RATE, WINDOW, WINDOW)
    for k, part in enumerate(parts):
        alone = augment_waveforms(pad_waveforms([part]), draws[k : k + 1], RATE, WINDOW, WINDOW)
        length = int(alone.lengths[0])
        assert int(together.lengths[k]) == length
        assert torch.allclose(together.samples[k], alone.samples[0], atol=1e-5)
        assert together.samples[k, length:].abs().sum() == 0


def test_masks_cover_no_more_than_their_share_and_only_valid_frames_matter():
    features, mask = torch.ones(50, 1, 64, 100), torch.ones(50, 100, dtype=torch.bool)
    draws = [draw(TrainConfig(), RATE, WINDOW, clip_generator(0, 0, k)) for k in range(50)]
    masked = mask_features(features, mask, draws)
    bands = (masked[:, 0].sum(2) == 0).float().mean(1)
    frames = (masked[:, 0].sum(1) == 0).float().mean(1)
    assert bands.max() <= 2 * (FREQUENCY_MASK_SHARE + 1 / 64)
    assert frames.max() <= 2 * (TIME_MASK_SHARE + 1 / 100)
    assert bands.mean() > 0.05
    assert frames.mean() > 0.05


def test_mixup_is_the_weighted_sum_of_partners():
    draws = [Augmentation(0, 1, mix_share=0.75), Augmentation(0, 1), Augmentation(0, 1, mix_share=0.5)]
    mixed = mix_pairs(torch.tensor([[4.0], [8.0], [1.0]]), draws, [1, 0, 2])
    assert mixed.flatten().tolist() == [5.0, 8.0, 1.0]
