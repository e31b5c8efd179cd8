"""Scores of segments come of the sounds that reach into them, and a little of the windows around."""

import numpy as np
import pytest

from audiocls.detection.hearing import Heard, Sound
from audiocls.detection.plan import Plan
from audiocls.detection.scan import Windows
from audiocls.evaluation.segment_scores import SOUND_SHARE, by_middle, segment_scores

RATE = 1000


def plan(reported=(True, True)):
    return Plan(1000, 500, RATE, ("drum", "bell"), np.full(2, 0.5, np.float32), np.array(reported), 0.05, 0.2)


def scores(*values):
    return np.array([[value, 1 - value] for value in values], np.float32)


def test_a_segment_has_the_best_score_of_the_windows_in_its_middle():
    given = np.array([[0.1], [0.9], [0.2], [0.3], [0.4]], np.float32)  # middles at 0.5, 1, 1.5, 2 and 2.35
    found = by_middle(given, window_seconds=1.0, hop_seconds=0.5, seconds=2.7, segment_seconds=1.0)
    np.testing.assert_allclose(found[:, 0], [0.1, 0.9, 0.4])


def test_a_segment_between_windows_has_the_score_of_the_nearest():
    given = np.array([[0.1], [0.9]], np.float32)  # middles at 2 and 6
    found = by_middle(given, window_seconds=4.0, hop_seconds=4.0, seconds=8.0, segment_seconds=1.0)
    np.testing.assert_allclose(found[:, 0], [0.1, 0.1, 0.1, 0.1, 0.9, 0.9, 0.9, 0.9])


def test_a_sound_counts_in_every_segment_that_it_reaches_into():
    silent = Sound(0, 900, np.array([1.0, 1.0], np.float32), -np.inf)
    heard = [
        Heard([Windows(0, scores(0.4, 0.4, 0.4), np.zeros(3, np.float32))], [silent], 0),
        Heard([Windows(3, scores(0.4, 0.4), np.array([0, -np.inf], np.float32))], [], 0),
        Heard([], [Sound(1500, 2100, np.array([0.8, 0.2], np.float32), np.nan)], 3000),
    ]
    found = segment_scores(heard, plan(), 3.0, 1.0)
    around = 1 - SOUND_SHARE
    np.testing.assert_allclose(found[:, 0], [around * 0.4, *[SOUND_SHARE * 0.8 + around * 0.4] * 2], atol=1e-6)
    assert found.dtype == np.float32
    assert segment_scores(heard, plan((False, True)), 3.0, 1.0).shape == (3, 1)


@pytest.mark.parametrize("seconds", [0.0, 2.0])
def test_nothing_heard_is_no_score(seconds):
    assert not segment_scores([Heard([], [], 0)], plan(), seconds, 1.0).any()
