"""The feature layer: what sounds must look like, librosa's values, and independence of padding, type and device."""

import copy
import math
import pickle
from typing import Any

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocls.models.acoustic_features import band_statistics
from audiocls.models.filterbanks import mel_edges_hz, octave_bands
from tests.models.feature_layers import EVERYTHING, RATE, SETTINGS, layer


def tone(frequency_hz: float, seconds: float = 1.0, amplitude: float = 0.5, rate: int = RATE) -> torch.Tensor:
    """(1, time) float32"""
    return amplitude * torch.sin(2 * torch.pi * frequency_hz * torch.arange(round(seconds * rate)) / rate)[None]


def noise(seed: int, *shape: int, amplitude: float = 0.1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * amplitude


def feature_map(waveform: torch.Tensor, **changes: Any) -> torch.Tensor:
    """(bands, frames) of the first clip."""
    return layer(**changes)(waveform)[0][0, 0]


def librosa_map(clip: np.ndarray, config: dict[str, Any]) -> np.ndarray:
    """log-mel, MFCC, chroma and spectral contrast stacked, (bands, frames)."""
    rate = config["sampling_rate"]
    frames = {"sr": rate, "n_fft": config["n_fft"], "hop_length": config["hop_length"]}
    mel = librosa.feature.melspectrogram(
        y=clip,
        n_mels=config["n_mels"],
        fmin=config["fmin_hz"],
        fmax=config["fmax_hz"],
        htk=config["mel_scale"] == "htk",
        norm="slaney",
        **frames,
    )
    log_mel = librosa.power_to_db(mel, top_db=None)
    octaves = len(octave_bands(rate, config["n_fft"])) - 1
    return np.concatenate(
        [
            log_mel,
            librosa.feature.mfcc(S=log_mel, n_mfcc=config["n_mfcc"]),
            librosa.feature.chroma_stft(y=clip, tuning=0.0, **frames),
            librosa.feature.spectral_contrast(y=clip, n_bands=octaves, **frames),
        ]
    )


def assert_librosa(found: np.ndarray, wanted: np.ndarray, config: dict[str, Any]) -> None:
    parts = np.cumsum([config["n_mels"], config["n_mfcc"], 12])
    for part, reference, limit in zip(
        np.split(found, parts), np.split(wanted, parts), (1e-4, 1e-5, 1e-5, 1e-3), strict=True
    ):
        np.testing.assert_allclose(part, reference, rtol=0, atol=limit * np.abs(reference).max())


class TestPhysics:
    @pytest.mark.parametrize("mel_scale", ["slaney", "htk"])
    @pytest.mark.parametrize("frequency_hz", [440.0, 1000.0, 3000.0])
    def test_a_tone_peaks_in_a_band_that_contains_it(self, frequency_hz: float, mel_scale: str) -> None:
        found = feature_map(tone(frequency_hz), n_fft=1024, mel_scale=mel_scale)
        band = int(found[:, 5:-5].mean(1).argmax())
        edges = mel_edges_hz(64, 20.0, RATE / 2, mel_scale)
        assert edges[band] < frequency_hz < edges[band + 2]

    def test_a_click_is_heard_only_in_the_frames_around_it(self) -> None:
        click = torch.zeros(1, RATE)
        click[0, 20 * 256] = 1.0
        found = feature_map(click)
        heard = (found > -99).any(0).nonzero()[:, 0].tolist()
        assert heard == [20]  # frames 19 and 21 see it at the very edge of their window, where it is zero
        assert found[:, 20].std() < 10  # and at every frequency

    def test_a_constant_goes_to_the_lowest_band(self) -> None:
        found = feature_map(torch.full((1, RATE), 0.5), fmin_hz=0.0)[:, 5:-5]
        assert (found.argmax(0) == 0).all()
        assert found[0].min() > found[8:].max() + 60

    def test_silence_is_exactly_the_floor(self) -> None:
        found = feature_map(torch.zeros(1, RATE), features=EVERYTHING)
        log_mel, mfcc, rest = found.split([64, 20, 19])
        assert (log_mel == -100).all()
        assert mfcc[0].tolist() == [-100 * 8.0] * 63  # the square root of 64 bands
        assert (mfcc[1:] == 0).all()
        assert (rest == 0).all()  # no pitch and no contrast

    def test_twice_the_amplitude_is_6_02_db_more(self) -> None:
        clip = noise(0, 1, RATE)
        gained = feature_map(2 * clip) - feature_map(clip)
        torch.testing.assert_close(gained, torch.full_like(gained, 20 * math.log10(2)), atol=1e-4, rtol=0)

    def test_gain_changes_only_the_first_mfcc(self) -> None:
        clip = noise(0, 1, RATE)
        gained = feature_map(2 * clip, features="mfcc") - feature_map(clip, features="mfcc")
        assert gained[1:].abs().max() < 1e-3
        torch.testing.assert_close(gained[0], torch.full((63,), 8 * 20 * math.log10(2)), atol=1e-3, rtol=0)

    @pytest.mark.parametrize(("frequency_hz", "pitch_class"), [(440.0, 9), (880.0, 9), (261.63, 0), (311.13, 3)])
    def test_chroma_peaks_at_the_pitch_class_of_a_tone(self, frequency_hz: float, pitch_class: int) -> None:
        found = feature_map(tone(frequency_hz), features="chroma", n_fft=2048, hop_length=512)[:, 2:-2]
        assert (found.argmax(0) == pitch_class).all()
        assert (found.amax(0) == 1).all()

    def test_a_tone_in_noise_has_more_contrast_than_noise(self) -> None:
        hiss = noise(1, 1, RATE, amplitude=0.01)
        change = feature_map(hiss + tone(1000.0), features="spectral_contrast") - feature_map(
            hiss, features="spectral_contrast"
        )
        by_band = change[:, 5:-5].mean(1)
        assert by_band.argmax() == 3  # 800 to 1600 Hz
        assert by_band[3] > 10


class TestAgreementWithLibrosa:
    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"n_fft": 1024, "hop_length": 160, "mel_scale": "htk", "fmin_hz": 50.0},
            {"sampling_rate": 44100, "n_fft": 2048, "hop_length": 512, "n_mels": 128, "n_mfcc": 40},
            {"sampling_rate": 22050, "n_fft": 2048, "hop_length": 512, "n_mels": 128, "fmin_hz": 0.0},
            {"sampling_rate": 8000, "n_fft": 400, "hop_length": 80, "n_mels": 40, "fmax_hz": 3800.0},
            {"sampling_rate": 48000, "n_fft": 1000, "hop_length": 333, "fmax_hz": 20000.0},
        ],
        ids=str,
    )
    def test_all_features_over_rates_and_frames(self, changes: dict[str, Any]) -> None:
        config = {**SETTINGS, **changes}
        clip = (noise(2, 1, 20011, amplitude=0.01) + tone(700.0, 1.0, 0.3, rate=20011))[0].numpy()
        clip[3000:9000] = 0
        found = feature_map(torch.from_numpy(clip)[None], features=EVERYTHING, **changes)
        assert_librosa(found.numpy(), librosa_map(clip, config), config)

    @settings(max_examples=25, deadline=None, derandomize=True)
    @given(
        n_fft=st.integers(256, 1500),
        hop_length=st.integers(40, 700),
        n_mels=st.integers(10, 30),
        time=st.integers(1600, 9000),
        seed=st.integers(0, 10),
    )
    def test_any_frames(self, n_fft: int, hop_length: int, n_mels: int, time: int, seed: int) -> None:
        changes = {"n_fft": 2 * (n_fft // 2), "hop_length": hop_length, "n_mels": n_mels, "n_mfcc": 10}
        config = {**SETTINGS, **changes}
        clip = noise(seed, 1, time)
        found = feature_map(clip, features=EVERYTHING, **changes)
        assert_librosa(found.numpy(), librosa_map(clip[0].numpy(), config), config)

    def test_bands_far_under_a_loud_tone(self) -> None:
        """Where float32 alone errs: a faint band beside a loud, low tone."""
        at = np.arange(RATE) / RATE
        clip = 0.9 * np.sin(2 * np.pi * 100.0 * at) + 2e-5 * np.random.default_rng(3).standard_normal(RATE)
        clip = clip.astype(np.float32)
        found = feature_map(torch.from_numpy(clip)[None], features=EVERYTHING, n_fft=1024).numpy()
        wanted = librosa_map(clip, {**SETTINGS, "n_fft": 1024})
        assert np.abs(found - wanted)[:64].max() < 0.005  # dB
        assert np.abs(found - wanted)[-7:].max() < 0.01


class TestBatches:
    @settings(max_examples=15, deadline=None, derandomize=True)
    @given(
        lengths=st.lists(st.integers(0, 9000), min_size=1, max_size=4), garbage=st.sampled_from([0.0, 1.0, math.nan])
    )
    def test_padding_changes_nothing(self, lengths: list[int], garbage: float) -> None:
        features = layer(features=EVERYTHING)
        batch = torch.full((len(lengths), 9000), garbage)
        clips = [noise(seed, 1, length) for seed, length in enumerate(lengths)]
        for row, clip in zip(batch, clips, strict=True):
            row[: clip.shape[1]] = clip[0]
        found, mask = features(batch, torch.tensor(lengths))
        assert found.shape == (len(lengths), 1, 103, 1 + 9000 // 256)
        for row, valid, clip in zip(found[:, 0], mask, clips, strict=True):
            alone, all_valid = features(clip)
            frames = 1 + clip.shape[1] // 256
            assert all_valid.all()
            assert valid.tolist() == [True] * frames + [False] * (len(valid) - frames)
            torch.testing.assert_close(row[:, :frames], alone[0, 0], atol=1e-4, rtol=1e-6)
            assert (row[:, frames:] == 0).all()

    @pytest.mark.parametrize("time", [0, 1, 2, 255, 256])
    def test_clips_shorter_than_a_transform(self, time: int) -> None:
        found, mask = layer(features=EVERYTHING)(noise(0, 2, time))
        assert found.shape == (2, 1, 103, 1 + time // 256)
        assert mask.all()
        assert found.isfinite().all()

    def test_long_recordings_equal_their_parts(self) -> None:
        """Frames from the middle of a recording worked on in many tiles, against the same samples alone."""
        recording = noise(4, 1, 60 * RATE)
        whole = feature_map(recording)
        start = 9999 * 64 // 256 * 256
        part = feature_map(recording[:, start : start + RATE])
        torch.testing.assert_close(whole[:, start // 256 + 2 : start // 256 + 60], part[:, 2:60], atol=1e-4, rtol=0)

    def test_features_are_stacked_in_the_order_named(self) -> None:
        clip = noise(5, 1, RATE)
        names = ["spectral_contrast", "log_mel", "chroma", "mfcc"]
        stacked = feature_map(clip, features="+".join(names))
        torch.testing.assert_close(
            stacked, torch.cat([feature_map(clip, features=name) for name in names]), atol=1e-3, rtol=1e-5
        )
        assert layer(features="+".join(names)).num_bands == len(stacked) == 103

    def test_normalisation_fitted_over_batches(self) -> None:
        raw = layer(features="log_mel+chroma")
        batches = [
            (noise(seed, 3, 8000, amplitude=0.05 * (seed + 1)), torch.tensor([8000, 5000, 300])) for seed in (0, 1)
        ]
        sums, squares, counts = (
            sum(parts) for parts in zip(*(band_statistics(*raw(*b)) for b in batches), strict=True)
        )
        assert int(counts) == 2 * (32 + 20 + 2)
        mean, std = sums / counts, (squares / counts - (sums / counts) ** 2).sqrt()
        fitted = layer(features="log_mel+chroma", feature_mean=mean.tolist(), feature_std=std.tolist())
        outputs = [fitted(*batch) for batch in batches]
        values = torch.cat([found[:, 0].transpose(1, 2)[mask] for found, mask in outputs])  # (frames, bands)
        torch.testing.assert_close(values.mean(0), torch.zeros(76), atol=1e-4, rtol=0)
        torch.testing.assert_close(values.std(0, correction=0), torch.ones(76), atol=1e-4, rtol=0)
        assert all((found[:, 0].transpose(1, 2)[~mask] == 0).all() for found, mask in outputs)


class TestImageSize:
    def test_shape_and_share_of_the_mask(self) -> None:
        image = layer(image_size=[48, 40], window_seconds=2.0)
        found, mask = image(noise(0, 3, RATE), torch.tensor([RATE, 100, 8000]))
        assert found.shape == (3, 1, 48, 40)
        assert image.num_bands == 48
        # 63, 1 and 32 of 126 frames, as shares of 40, rounded up
        assert mask.sum(1).tolist() == [20, 1, 11]
        assert (found[:, 0].transpose(1, 2)[~mask] == 0).all()
        assert (found[:, 0].transpose(1, 2)[mask] != 0).all()

    def test_how_far_a_batch_is_padded_changes_nothing(self) -> None:
        image = layer(image_size=[32, 32], features="log_mel+spectral_contrast")
        clip = noise(1, 1, 5000)
        padded = torch.nn.functional.pad(clip, (0, 9000))
        torch.testing.assert_close(image(clip)[0], image(padded, torch.tensor([5000]))[0], atol=1e-4, rtol=0)

    def test_the_map_keeps_its_levels(self) -> None:
        found = feature_map(noise(2, 1, RATE), image_size=[64, 63])  # the size it has
        torch.testing.assert_close(found, feature_map(noise(2, 1, RATE)), atol=1e-4, rtol=0)

    def test_more_than_a_window_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"16001 samples.*at most 16000"):
            layer(image_size=[32, 32])(torch.zeros(1, 16001))


class TestInsideAModel:
    clip = noise(7, 2, 6000)
    lengths = torch.tensor([6000, 1000])

    def test_built_on_the_meta_device(self) -> None:
        with torch.device("meta"):
            built = layer(features=EVERYTHING, feature_mean=[-10.0] * 103, feature_std=[5.0] * 103)
        plain = layer(features=EVERYTHING, feature_mean=[-10.0] * 103, feature_std=[5.0] * 103)
        assert torch.equal(built(self.clip, self.lengths)[0], plain(self.clip, self.lengths)[0])

    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
    def test_the_type_of_the_model_does_not_matter(self, dtype: torch.dtype) -> None:
        wanted = layer(features=EVERYTHING)(self.clip, self.lengths)[0]
        found = layer(features=EVERYTHING).to(dtype)(self.clip, self.lengths)[0]
        assert found.dtype == torch.float32
        assert torch.equal(found, wanted)

    def test_autocast_does_not_matter(self) -> None:
        wanted = layer(features=EVERYTHING)(self.clip, self.lengths)[0]
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(layer(features=EVERYTHING)(self.clip, self.lengths)[0], wanted)

    def test_half_precision_waveforms_are_computed_in_float32(self) -> None:
        halves = self.clip.half()
        assert torch.equal(layer()(halves)[0], layer()(halves.float())[0])

    def test_it_has_no_state_and_can_be_copied_after_use(self) -> None:
        used = layer(features=EVERYTHING)
        wanted = used(self.clip)[0]
        assert not used.state_dict()
        assert not list(used.parameters())
        assert not list(used.buffers())
        assert torch.equal(copy.deepcopy(used)(self.clip)[0], wanted)
        assert torch.equal(pickle.loads(pickle.dumps(used))(self.clip)[0], wanted)  # noqa: S301 our own bytes

    def test_gradients_flow_to_the_waveform_after_inference_mode(self) -> None:
        features = layer(features=EVERYTHING)
        with torch.inference_mode():
            features(self.clip)
        waveform = self.clip.clone().requires_grad_()
        features(waveform, self.lengths)[0].mean().backward()
        assert waveform.grad is not None
        assert waveform.grad.isfinite().all()
        assert waveform.grad[0].abs().max() > 0
        assert (waveform.grad[1, 1000:] == 0).all()

    def test_a_traced_graph_serves_any_length(self) -> None:
        features = layer(features="log_mel+spectral_contrast")
        sizes = {0: torch.export.Dim("batch", min=1, max=64), 1: torch.export.Dim("time", min=512, max=10**6)}
        graph = torch.export.export(features, (self.clip, self.lengths), dynamic_shapes=(sizes, {0: sizes[0]}))
        other = (noise(8, 3, 12345), torch.tensor([12345, 1, 5000]))
        found, mask = graph.module()(*other)
        wanted, wanted_mask = features(*other)
        assert torch.equal(mask, wanted_mask)
        torch.testing.assert_close(found, wanted, atol=5e-3, rtol=0)
