"""Pitch must follow what is sung, whoever sings, and know when nobody does."""

import math

import pytest
import torch

from tests.models.feature_layers import RATE, layer


def sung(hz: torch.Tensor, rate: int = RATE) -> torch.Tensor:
    """A voice-like sound (harmonics that fall by 6 dB an octave) whose pitch is `hz` (time,); (1, time)."""
    phase = 2 * torch.pi * torch.cumsum(hz.double() / rate, 0)
    return sum(torch.sin(k * phase) / k for k in range(1, 8)).float()[None] * 0.1


def glide(first_hz: float, last_hz: float, seconds: float = 1.0, rate: int = RATE) -> torch.Tensor:
    return sung(first_hz * (last_hz / first_hz) ** torch.linspace(0, 1, round(seconds * rate)), rate)


def noise(seed: int, samples: int) -> torch.Tensor:
    return torch.randn(1, samples, generator=torch.Generator().manual_seed(seed)) * 0.1


def pitch(waveform: torch.Tensor, **changes) -> tuple[torch.Tensor, torch.Tensor]:
    """Semitones and periodicity, (frames,) each, of one clip."""
    found = layer(features="pitch", **changes)(waveform)[0][0, 0]
    return found[0], found[1]


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("first_hz", [90.0, 220.0])
def test_an_octave_up_is_twelve_semitones(first_hz, rate):
    semitones, periodicity = pitch(
        glide(first_hz, 2 * first_hz, rate=rate), sampling_rate=rate, n_fft=1024, hop_length=rate // 100
    )
    inner = semitones[5:-5]
    expected = 12 * torch.linspace(0, 1, len(semitones))[5:-5]
    torch.testing.assert_close(inner - inner.mean(), expected - expected.mean(), atol=0.4, rtol=0)
    assert periodicity[5:-5].min() > 0.8


@pytest.mark.parametrize("hz", [70.0, 110.0, 220.0, 480.0])
def test_a_steady_voice_is_level_whatever_its_register(hz):
    semitones, periodicity = pitch(sung(torch.full((RATE,), hz)))
    assert semitones[2:-2].abs().max() < 0.1
    assert periodicity[2:-2].min() > 0.9


def test_the_same_melody_is_the_same_for_low_and_high_voices():
    low, high = pitch(glide(100, 150))[0], pitch(glide(220, 330))[0]
    torch.testing.assert_close(low[5:-5], high[5:-5], atol=0.3, rtol=0)


def test_noise_and_silence_are_not_voiced():
    voice = pitch(sung(torch.full((RATE,), 200.0)))[1]
    hiss = pitch(noise(0, RATE))[1]
    assert hiss.mean() < 0.4 < 0.9 < voice.mean()
    semitones, periodicity = pitch(torch.zeros(1, RATE))
    assert (semitones == 0).all()
    assert (periodicity == 0).all()


def test_a_voice_in_noise_is_followed_without_jumps():
    semitones, _ = pitch(glide(200, 100) + noise(1, RATE) * 0.5)
    inner = semitones[5:-5]
    assert inner.diff().abs().max() < 2
    assert float(inner[:3].mean() - inner[-3:].mean()) == pytest.approx(12 * (len(inner) - 3) / 63, abs=1)


def test_what_lies_between_voiced_parts_is_bridged():
    quiet = torch.zeros(1, RATE // 2)
    semitones, periodicity = pitch(torch.cat([quiet, sung(torch.full((RATE // 2,), 100.0)), quiet], 1))
    assert (periodicity[:25] == 0).all()
    assert semitones.abs().max() < 0.3
    parts = [sung(torch.full((RATE // 2,), hz)) for hz in (100.0, 200.0)]
    steps = pitch(torch.cat([parts[0], quiet, parts[1]], 1))[0]
    assert float(steps[-10] - steps[10]) == pytest.approx(12, abs=0.1)
    assert (steps[34:60].diff() > 0).all()  # a straight line upwards through the pause


@pytest.mark.parametrize("garbage", [0.0, 1.0, math.nan])
def test_padding_and_company_change_nothing(garbage):
    features = layer(features="pitch")
    clips = [glide(200, 300, 0.7), noise(2, 3000), sung(torch.full((9000,), 90.0)), torch.zeros(1, 40)]
    longest = max(clip.shape[1] for clip in clips) + 5000
    batch = torch.full((len(clips), longest), garbage)
    for row, clip in zip(batch, clips, strict=True):
        row[: clip.shape[1]] = clip[0]
    found, mask = features(batch, torch.tensor([clip.shape[1] for clip in clips]))
    for row, valid, clip in zip(found[:, 0], mask, clips, strict=True):
        alone = features(clip)[0][0, 0]
        torch.testing.assert_close(row[:, valid], alone, atol=1e-3, rtol=0)
        assert (row[:, ~valid] == 0).all()


@pytest.mark.parametrize("time", [0, 1, 255, 256, 700])
def test_clips_shorter_than_a_frame(time):
    found, mask = layer(features="pitch")(noise(0, 2 * time).reshape(2, time))
    assert found.shape == (2, 1, 2, 1 + time // 256)
    assert found.isfinite().all()
    assert mask.all()


def test_it_stands_among_other_features_where_it_is_named():
    clip = glide(100, 200)
    stacked = layer(features="spectral_contrast+pitch+mfcc")(clip)[0]
    alone = [layer(features=name)(clip)[0] for name in ("spectral_contrast", "pitch", "mfcc")]
    torch.testing.assert_close(stacked, torch.cat(alone, 2))
    image = layer(features="pitch+log_mel", image_size=[32, 32])
    assert image(clip)[0].shape == (1, 1, 32, 32)


def test_it_has_no_state_and_is_built_on_the_meta_device():
    with torch.device("meta"):
        features = layer(features="pitch")
    assert not features.state_dict()
    clip = glide(100, 200)
    assert torch.equal(features(clip)[0], layer(features="pitch")(clip)[0])
    with torch.inference_mode():
        features(clip)
    waveform = clip.clone().requires_grad_()
    features(waveform)[0].sum().backward()
    assert waveform.grad is not None
    assert waveform.grad.isfinite().all()


def test_too_low_a_rate_is_refused():
    with pytest.raises(ValueError, match="sampling_rate is 900; pitch needs at least 1000 Hz"):
        layer(features="pitch", sampling_rate=900, n_fft=64, n_mels=4)
