"""The mistakes found are those that were made, the most confident first."""

import numpy as np
import pytest

from audiocls.evaluation.evaluation import evaluate_scores
from audiocls.mistakes.mistakes import confusions, find_mistakes, label_errors
from tests.mistakes.conftest import answer
from tests.small_models import LABELS

TARGETS = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 1], [0, 0, 0]], np.float32)
SCORES = np.array([[0.9, 0.2, 0.1], [0.7, 0.8, 0.45], [0.1, 0.6, 0.05], [0.1, 0.1, 0.2]], np.float32)


def several(thresholds=None):
    return evaluate_scores(list("abcd"), TARGETS, SCORES, list("xyz"), multi_label=True, thresholds=thresholds)


def test_mistakes_come_the_most_confident_first(evaluated, sounds):
    mistakes = find_mistakes(evaluated)
    assert [each.index for each in mistakes] == [1, 69, 2]
    assert [each.confidence for each in mistakes] == pytest.approx([0.95, 0.8, 0.6])
    assert mistakes[0].file == sounds.files[1]
    assert (mistakes[0].true, mistakes[0].given) == (("animal",), ("drum",))
    assert (mistakes[0].false_alarms, mistakes[0].missed) == (("drum",), ("animal",))


def test_confusions_are_counted_among_the_clips_of_the_class(evaluated, sounds):
    first, second = confusions(evaluated, find_mistakes(evaluated))
    assert (first.true, first.given, first.number, first.total) == (
        "animal",
        "drum",
        2,
        int((sounds.targets == 0).sum()),
    )
    assert first.examples == (1, 2)
    assert (second.true, second.given, second.number) == ("wood", "speech", 1)


def test_of_several_labels_each_is_a_false_alarm_or_a_miss():
    mistakes = find_mistakes(several())
    assert [each.file for each in mistakes] == ["c", "b"]
    assert (mistakes[0].false_alarms, mistakes[0].missed) == (("y",), ("z",))
    assert mistakes[0].confidence == pytest.approx(0.95)  # of missing z
    assert mistakes[1].confidence == pytest.approx(0.7)  # of the false alarm
    found = {each.label: each for each in label_errors(several(), mistakes)}
    assert (found["x"].false_alarms, found["x"].absent, found["x"].missed, found["x"].present) == (1, 3, 0, 1)
    assert (found["z"].false_alarms, found["z"].absent, found["z"].missed, found["z"].present) == (0, 2, 2, 2)
    assert found["y"].examples == (2,)


def test_thresholds_of_the_model_decide_what_is_a_mistake():
    mistakes = find_mistakes(several({"x": 0.75, "y": 0.7, "z": 0.01}))
    assert {each.file: (each.false_alarms, each.missed) for each in mistakes} == {
        "a": (("z",), ()),
        "d": (("z",), ()),
    }


def test_all_right_is_no_mistake(sounds):
    perfect = evaluate_scores(sounds.files, sounds.targets, answer(sounds.targets), LABELS, sounds.groups)
    assert find_mistakes(perfect) == confusions(perfect, []) == []
