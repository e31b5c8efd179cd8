"""Backgrounds: from a folder, from negatives, from quiet parts; bounded, repeatable, and never clips of the data."""

import numpy as np
import pytest
import soundfile

from audiocls.config import TrainConfig
from audiocls.data import backgrounds as module
from audiocls.data.backgrounds import Backgrounds, fair_share, folder_recordings, load_backgrounds
from audiocls.data.dataset import load_audio_data
from audiocls.data.noise import Noise, quiet_spectrum
from audiocls.errors import DataError
from tests.audio.test_streaming import piped

RATE = 16000


def hum(seconds, hz=100.0, level=0.1, rate=RATE):
    return (level * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


@pytest.fixture
def data(tmp_path, make_folder):
    return make_folder(tmp_path / "data", high=4, low=4)


@pytest.fixture
def audio(data, config):
    return load_audio_data(str(data), config)


def chosen(folder):
    return TrainConfig(background_folder=str(folder), num_workers=1)


def share_of_band(waveform, low_hz, high_hz):
    power = np.abs(np.fft.rfft(waveform)) ** 2
    hz = np.fft.rfftfreq(len(waveform), 1 / RATE)
    return power[(hz >= low_hz) & (hz < high_hz)].sum() / power.sum()


def test_a_folder_is_what_is_heard_beside_some_noise(tmp_path, audio):
    (tmp_path / "field" / "day").mkdir(parents=True)
    soundfile.write(tmp_path / "field" / "day" / "hum.wav", hum(5, rate=44100), 44100)
    found = load_backgrounds(chosen(tmp_path / "field"), audio)
    rng = np.random.default_rng(0)
    hums = [share_of_band(found.draw(RATE, rng), 90, 110) > 0.9 for _ in range(60)]
    assert 0.6 < np.mean(hums) < 0.9
    assert "field" in found.origin


def test_the_same_generator_draws_the_same_and_another_draws_other_places(audio, config):
    found = load_backgrounds(config, audio)
    one, same, other = (found.draw(9000, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.dtype == np.float32
    assert one.tolist() == same.tolist()
    assert one.tolist() != other.tolist()


def test_a_short_recording_goes_on_without_a_gap_or_a_click(audio, config):
    noise = load_backgrounds(config, audio).noise
    found = Backgrounds([hum(0.5, hz=20.0)], noise, "hum")
    drawn = found._stretch(found.recordings[0], 10 * RATE, np.random.default_rng(0))
    assert len(drawn) == 10 * RATE
    assert np.sqrt((drawn.reshape(-1, 1600) ** 2).mean(1)).min() > 0.02
    assert np.abs(np.diff(drawn)).max() < 0.01  # of a 20 Hz hum, which itself moves by 0.0008 a sample


def test_a_drawn_stretch_is_never_silent(audio, config):
    mostly_silent = np.concatenate([np.zeros(20 * RATE, np.float32), hum(1)])
    found = Backgrounds([mostly_silent], load_backgrounds(config, audio).noise, "gaps")
    rng = np.random.default_rng(0)
    assert all(np.mean(found.draw(RATE, rng) ** 2) > 1e-9 for _ in range(50))


def test_the_datas_own_negatives_serve_where_no_folder_is_given(tmp_path, make_tone, make_folder, config):
    root = make_folder(tmp_path / "data", high=5, low=5)
    for k in range(5):
        make_tone(root / "background" / f"{k}.wav", hz=5000 + 100 * k, seconds=1)
    audio = load_audio_data(str(root), config)
    found = load_backgrounds(config, audio)
    assert len(found.recordings) == len(audio.negatives) > 0
    rng = np.random.default_rng(0)
    assert np.mean([share_of_band(found.draw(RATE // 2, rng), 4900, 5600) > 0.8 for _ in range(40)]) > 0.5


def test_noise_takes_the_spectrum_of_a_quiet_part():
    rng = np.random.default_rng(0)
    clip = np.zeros(2 * RATE)
    clip[: RATE // 2] = rng.normal(0, 0.3, RATE // 2)
    spectrum = quiet_spectrum((clip + hum(2, hz=3000, level=0.003)).astype(np.float32), RATE)
    assert spectrum is not None
    noise = Noise(RATE, np.stack([spectrum]))
    own = [share_of_band(noise.draw(RATE, rng), 2800, 3200) > 0.8 for _ in range(60)]
    assert 0.3 < np.mean(own) < 0.7  # the others are tilted noise
    assert quiet_spectrum(hum(2), RATE) is None  # sounds all the time: its quietest part is the sound itself


def test_real_clips_have_quiet_parts_and_noise_never_repeats_a_level(everyday_sounds, config):
    found = load_backgrounds(config, load_audio_data(str(everyday_sounds), config))
    assert len(found.noise.spectra) > 20
    rng = np.random.default_rng(0)
    levels = [20 * np.log10(np.sqrt(np.mean(found.draw(RATE, rng) ** 2))) for _ in range(50)]
    assert -61 < min(levels) < -55
    assert -35 < max(levels) < -29


def test_long_files_are_read_in_stretches_from_all_over_them(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_SAMPLES", 90 * RATE)
    t = np.arange(600 * RATE) / RATE
    soundfile.write(tmp_path / "long.flac", 0.3 * np.sin(2 * np.pi * 0.5 * (1000 + t) * t), RATE)  # a rising tone
    soundfile.write(tmp_path / "short.wav", hum(5), RATE)
    *stretches, short = folder_recordings(str(tmp_path), RATE)
    assert len(short) == 5 * RATE
    assert 60 * RATE < sum(map(len, stretches)) <= 85 * RATE
    pitches = [np.abs(np.fft.rfft(part[:RATE])).argmax() for part in stretches]
    assert pitches[0] < 520 < 1000 < pitches[-1]


def test_of_flac_from_a_pipe_the_beginning_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_SAMPLES", 5 * RATE)
    piped(tmp_path, hum(20), RATE)
    (recording,) = folder_recordings(str(tmp_path), RATE)
    assert 4 * RATE < len(recording) < 12 * RATE
    assert share_of_band(recording, 90, 110) > 0.9


def test_what_is_cut_is_shared_fairly():
    assert fair_share(np.array([1.0, 2.0, 30.0, 40.0]), 23) == 10
    assert fair_share(np.array([1.0, 2.0]), 5) == np.inf
    assert fair_share(np.array([8.0, 8.0]), 8) == 4


def test_folders_that_cannot_serve_are_refused_in_one_line(tmp_path, audio, data):
    empty, silent, broken = (tmp_path / name for name in ("empty", "silent", "broken"))
    for folder in (empty, silent, broken):
        folder.mkdir()
    soundfile.write(silent / "1.wav", np.zeros(RATE), RATE)
    (broken / "1.wav").write_bytes(b"no sound")
    for folder, told in (
        (tmp_path / "nowhere", "no such folder"),
        (empty, "no audio file"),
        (silent, "silent"),
        (broken, "none of its files can be used; .*1.wav"),
    ):
        with pytest.raises(DataError, match=rf"background_folder is .*{folder.name}.*{told}") as failure:
            load_backgrounds(chosen(folder), audio)
        assert "\n" not in str(failure.value)


def test_clips_of_the_data_are_no_backgrounds(tmp_path, audio, data):
    with pytest.raises(DataError, match=r"high/high_0.wav is high/high_0.wav of the \w+ part, and 7 more"):
        load_backgrounds(chosen(data), audio)
    copied = tmp_path / "copied"
    copied.mkdir()
    soundfile.write(copied / "wind.wav", hum(2), RATE)
    (copied / "x.wav").write_bytes((data / audio.test.files[0]).read_bytes())
    with pytest.raises(DataError, match=f"x.wav is {audio.test.files[0]} of the test part"):
        load_backgrounds(chosen(copied), audio)
