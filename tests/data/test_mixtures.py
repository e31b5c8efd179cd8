"""Mixtures: the ratio is what was asked for, events are where they are said to be, and a seed gives the same again."""

import itertools

import numpy as np
import pytest

from audiocls.config import TrainConfig
from audiocls.data.backgrounds import load_backgrounds
from audiocls.data.dataset import load_audio_data
from audiocls.data.field import in_the_field
from audiocls.data.mixed_clips import clip_shares, without_copies
from audiocls.data.mixtures import active_samples, laid_into, make_recording, snr
from audiocls.data.placing import alone_length, place

RATE = 16000


@pytest.fixture(scope="module")
def audio(everyday_sounds):
    return load_audio_data(str(everyday_sounds), TrainConfig(num_workers=1))


@pytest.fixture(scope="module")
def backgrounds(audio):
    return load_backgrounds(TrainConfig(), audio)


def field(**changes):
    return TrainConfig(**{"noise_snr_db": (0.0, 10.0), "noisy_copies": 2, "num_workers": 1, **changes})


def power(waveform):
    return float(np.mean(waveform.astype(np.float64) ** 2))


def test_silence_around_a_sound_does_not_count():
    rng = np.random.default_rng(0)
    burst = rng.normal(0, 0.1, RATE // 5).astype(np.float32)
    clip = np.concatenate([np.zeros(RATE), burst, np.zeros(RATE)]).astype(np.float32)
    assert active_samples(clip, RATE).sum() == len(burst)
    noise = rng.normal(0, 0.05, len(clip)).astype(np.float32)
    noise[: RATE // 2] *= 100  # where nothing sounds
    assert snr(clip, noise, RATE) == pytest.approx(10 * np.log10(power(burst) / 0.05**2), abs=0.2)
    assert snr(np.zeros(500, np.float32), noise, RATE) == -np.inf


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 12.0])
def test_the_ratio_is_the_one_asked_for(audio, backgrounds, snr_db):
    rng = np.random.default_rng(1)
    for index in range(0, len(audio.train), 20):
        clip = audio.train.waveform(index)
        background = backgrounds.draw(len(clip) + 8000, rng)
        mixed = laid_into(clip, background, 3000, snr_db, RATE)
        noise = mixed.copy()
        noise[3000 : 3000 + len(clip)] -= clip
        assert snr(clip, noise[3000 : 3000 + len(clip)], RATE) == pytest.approx(snr_db, abs=0.01)
        assert np.corrcoef(noise, background)[0, 1] > 0.9999


def test_places_cover_the_window_and_sometimes_hold_a_part_of_the_clip():
    rng = np.random.default_rng(0)
    placed = [place(4000, 32000, (0, 10), rng) for _ in range(2000)]
    assert all(p.at >= 0 and p.at + p.take <= p.length <= 32000 for p in placed)
    assert all(p.start >= 0 and p.start + p.take <= 4000 for p in placed)
    whole = [p.at / (p.length - p.take) for p in placed if p.take == 4000 and p.length > 8000]
    assert np.histogram(whole, 5, (0, 1))[0].min() > 0.15 * len(whole)
    parts = [p for p in placed if p.take < 4000]
    assert 0.15 < len(parts) / len(placed) < 0.35
    assert all((p.start == 0 and p.at + p.take == p.length) or (p.start + p.take == 4000 and p.at == 0) for p in parts)
    assert np.ptp([p.snr_db for p in placed]) == pytest.approx(10, abs=0.1)
    long = [place(50_000, 32_000, (0, 10), rng) for _ in range(200)]
    assert all(p.take <= p.length <= 32_000 for p in long)


def test_a_clip_that_lies_tight_is_whole_with_little_around_it():
    rng = np.random.default_rng(0)
    placed = [place(4000, 32000, (0, 10), rng, around=1000) for _ in range(500)]
    assert all((p.start, p.take) == (0, 4000) and 0 <= p.at <= 1000 for p in placed)
    behind = [p.length - p.at - 4000 for p in placed]
    assert min(behind) >= 0
    assert max(behind) > 900
    assert min(behind) < 100
    assert max(p.at for p in placed) > 900
    for length in (31_500, 32_000, 50_000):
        long = [place(length, 32_000, (0, 10), rng, around=1000) for _ in range(100)]
        assert all(p.take == min(length, 32_000) and p.at + p.take <= p.length <= 32_000 for p in long)
        assert all(0 <= p.start <= length - p.take for p in long)


def test_background_alone_is_of_all_lengths_up_to_the_window():
    rng = np.random.default_rng(0)
    lengths = np.array([alone_length(48_000, RATE, rng) for _ in range(500)])
    assert 0.15 * RATE - 1 <= lengths.min() < 0.2 * RATE
    assert 46_000 < lengths.max() <= 48_000
    assert 0.4 < np.mean(lengths < 0.67 * RATE) < 0.6  # octaves, not seconds
    assert alone_length(1000, RATE, rng) == 1000


class Steady:
    """Backgrounds of one level."""

    sampling_rate = RATE

    def draw(self, length, rng):
        return rng.normal(0, 0.1, length).astype(np.float32)


def test_a_recording_holds_its_events_where_it_says_at_the_ratio_it_says(audio):
    waveform, events = make_recording(
        audio.train, audio.labels, Steady(), 60, (15, 15), np.random.default_rng(3), pause_seconds=(1, 4)
    )
    assert waveform.dtype == np.float32
    assert len(waveform) == 60 * RATE
    assert np.abs(waveform).max() <= 1
    assert len(events) > 5
    assert all(0 <= start < end <= 60 and label in audio.labels for start, end, label, _ in events)
    assert all(b[0] - a[1] >= 1 for a, b in itertools.pairwise(events))
    inside = np.zeros(len(waveform), bool)
    for start, end, _, ratio in events:
        inside[round(start * RATE) : round(end * RATE)] = True
        assert ratio == pytest.approx(15, abs=0.5)
    floor = power(waveform[~inside])
    assert power(waveform[inside]) > 8 * floor
    quiet = waveform[: round(events[0][0] * RATE)]
    assert power(quiet) == pytest.approx(floor, rel=0.1)


def test_recordings_repeat_by_seed_and_events_may_overlap(audio, backgrounds):
    def made(seed, **more):
        return make_recording(audio.train, audio.labels, backgrounds, 30, (0, 10), np.random.default_rng(seed), **more)

    (one, events), (same, same_events), (other, _) = made(1), made(1), made(2)
    assert one.tobytes() == same.tobytes()
    assert events == same_events
    assert one.tobytes() != other.tobytes()
    overlapping = [made(seed, overlap=True)[1] for seed in range(4)]
    assert any(b[0] < a[1] for events in overlapping for a, b in itertools.pairwise(events))


def test_a_recording_shorter_than_its_clips_holds_parts_of_them(audio, backgrounds):
    waveform, events = make_recording(
        audio.train, audio.labels, backgrounds, 1.0, (10, 10), np.random.default_rng(0), pause_seconds=(0, 0)
    )
    assert len(waveform) == RATE
    assert events
    assert all(end - start <= 0.5 for start, end, _, _ in events)


def test_clips_of_several_labels_are_an_event_for_each(audio, backgrounds):
    clips = audio.train.subset(range(10))
    clips.targets = np.zeros((10, 3), np.float32)
    clips.targets[:, [0, 2]] = 1
    _, events = make_recording(clips, ["a", "b", "c"], backgrounds, 20, (5, 5), np.random.default_rng(0))
    assert {label for _, _, label, _ in events} == {"a", "c"}


def test_copies_follow_the_clean_clips_and_share_their_group(audio):
    found = in_the_field(field(), audio).train
    count = len(audio.train)
    assert len(found) == 3 * count
    assert found.groups[:count] == found.groups[count : 2 * count] == found.groups[2 * count :]
    assert found.targets.tolist() == audio.train.targets.tolist() * 3
    assert found.waveform(5).tobytes() == audio.train.waveform(5).tobytes()
    assert found.contents[:count] == audio.train.contents
    assert len(set(found.contents)) == 3 * len(set(audio.train.contents))
    assert without_copies(found) is audio.train
    assert without_copies(audio.train) is audio.train
    shares = clip_shares(found)
    assert shares[:count].tolist() == [1.0] * count
    assert 0 < shares[count:].sum() < count  # what is meant comes first
    longer = [found.lengths[copy * count : (copy + 1) * count] - audio.train.lengths for copy in (1, 2)]
    assert 0 < longer[0].mean() < 0.6 * RATE  # the first copy lies tight, the second anywhere in a window
    assert longer[1].max() > 2 * RATE


def test_clips_without_a_group_share_one_with_their_copies(tmp_path, make_folder):
    data = load_audio_data(str(make_folder(tmp_path, a=4, b=4)), TrainConfig(num_workers=1))
    assert set(data.train.groups) == {None}
    groups = in_the_field(field(), data).train.groups
    assert len(set(groups)) == len(data.train)
    assert all(groups.count(group) == 3 for group in groups)


def test_a_copy_depends_on_its_clip_settings_and_seed_but_not_on_where_it_stands(audio):
    count = len(audio.train)
    one, other_seed, other_ratio = (
        in_the_field(settings, audio).train for settings in (field(), field(seed=7), field(noise_snr_db=(0.0, 11.0)))
    )
    again = in_the_field(field(), audio).train.subset([count + 9, count + 4])
    assert again.contents == [one.contents[count + 9], one.contents[count + 4]]
    assert again.waveform(1).tobytes() == one.waveform(count + 4).tobytes()
    assert again.lengths.tolist() == [len(again.waveform(0)), len(again.waveform(1))]
    assert again.waveform(1, 100, 200).tobytes() == one.waveform(count + 4)[100:200].tobytes()
    for different in (other_seed, other_ratio):
        assert not set(different.contents[count:]) & set(one.contents[count:])


def test_backgrounds_alone_are_negatives_and_nothing_changes_without_noise(audio):
    found = in_the_field(field(), audio)
    assert len(found.negatives) >= 10
    assert power(found.negatives.waveform(0)) > 0
    assert found.test is audio.test
    assert in_the_field(TrainConfig(), audio) is audio
