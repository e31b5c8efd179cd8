import warnings

import noisereduce
import numpy as np
import pytest
import soundfile
import torch

from audiocls.models.configuration_audiocls import AudioClsConfig
from audiocls.models.denoising import METHODS, SpectralGate, check_denoise, denoise_settings
from audiocls.models.modeling_audiocls import AudioClsForAudioClassification
from tests.small_models import SOUNDS, small_model, write_model

RATE = 16000
# What noisereduce does by default; its names for the settings are ours.
PACKAGE = {
    "stationary": {"prop_decrease": 1.0, "freq_mask_smooth_hz": 500, "n_std_thresh_stationary": 1.5},
    "nonstationary": {"prop_decrease": 1.0, "freq_mask_smooth_hz": 500, "thresh_n_mult_nonstationary": 2.0},
}


def gate_of(method: str, rate: int = RATE, **changes) -> SpectralGate:
    return SpectralGate(denoise_settings(method, rate, **changes), rate)


def clips(*names: str) -> list[torch.Tensor]:
    return [torch.from_numpy(soundfile.read(SOUNDS / f"{name}.ogg", dtype="float32")[0]) for name in names]


def beeps_in_noise(seconds: float, rate: int = RATE) -> tuple[torch.Tensor, torch.Tensor]:
    """A beep in the middle of every second, and white noise 20 dB under it."""
    time = torch.arange(int(seconds * rate)) / rate
    beeps = 0.4 * torch.sin(2 * torch.pi * 1000 * time) * ((time % 1 - 0.5).abs() < 0.1)
    noise = 0.028 * torch.randn(len(time), generator=torch.Generator().manual_seed(0))
    return beeps, noise


def level_db(samples: torch.Tensor) -> float:
    return float(20 * samples.square().mean().sqrt().log10())


@pytest.mark.parametrize("method", METHODS)
def test_it_agrees_with_noisereduce(method):
    beeps, noise = beeps_in_noise(30)
    sound = beeps + noise
    own = {"noise_share": 1.0} if method == "stationary" else {}
    ours = gate_of(method, **PACKAGE[method], **own)(sound[None])[0].numpy()
    theirs = noisereduce.reduce_noise(
        sound.numpy(), RATE, stationary=method == "stationary", padding=120 * 256, **PACKAGE[method]
    )
    # Behind the ends, and under the lowest frequency, the package counts what is not there as silence.
    spectra = [np.fft.rfft(each[10 * RATE : 20 * RATE]) for each in (ours, theirs)]
    frequencies = np.fft.rfftfreq(10 * RATE, 1 / RATE)
    inner = (frequencies > 500) & (frequencies < RATE / 2 - 500)
    difference = np.linalg.norm((spectra[0] - spectra[1])[inner]) / np.linalg.norm(spectra[1][inner])
    assert difference < {"stationary": 0.02, "nonstationary": 0.002}[method]
    assert np.corrcoef(ours, theirs)[0, 1] > 0.95


@pytest.mark.parametrize("method", METHODS)
def test_noise_goes_and_the_sound_stays(method):
    beeps, noise = beeps_in_noise(3)
    kept = gate_of(method)((beeps + noise)[None])[0]
    quiet = slice(int(0.75 * RATE), int(1.25 * RATE))
    loud = slice(int(1.42 * RATE), int(1.58 * RATE))
    assert level_db(kept[quiet]) < level_db(noise[quiet]) - 8
    assert level_db(kept[loud]) > level_db(beeps[loud]) - 4  # smoothing over frequencies costs a pure tone most


@pytest.mark.parametrize("method", METHODS)
def test_a_clip_is_treated_alone_as_in_a_batch(method):
    gate = gate_of(method)
    alone = clips("speech/speech_00", "drum/drum_00", "water/water_00", "animal/animal_02")
    lengths = torch.tensor([len(clip) for clip in alone])
    batch = torch.full((len(alone), int(lengths.max()) + 777), 0.3)  # what lies behind an end must not count
    for row, clip in zip(batch, alone, strict=True):
        row[: len(clip)] = clip
    together = gate(batch, lengths)
    for row, clip in zip(together, alone, strict=True):
        torch.testing.assert_close(row[: len(clip)], gate(clip[None])[0], atol=1e-5, rtol=0)
        assert not row[len(clip) :].any()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rate", [1000, 8000, 44_100])
def test_any_length_and_rate(method, rate):
    gate = gate_of(method, rate)
    for length in (1, 2, gate.hop_length, gate.hop_length + 1, gate.n_fft, rate + 7):
        sound = gate(torch.rand(2, length))
        assert sound.shape == (2, length)
        assert sound.dtype == torch.float32
        assert sound.isfinite().all()
    assert gate(torch.zeros(3, rate), torch.tensor([0, 1, rate])).abs().max() == 0


@pytest.mark.parametrize("method", METHODS)
def test_what_is_taken_away_is_bounded_and_does_not_depend_on_the_volume(method):
    (clip,) = clips("speech/speech_00")
    untouched = gate_of(method, prop_decrease=0.0)(clip[None])[0]
    torch.testing.assert_close(untouched, clip, atol=1e-6, rtol=0)
    gate = gate_of(method)
    torch.testing.assert_close(gate(clip[None] * 50) / 50, gate(clip[None]), atol=1e-5, rtol=0)
    floor = gate_of(method, prop_decrease=0.75, time_mask_smooth_ms=0.0, freq_mask_smooth_hz=0.0)
    steady = torch.randn(1, RATE, generator=torch.Generator().manual_seed(1))
    assert level_db(floor(steady)) > level_db(steady) - 12.1  # a quarter of the magnitude


def test_frames_that_smooth_out_nothing_leave_a_tone_and_remove_what_lies_beside_it():
    beeps, noise = beeps_in_noise(3)
    narrow = gate_of("stationary", freq_mask_smooth_hz=0.0, time_mask_smooth_ms=0.0, prop_decrease=1.0)
    kept = torch.fft.rfft(narrow((beeps + noise)[None])[0])
    frequencies = torch.fft.rfftfreq(len(beeps), 1 / RATE)
    beside = (frequencies > 3000) & (frequencies < 5000)
    before = torch.fft.rfft(noise)[beside].abs().square().sum()
    assert kept[beside].abs().square().sum() < 0.5 * before


def test_quieter_frames_say_what_noise_is():
    beeps, noise = beeps_in_noise(3)
    loud = (beeps * 3 + noise)[None]
    every, quiet = (gate_of("stationary", noise_share=share)(loud)[0] for share in (1.0, 0.2))
    during = slice(int(1.42 * RATE), int(1.58 * RATE))
    assert level_db((quiet - beeps * 3)[during]) < level_db((every - beeps * 3)[during])


@pytest.mark.parametrize("method", METHODS)
def test_it_survives_the_meta_device_other_types_and_export(method):
    with torch.device("meta"):
        gate = gate_of(method)
    assert not [*gate.parameters(), *gate.buffers()]
    sound = torch.rand(2, 4001) - 0.5
    expected = gate(sound)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(gate.to(torch.bfloat16)(sound), expected)
    lengths = torch.tensor([4001, 3000])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        time = torch.export.Dim("time", min=2048, max=100_000)
        program = torch.export.export(
            gate, (sound, lengths), dynamic_shapes={"waveform": {1: time}, "lengths": None}, strict=False
        )
    longer = torch.rand(2, 7000) - 0.5
    torch.testing.assert_close(program.module()(longer, lengths), gate(longer, lengths), atol=1e-5, rtol=0)


def test_settings_are_complete_and_valid():
    settings = denoise_settings("stationary", 44_100, prop_decrease=0.5)
    assert settings["n_fft"] == 2048  # frames keep their duration
    assert settings["prop_decrease"] == 0.5
    check_denoise(settings)
    for broken, said in (
        ({"method": "loud"}, "method 'loud'"),
        ({**settings, "prop_decrease": 1.5}, "prop_decrease 1.5; it must be 0 to 1"),
        ({**settings, "n_fft": 1001}, "n_fft 1001; it must be a multiple of 4"),
        ({**settings, "n_fft": True}, "n_fft True; it must be a number"),
        ({**settings, "time_constant_s": 2.0}, "time_constant_s, which the stationary gate does not know"),
        ({"method": "stationary", "n_fft": 1024}, "lacks"),
        ("yes", "method None"),
    ):
        with pytest.raises(ValueError, match=said):
            check_denoise(broken)
        with pytest.raises(ValueError, match=said):
            AudioClsConfig(denoise=broken)


@pytest.mark.parametrize("method", METHODS)
def test_a_model_reduces_noise_in_every_window_before_anything_else(method, tmp_path):
    plain = small_model()
    model = small_model(denoise=denoise_settings(method, RATE))
    beeps, noise = beeps_in_noise(2)
    windows = torch.stack([beeps + noise, beeps])
    lengths = torch.tensor([32_000, 20_000])
    features = model.window_features(windows, lengths)[0]
    wanted = plain.window_features(gate_of(method)(windows, lengths), lengths)[0]
    torch.testing.assert_close(features, wanted)
    assert (features - plain.window_features(windows, lengths)[0]).abs().max() > 1

    again = AudioClsForAudioClassification.from_pretrained(write_model(model.eval(), tmp_path)).eval()
    assert again.config.denoise == denoise_settings(method, RATE)
    with torch.inference_mode():
        long = torch.cat([beeps + noise] * 4)[None]
        torch.testing.assert_close(again(long).logits, model(long).logits)
