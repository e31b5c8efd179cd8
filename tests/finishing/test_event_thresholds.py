"""Thresholds are where most events are found and as many as there are; of two classes a rare one gets a low one."""

import numpy as np

from audiocls.evaluation.event_scores import Tally
from audiocls.finishing.event_thresholds import STEPS, best_step, thresholds_for_events, worth


def heard(scores, label):
    """A `Find` of sounds with scores (sounds, 2), each of which is an event of its label."""

    def find(thresholds):
        passing = scores >= thresholds
        winner = np.where(passing.any(1), np.where(passing, scores - thresholds, -1).argmax(1), -1)
        counts = [[((winner == k) & (label == k)).sum(), (winner == k).sum(), (label == k).sum()] for k in (0, 1)]
        hits, found, true = np.array(counts, float).T[:, None, :]
        return Tally(hits, found, true)

    return find


def test_a_rare_class_is_heard_at_low_scores():
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1], 40)
    rare = np.where(label == 0, rng.uniform(0.2, 0.45, 80), rng.uniform(0.0, 0.15, 80))
    find = heard(np.stack([rare, 1 - rare], axis=1), label)
    common = [worth(find(np.full(2, step))) for step in STEPS]
    chosen = thresholds_for_events(find, 2, multi_label=False)
    assert worth(find(chosen)) > max(common) + 0.5
    assert worth(find(chosen)) > 1.45  # of 1.5: all are told apart
    assert chosen[0] < 0.25


def test_of_many_classes_one_threshold_serves_all():
    def find(thresholds):
        found = np.where(thresholds < 0.3, 14.0, 10.0)
        return Tally(np.where(thresholds > 0.5, 5.0, 9.0)[None], found[None], np.full((1, 4), 10.0))

    chosen = thresholds_for_events(find, 4, multi_label=False)
    assert len(set(chosen.tolist())) == 1
    assert 0.3 <= chosen[0] <= 0.5


def test_right_counts_are_worth_something():
    def tally(hits, found):
        return Tally(np.array([[hits]]), np.array([[found]]), np.array([[10.0]]))

    assert worth(tally(10.0, 10.0)) == 1.5
    assert worth(tally(8.0, 10.0)) > worth(tally(8.0, 8.0)) - 0.09  # F1 0.8 against 0.89, but as many as there are
    assert worth(tally(8.0, 10.0)) > worth(tally(8.0, 14.0))


def test_a_lucky_step_is_not_chosen():
    values = [0.0] * len(STEPS)
    values[1] = 0.7
    values[9:12] = [0.6, 0.6, 0.6]
    assert best_step(values) == STEPS[10]
