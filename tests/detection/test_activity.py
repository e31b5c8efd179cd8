"""Activity: edges of real sounds in noise, noise that is no activity, a floor that follows, any size of blocks."""

import numpy as np
import pytest
import soundfile

from audiocls.detection.activity import FRAME_SECONDS, Activity, stretches

RATE = 16000
FIELDS = ("level_db", "band_db", "floor_db", "excess_db", "active")


def run(samples, block=RATE, rate=RATE, **options):
    """All frames of a sound pushed in blocks of `block` samples, as a dict of arrays."""
    activity = Activity(rate, **options)
    parts = [activity.push(samples[i : i + block]) for i in range(0, len(samples), block)] + [activity.finish()]
    firsts = np.cumsum([0, *map(len, parts)])[:-1]
    assert [part.first for part in parts if len(part)] == [
        first for first, part in zip(firsts, parts, strict=True) if len(part)
    ]
    return {name: np.concatenate([getattr(part, name) for part in parts]) for name in FIELDS}


def noise(seconds, colour=0.0, seed=0, rms=0.02):
    """Noise whose power falls with frequency to the given power: 0 white, 1 pink, 2 like wind."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal(int(seconds * RATE)))
    spectrum *= np.maximum(np.fft.rfftfreq(int(seconds * RATE), 1 / RATE), 60) ** (-colour / 2)
    samples = np.fft.irfft(spectrum, int(seconds * RATE))
    return (rms * samples / samples.std()).astype(np.float32)


@pytest.fixture(scope="module")
def clips(everyday_sounds):
    """Real sounds without the silence around them."""
    sounds = []
    for path in sorted((everyday_sounds / "train").glob("[adsw][npo]*/*[05].ogg")):
        sound, _ = soundfile.read(path, dtype="float32")
        level = 10 * np.log10((sound[: len(sound) // 160 * 160].reshape(-1, 160) ** 2).mean(axis=1) + 1e-12)
        loud = np.flatnonzero(level > level.max() - 20)
        sounds.append(sound[loud[0] * 160 : (loud[-1] + 1) * 160])
    assert len(sounds) > 10
    return [sound for sound in sounds if len(sound) > RATE // 10]


def mixed(clips, background, snr_db):
    """The clips in the background, their mean power `snr_db` over its; and where each is, in seconds."""
    samples, spans, at = background.copy(), [], 4.0
    for clip in clips:
        first = round(at * RATE)
        if first + len(clip) + RATE > len(samples):
            break
        gain = np.sqrt((background**2).mean() * 10 ** (snr_db / 10) / (clip**2).mean())
        samples[first : first + len(clip)] += gain * clip
        spans.append((first / RATE, (first + len(clip)) / RATE))
        at += len(clip) / RATE + 1.7
    return samples, spans


def found_edges(active, spans):
    found = stretches(active, FRAME_SECONDS, min_seconds=0.03, merge_gap_seconds=0.1)
    hits = [[each for each in found if each[0] < end and each[1] > start] for start, end in spans]
    onsets = [hit[0][0] - start for hit, (start, _) in zip(hits, spans, strict=True) if hit]
    offsets = [hit[-1][1] - end for hit, (_, end) in zip(hits, spans, strict=True) if hit]
    others = [each for each in found if not any(each[0] < end + 0.1 and each[1] > start - 0.1 for start, end in spans)]
    return np.array(onsets), np.array(offsets), others


@pytest.mark.parametrize("colour", [0.0, 1.0, 2.0])
def test_edges_of_real_sounds_are_found_to_the_frame(clips, colour):
    samples, spans = mixed(clips, noise(60, colour), snr_db=15)
    onsets, offsets, others = found_edges(run(samples)["active"], spans)
    assert len(onsets) == len(spans)
    assert np.median(np.abs(onsets)) <= 0.01
    assert np.mean(np.abs(onsets) <= 0.02) >= 0.8
    assert np.mean(np.abs(offsets) <= 0.1) >= 0.8
    assert len(others) <= 1


def test_sounds_far_below_the_whole_bands_noise_are_found_in_their_own_bands(clips):
    samples, spans = mixed(clips, noise(60, colour=3.0), snr_db=0)  # wind: louder than the sounds, but low
    onsets, _, _ = found_edges(run(samples)["active"], spans)
    assert len(onsets) >= 0.9 * len(spans)


@pytest.mark.parametrize("colour", [0.0, 1.0, 2.0])
def test_steady_noise_is_no_activity_however_loud(colour):
    samples = noise(60, colour, seed=3)
    quiet, loud = run(samples), run(20 * samples)
    assert quiet["active"].mean() < 0.005
    assert loud["active"].mean() < 0.005
    np.testing.assert_allclose(loud["level_db"] - quiet["level_db"], 20 * np.log10(20), atol=1e-3)


def test_levels_are_mean_power_and_bands_add_up():
    time = np.arange(3 * RATE) / RATE
    tone = (0.1 * np.sqrt(2) * np.sin(2 * np.pi * 1500 * time)).astype(np.float32)
    frames = run(tone + 0.5)  # an offset does not count
    inside = frames["level_db"][5:-5]
    np.testing.assert_allclose(inside, -20.0, atol=0.05)
    edges = Activity(RATE).band_edges_hz
    band = np.searchsorted(edges, 1500) - 1
    assert (frames["band_db"][5:-5].argmax(axis=1) == band).all()
    np.testing.assert_allclose(
        10 * np.log10((10 ** (frames["band_db"] / 10)).sum(axis=1)), frames["level_db"], atol=0.1
    )


def test_blocks_of_any_size_give_the_same_frames(clips):
    samples, _ = mixed(clips, noise(40, 1.0), snr_db=6)
    samples = samples[: 40 * RATE - 77]
    whole = run(samples, block=len(samples))
    assert len(whole["active"]) == -(-len(samples) // 160)
    for block in (997, RATE // 100, 11 * RATE + 3):
        other = run(samples, block)
        for name in FIELDS:
            np.testing.assert_array_equal(whole[name], other[name])


def test_a_quiet_tail_belongs_to_the_sound_before_it():
    samples = noise(40)
    time = np.arange(int(3.2 * RATE)) / RATE
    tail = np.where(time < 0.2, 0.5, 0.055) * np.sin(2 * np.pi * 1500 * time)  # at last 15 dB over its band
    alone, joined = samples.copy(), samples.copy()
    joined[17 * RATE : 17 * RATE + len(tail)] += tail.astype(np.float32)
    alone[17 * RATE : 17 * RATE + len(tail)] += np.where(time < 0.2, 0, tail).astype(np.float32)
    for block in (RATE, len(samples)):
        found = stretches(run(joined, block, snr_db=20)["active"], FRAME_SECONDS)
        assert found == [pytest.approx((17.0, 20.2), abs=0.02)]
        assert not run(alone, block, snr_db=20)["active"].any()


def test_the_window_lies_around_its_frame():
    samples = np.zeros(2 * RATE, np.float32)
    samples[RATE + 80] = 1.0  # the middle of frame 100
    level = run(samples)["level_db"]
    assert level.argmax() == 100
    assert abs(level[99] - level[101]) < 3


def test_the_floor_follows_noise_that_grows_and_sinks():
    steady = noise(120)
    samples = steady.copy()
    samples[40 * RATE : 80 * RATE] *= 4  # 12 dB louder
    frames = run(samples)
    floor = frames["floor_db"].mean(axis=1)
    assert abs(floor[7000] - floor[2000] - 12) < 1
    assert abs(floor[11000] - floor[2000]) < 1
    assert frames["active"][5500:8000].mean() < 0.01
    assert frames["active"][9500:].mean() < 0.01


def test_frames_come_late_by_the_stated_delay_at_most():
    activity = Activity(RATE)
    samples = noise(60)
    given = 0
    for second in range(60):
        given += len(activity.push(samples[second * RATE : (second + 1) * RATE]))
        assert (second + 1) - given * FRAME_SECONDS <= activity.delay_seconds + 1e-9
    assert given > 4000


def test_silence_short_sounds_and_nothing_at_all():
    assert len(run(np.empty(0, np.float32))["active"]) == 0
    assert not run(np.zeros(5 * RATE, np.float32))["active"].any()
    assert len(run(noise(0.004))["active"]) == 1
    click = np.zeros(5 * RATE, np.float32)
    click[2 * RATE : 2 * RATE + 400] = noise(0.025)
    found = stretches(run(click)["active"], FRAME_SECONDS)
    assert found == [pytest.approx((2.0, 2.03), abs=0.011)]


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 96000])
def test_any_sampling_rate_has_the_same_edges(rate):
    rng = np.random.default_rng(0)
    samples = (0.01 * rng.standard_normal(20 * rate)).astype(np.float32)
    time = np.arange(rate) / rate
    samples[8 * rate : 9 * rate] += (0.1 * np.sin(2 * np.pi * 2000 * time)).astype(np.float32)
    activity = Activity(rate)
    active = np.concatenate([activity.push(samples).active, activity.finish().active])
    found = stretches(active, activity.frame_seconds, min_seconds=0.05)
    assert found == [pytest.approx((8.0, 9.0), abs=0.02)]


def test_stretches_merge_and_drop():
    active = np.zeros(100, bool)
    for first, last in ((10, 20), (23, 30), (60, 61), (90, 100)):
        active[first:last] = True
    assert stretches(active, 0.01, first=100) == [
        pytest.approx(pair) for pair in ((1.1, 1.2), (1.23, 1.3), (1.6, 1.61), (1.9, 2.0))
    ]
    merged = stretches(active, 0.01, min_seconds=0.05, merge_gap_seconds=0.03)
    assert merged == [pytest.approx((0.1, 0.3)), pytest.approx((0.9, 1.0))]
    assert stretches(np.zeros(5, bool), 0.01) == []
