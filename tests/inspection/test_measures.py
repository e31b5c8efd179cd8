import re
import subprocess

import numpy as np
import pytest
import soundfile
import soxr

from audiocls.inspection import measures
from audiocls.inspection.measures import count_clipped, measure


@pytest.fixture(scope="module")
def real(everyday_sounds):
    """Ten seconds of real sounds at 16 kHz: music, speech, water."""
    names = ["music/music_01", "speech/speech_08", "water/water_01", "music/music_04"]
    parts = [soundfile.read(everyday_sounds / "train" / f"{name}.ogg", dtype="float32")[0] for name in names]
    return np.concatenate(parts)[: 10 * 16000]


def measured(path, samples, rate=16000, subtype="PCM_16"):
    soundfile.write(path, samples, rate, subtype)
    return measure(str(path))


def test_loudness_agrees_with_ffmpegs(tmp_path, real):
    samples = soxr.resample(real, 16000, 48000)
    samples[: 3 * 48000] *= 0.003  # to be left out by the gates
    ours = measured(tmp_path / "x.wav", samples, 48000, "FLOAT").loudness
    command = ["ffmpeg", "-hide_banner", "-nostats", "-i", tmp_path / "x.wav", "-af", "ebur128", "-f", "null", "-"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert ours == pytest.approx(float(re.findall(r"I:\s+(-?[\d.]+) LUFS", told)[-1]), abs=0.15)


def test_levels_follow_the_gain(tmp_path, real):
    loud = measured(tmp_path / "loud.wav", real, subtype="FLOAT")
    soft = measured(tmp_path / "soft.wav", real / 4, subtype="FLOAT")
    for name in ("loudness", "rms", "peak", "background"):
        assert getattr(loud, name) - getattr(soft, name) == pytest.approx(20 * np.log10(4), abs=0.05)
    assert loud.bandwidth == soft.bandwidth


def test_a_long_file_measures_as_its_blocks_together(tmp_path, real, monkeypatch):
    whole = measured(tmp_path / "x.wav", real)
    monkeypatch.setattr("audiocls.audio.native_blocks.BLOCK_FRAMES", 7001)
    pieces = measure(str(tmp_path / "x.wav"))
    for name in ("loudness", "rms", "peak", "background", "silence", "leading", "trailing", "bandwidth", "seconds"):
        assert getattr(pieces, name) == pytest.approx(getattr(whole, name), rel=0.01, abs=0.02), name


def test_silence_around_and_within_is_found(tmp_path, real):
    sound = 0.5 * real[: 2 * 16000] / np.abs(real).max() + 0.05 * np.sin(np.arange(2 * 16000) * 0.3)
    samples = np.concatenate([np.zeros(8000), sound, np.zeros(16000), sound, np.zeros(4000)])
    found = measured(tmp_path / "x.wav", samples)
    assert found.leading == pytest.approx(0.5, abs=0.03)
    assert found.trailing == pytest.approx(0.25, abs=0.03)
    assert found.silence == pytest.approx(1.75 / 5.75, abs=0.02)


@pytest.mark.parametrize("gain", [1.5, 3.0])
def test_clipped_tops_are_counted(tmp_path, real, gain):
    samples = gain * real / np.abs(real).max()
    found = measured(tmp_path / "x.wav", np.clip(samples, -0.8, 0.8))
    expected = np.count_nonzero(np.abs(samples) >= 0.8)
    assert 0.6 * expected < found.clipped <= 1.05 * expected


def test_real_sounds_and_slow_waves_are_not_clipped(tmp_path, everyday_sounds):
    for path in sorted((everyday_sounds / "train" / "speech").glob("*.ogg"))[:20]:
        assert measure(str(path)).clipped < 5
    for hz in (20, 50, 440):
        wave = np.sin(2 * np.pi * hz * np.arange(44100) / 44100)
        assert measured(tmp_path / "x.wav", 0.999 * wave, 44100).clipped == 0
        assert measured(tmp_path / "x.wav", 0.3 * wave, 44100).clipped == 0
    assert count_clipped(np.array([0.5, 1.2, -1.1, 0.2], np.float32), 1.2) == 2  # beyond full scale


@pytest.mark.parametrize(("low", "high"), [(8000, 16000), (8000, 44100), (11025, 44100), (16000, 44100)])
def test_upsampled_sound_is_found_with_its_first_rate(tmp_path, real, low, high):
    samples = soxr.resample(soxr.resample(real, 16000, low), low, high)
    found = measured(tmp_path / "x.wav", np.clip(samples, -1, 1), high)
    assert found.original_rate == low
    assert 0.85 * low / 2 < found.bandwidth <= low / 2


def test_sound_of_the_full_band_is_not_upsampled(tmp_path, everyday_sounds, real):
    noise = 0.001 * np.random.default_rng(0).standard_normal(3 * 44100)
    rolled_off = soxr.resample(real, 16000, 44100)[: 3 * 44100] + noise
    assert measured(tmp_path / "x.wav", rolled_off, 44100).original_rate == 0
    found = [measure(str(path)).original_rate for path in sorted((everyday_sounds / "test").glob("*/*.ogg"))]
    assert sum(rate > 0 for rate in found) <= 1


def test_offset_and_cancelling_channels(tmp_path, real):
    found = measured(tmp_path / "x.wav", np.stack([real * 0.5 + 0.1, real * 0.5], axis=1))
    assert found.offset == pytest.approx(0.1, abs=0.01)
    assert found.cancelled < 2
    assert measured(tmp_path / "x.wav", np.stack([real, -0.9 * real], axis=1)).cancelled > 20


def test_an_offset_is_silence(tmp_path):
    found = measured(tmp_path / "x.wav", np.full(16000, 0.3))
    assert found.silence == 1
    assert found.offset == pytest.approx(0.3, abs=1e-3)


@pytest.mark.parametrize("length", [1, 2, 3, 15, 100, 511, 512, 513, 1025])
def test_clips_of_any_length_have_finite_measures(tmp_path, length):
    found = measured(tmp_path / "x.wav", np.random.default_rng(0).uniform(-0.5, 0.5, length))
    assert found.error is None
    assert found.seconds == length / 16000
    for name in ("loudness", "rms", "peak", "background", "silence", "leading", "trailing", "bandwidth"):
        assert np.isfinite(getattr(found, name)), name


def test_a_file_that_cannot_be_read_is_an_error_and_no_exception(tmp_path):
    (tmp_path / "x.mp3").write_bytes(b"")
    assert "empty" in measures.measure(str(tmp_path / "x.mp3")).error
