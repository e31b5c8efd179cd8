"""What was heard becomes events by thresholds."""

import dataclasses

import numpy as np

from audiocls.detection.decision import Decision
from audiocls.detection.hearing import Heard, Sound
from audiocls.detection.plan import Plan

PLAN = Plan(
    window_length=16000,
    hop_length=8000,
    sampling_rate=16000,
    labels=("call", "other"),
    thresholds=np.zeros(2, np.float32),
    reported=np.ones(2, bool),
    min_duration_seconds=0.0,
    merge_gap_seconds=0.1,
)


def told(scores, thresholds, reported=(True, True)):
    """Labels of the events made of one sound."""
    plan = dataclasses.replace(PLAN, thresholds=np.array(thresholds, np.float32), reported=np.array(reported))
    sound = Sound(1600, 3200, np.array(scores, np.float32), float("nan"))
    return [event.label for event in Decision(plan, None, False).finish(Heard([], [sound], 16000), 16000)]


def test_a_sound_goes_to_the_label_that_is_most_above_its_threshold():
    """Else a low threshold would be of no use to the rarer of two classes: the other has the rest of 1."""
    assert told([0.3, 0.7], [0.2, 0.65]) == ["call"]
    assert told([0.3, 0.7], [0.6, 0.2]) == ["other"]
    assert told([0.3, 0.7], [0.2, 0.2]) == ["other"]
    assert told([0.3, 0.7], [0.4, 0.8]) == []


def test_what_is_more_likely_another_class_is_no_event_where_that_is_not_reported():
    assert told([0.3, 0.7], [0.2, 0.2], (True, False)) == []
    assert told([0.3, 0.7], [0.2, 0.65], (True, False)) == ["call"]
