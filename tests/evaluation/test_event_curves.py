"""Curves over thresholds, and the thresholds chosen from them."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from audiocls.detection.event import Event
from audiocls.evaluation.event_curves import GRID, best_thresholds, event_curve, segment_curves
from audiocls.evaluation.event_scores import Findings, Tally


def tallies(*classes):
    """Of classes given as (scores of right events, scores of wrong ones, number of true events), in one recording."""
    return [
        Tally(
            np.array([[float((right >= step).sum()) for right, _, _ in classes]]),
            np.array([[float((right >= step).sum() + (wrong >= step).sum()) for right, wrong, _ in classes]]),
            np.array([[float(true) for *_, true in classes]]),
        )
        for step in GRID
    ]


def test_a_class_with_many_events_has_a_threshold_of_its_own():
    rng = np.random.default_rng(0)
    low = (rng.uniform(0.3, 0.5, 200), rng.uniform(0.0, 0.2, 400), 200)
    high = (rng.uniform(0.85, 1.0, 200), rng.uniform(0.0, 0.7, 400), 200)
    chosen = best_thresholds(tallies(low, high), GRID)
    assert 0.2 <= chosen[0] <= 0.3
    assert 0.7 <= chosen[1] <= 0.85


def test_a_class_with_few_events_goes_with_the_others():
    rng = np.random.default_rng(0)
    usual = (rng.uniform(0.6, 1.0, 300), rng.uniform(0.0, 0.5, 300), 300)
    lucky = (np.array([0.999]), np.array([0.9]), 1)  # one event, which only the highest threshold gets quite right
    alone, shared = (best_thresholds(tallies(usual, lucky), GRID, prior_events=prior)[1] for prior in (0.0, 8.0))
    assert alone > 0.9
    assert 0.45 <= shared <= 0.65


def test_a_class_that_is_not_there_has_the_common_threshold():
    usual = (np.full(20, 0.8), np.full(20, 0.3), 20)
    absent = (np.zeros(0), np.zeros(0), 0)
    chosen = best_thresholds(tallies(usual, absent), GRID)
    assert chosen[1] == pytest.approx(chosen[0])
    assert 0.35 <= chosen[0] <= 0.75


def test_the_middle_of_equally_good_thresholds_is_chosen():
    chosen = best_thresholds(tallies((np.full(50, 0.95), np.full(50, 0.1), 50)), GRID)[0]
    assert chosen == pytest.approx(0.5, abs=0.1)


def test_the_curve_of_events_is_that_of_its_tallies():
    curve = event_curve(tallies((np.array([0.9, 0.4]), np.array([0.6]), 4)), GRID, ["drum"])
    at = curve["threshold"].index(0.5)
    assert curve["per_class"]["drum"]["precision"][at] == 0.5
    assert curve["overall"]["recall"][at] == 0.25
    assert curve["overall"]["precision"][-1] is None  # nothing is found any more
    assert curve["overall"]["f1"][-1] == 0


def test_average_precision_is_that_of_all_segments():
    rng = np.random.default_rng(0)
    recordings, given = [], []
    for number in range(3):
        truth = [Event(start, start + 1, "drum") for start in range(number, 50, 7)]
        recordings.append(Findings(str(number), 50.0, truth, []))
        given.append(rng.uniform(0, 1, (50, 2)).astype(np.float32))
        given[-1][[int(event.start_seconds) for event in truth], 0] += 0.3
    told = segment_curves(recordings, given, ["drum", "bell"], 1.0)
    wanted = np.concatenate([[any(e.start_seconds == k for e in each.truth) for k in range(50)] for each in recordings])
    expected = average_precision_score(wanted, np.concatenate(given)[:, 0])
    assert told["average_precision"]["per_class"] == {"drum": pytest.approx(expected), "bell": None}
    assert told["average_precision"]["macro"] == pytest.approx(expected)
    assert list(told["curves"]) == ["drum"]
    assert len(told["curves"]["drum"]["recall"]) == len(told["curves"]["drum"]["precision"]) <= 200


def test_where_nothing_is_there_there_is_no_average_precision():
    told = segment_curves([Findings("a", 3.0, [], [])], [np.zeros((3, 1), np.float32)], ["drum"], 1.0)
    assert told == {"average_precision": {"macro": None, "per_class": {"drum": None}}, "curves": {}}
