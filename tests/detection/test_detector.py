"""A recording's events: the same however it comes in, whole at its edges, in bounded time and memory."""

import dataclasses

import numpy as np
import pytest
import torch

from audiocls.detection.detector import Detector
from audiocls.detection.event import Event
from audiocls.detection.options import DetectOptions
from audiocls.errors import UsageError

RATE = 8000
LABELS = ["high", "hum", "low"]
HZ = {"high": 2600.0, "hum": 1200.0, "low": 400.0}


class PitchClassifier:
    """Tells tones by where their energy is: a classifier that is certain and quick, in place of a trained model."""

    labels = LABELS
    multi_label = False
    sampling_rate = RATE
    window_length = 3 * RATE
    known_threshold = None
    name = "pitch"

    class model:
        device = torch.device("cpu")

        class config:
            detection = None

    def predict_known(self, waveforms, batch_size=16):
        scores = [self._scores(np.asarray(waveform, np.float64)) for waveform in waveforms]
        silent = [not len(waveform) or np.abs(waveform).max() <= 1e-3 for waveform in waveforms]
        return np.array(scores, np.float32), np.where(silent, -np.inf, np.nan).astype(np.float32)

    def _scores(self, waveform):
        power = np.abs(np.fft.rfft(waveform)) ** 2
        hz = np.fft.rfftfreq(len(waveform), 1 / RATE)
        near = [power[np.abs(hz - HZ[label]) < 60].sum() for label in LABELS]
        share = np.array(near) / (power.sum() + 1e-12)
        return share / max(1.0, share.sum())


@pytest.fixture(autouse=True)
def _slow_windows(monkeypatch):
    """No form made for speed: this classifier is no network."""
    from audiocls.detection.fast_windows import FastWindows

    monkeypatch.setattr(FastWindows, "of", classmethod(lambda cls, *args: None))


def tone(label, seconds, loudness=0.2):
    time = np.arange(round(seconds * RATE)) / RATE
    return (loudness * np.sin(2 * np.pi * HZ[label] * time)).astype(np.float32)


def recording(events, seconds=30.0, noise=0.003, seed=0):
    """Noise with tones: events are (start_seconds, seconds, label)."""
    samples = noise * np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    for start, length, label in events:
        at = min(round(start * RATE), len(samples))
        samples[at : at + round(length * RATE)] += tone(label, length)[: len(samples) - at]
    return samples.astype(np.float32)


def detect(samples, cuts=(), **options):
    detector = Detector(PitchClassifier(), DetectOptions(**options))
    events = []
    for block in np.split(samples, sorted(cuts)):
        events += detector.push(block)
    return sorted(events + detector.finish(), key=lambda event: event.start_seconds)


EVENTS = [(2.0, 0.5, "low"), (4.0, 1.2, "high"), (8.0, 0.1, "low"), (12.0, 2.0, "high"), (17.0, 0.3, "low")]


def test_events_have_their_labels_and_edges_finer_than_the_hop():
    found = detect(recording(EVENTS))
    assert [event.label for event in found] == [label for _, _, label in EVENTS]
    for event, (start, length, _) in zip(found, EVENTS, strict=True):
        assert event.start_seconds == pytest.approx(start, abs=0.03)
        assert event.end_seconds == pytest.approx(start + length, abs=0.03)
        assert 0.5 < event.mean_score <= event.peak_score <= 1


@pytest.mark.parametrize("seed", range(8))
def test_events_do_not_depend_on_the_blocks(seed):
    rng = np.random.default_rng(seed)
    places = np.cumsum(rng.uniform(0.2, 4, 12))
    events = [(at, rng.uniform(0.05, 2.5), LABELS[rng.integers(3)]) for at in places]
    samples = recording(events, seed=seed)
    whole = detect(samples)
    assert whole
    cuts = np.unique(rng.integers(0, len(samples), rng.integers(1, 400)))
    assert_same(detect(samples, cuts), whole)


def test_blocks_of_one_length_give_the_same_too():
    samples = recording(EVENTS)
    assert_same(detect(samples, range(97, len(samples), 97)), detect(samples))


def assert_same(events, others):
    assert [(e.start_seconds, e.end_seconds, e.label) for e in events] == [
        (e.start_seconds, e.end_seconds, e.label) for e in others
    ]
    np.testing.assert_allclose([e.peak_score for e in events], [e.peak_score for e in others], atol=1e-4)


def test_what_touches_the_start_or_the_end_is_found():
    found = detect(recording([(0.0, 1.0, "low"), (19.0, 1.0, "high")], seconds=20.0))
    assert [event.label for event in found] == ["low", "high"]
    assert found[0].start_seconds < 0.03
    assert found[1].end_seconds == pytest.approx(20.0, abs=0.02)


def test_silence_and_next_to_nothing_hold_no_events():
    for samples in (np.zeros(0), np.zeros(1), np.zeros(20 * RATE), np.full(5 * RATE, 0.3)):
        assert detect(samples.astype(np.float32)) == []


def test_a_recording_shorter_than_a_window_is_heard():
    found = detect(recording([(0.3, 0.2, "low")], seconds=0.8))
    assert [event.label for event in found] == ["low"]
    assert found[0].start_seconds == pytest.approx(0.3, abs=0.03)


def test_a_tone_that_fills_a_short_recording_is_an_event_where_it_stands_out_of_nothing():
    samples = np.concatenate([np.zeros(RATE), tone("high", 1.0), np.zeros(RATE)]).astype(np.float32)
    found = detect(samples)
    assert [(event.label, round(event.start_seconds, 1), round(event.end_seconds, 1)) for event in found] == [
        ("high", 1.0, 2.0)
    ]


def test_a_steady_sound_is_one_event_though_nothing_stands_out():
    samples = recording([], seconds=90.0)
    samples[20 * RATE : 80 * RATE] += tone("hum", 60.0)
    found = detect(samples)
    assert {event.label for event in found} == {"hum"}
    covered = sum(event.seconds for event in found)
    assert 50 < covered < 66
    assert len(found) <= 3


def test_an_endless_stream_gives_its_events_while_it_runs_and_holds_little():
    detector = Detector(PitchClassifier())
    rng = np.random.default_rng(0)
    delays, heard, seconds = [], 0, 0.0
    for number in range(400):
        block = (0.003 * rng.standard_normal(RATE)).astype(np.float32)
        if number % 10 == 5:
            block[1000:3000] += tone("low", 0.25)
        seconds += 1.0
        for event in detector.push(block):
            heard += 1
            delays.append(seconds - event.end_seconds)
    assert heard >= 37
    assert max(delays) < 25
    held = sum(len(block) for block in detector._hearing._blocks)
    assert held < 40 * RATE
    assert len(detector._decision._windows) < 60
    assert len(detector._decision._recent) < 60


def test_a_sound_without_end_is_told_of_while_it_goes_on(monkeypatch):
    monkeypatch.setattr("audiocls.detection.steady.MOST_SECONDS", 60.0)
    detector = Detector(PitchClassifier())
    samples = recording([], seconds=300.0) + tone("hum", 300.0)
    events = [event for block in np.split(samples, 300) for event in detector.push(block)]
    assert len(events) >= 3
    assert all(event.label == "hum" and event.seconds <= 61 for event in events)


def test_pauses_within_the_gap_are_bridged_and_short_events_dropped():
    samples = recording([(2.0, 0.4, "low"), (2.8, 0.4, "low"), (10.0, 0.1, "high")])
    assert [event.label for event in detect(samples, merge_gap_seconds=0.5)] == ["low", "high"]
    assert [event.label for event in detect(samples, merge_gap_seconds=0.2)] == ["low", "low", "high"]
    assert [event.label for event in detect(samples, min_duration_seconds=0.3)] == ["low"]


def test_only_chosen_classes_are_reported_and_the_background_never():
    samples = recording(EVENTS)
    assert {event.label for event in detect(samples, classes="low")} == {"low"}
    assert {event.label for event in detect(samples, background="low")} == {"high"}


def test_a_higher_threshold_finds_no_more():
    samples = recording(EVENTS, noise=0.03)
    counts = [len(detect(samples, threshold=f"{threshold}")) for threshold in (0.1, 0.5, 0.95, 1.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


def test_windows_are_told_in_order_and_cover_the_recording():
    told = []
    samples = recording(EVENTS, seconds=10.3)
    detector = Detector(PitchClassifier(), on_windows=told.append)
    for block in np.array_split(samples, 13):
        detector.push(block)
    detector.finish()
    firsts = np.cumsum([0, *(len(windows) for windows in told)])
    assert [windows.first for windows in told] == firsts[:-1].tolist()
    plan = detector.plan
    assert (firsts[-1] - 1) * plan.hop_length + plan.window_length >= len(samples)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": "low,bird"}, "no class 'bird'"),
        ({"classes": " , "}, "name at least one"),
        ({"background": "wind"}, "no class 'wind'"),
        ({"classes": "low", "background": "low"}, "no class is left"),
        ({"window_seconds": 5.0}, "at most 3 s"),
        ({"window_seconds": 1.0, "hop_seconds": 1.5}, "longer than the window"),
        ({"min_duration_seconds": -1.0}, "min_duration_seconds is -1"),
        ({"threshold": "2"}, "between 0 and 1"),
        ({"threshold": "nowhere.json"}, "no file nowhere.json"),
    ],
)
def test_options_that_do_not_fit_are_told(options, message):
    with pytest.raises(UsageError, match=message) as raised:
        Detector(PitchClassifier(), DetectOptions(**options))
    assert "\n" not in str(raised.value)


def test_an_event_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Event(0.0, 1.0, "low").label = "high"
