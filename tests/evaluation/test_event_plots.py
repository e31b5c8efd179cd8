"""Pictures of events are drawn for any classes, and are not empty."""

import numpy as np
import pytest

from audiocls.detection.event import Event
from audiocls.evaluation.event_curves import segment_curves
from audiocls.evaluation.event_plots import counts_figure, precision_recall_figure
from audiocls.evaluation.event_scores import Findings, score_events


def pixels(figure):
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3]


@pytest.mark.parametrize("labels", [["drum"], [f"class $_{number}^" for number in range(30)]])
def test_pictures_of_one_class_and_of_many(labels):
    truth = [Event(k, k + 0.5, label) for k, label in enumerate(labels)]
    heard = [Findings("a", 40.0, truth, truth[:1]), Findings("b", 40.0, [], truth)]
    scores = [np.random.default_rng(k).uniform(0, 1, (40, len(labels))).astype(np.float32) for k in range(2)]
    told = score_events(heard, labels)
    curves = segment_curves(heard, scores, labels, 1.0)
    figure = precision_recall_figure(
        curves["curves"], curves["average_precision"]["per_class"], told["segments"]["per_class"], 1.0
    )
    assert (pixels(figure) == (0, 114, 178)).all(-1).sum() > 100  # the first class's colour
    assert (pixels(counts_figure(told["counts"]["per_recording"], labels)) < 200).any()


def test_pictures_without_any_event():
    told = score_events([Findings("a", 5.0, [], [])], ["drum"])
    assert pixels(counts_figure(told["counts"]["per_recording"], ["drum"])).size
    assert pixels(precision_recall_figure({}, {"drum": None}, told["segments"]["per_class"], 1.0)).size
