"""Answers survive being packed, whatever the number of labels."""

import numpy as np
import pytest

from audiocls.evaluation.metrics import predicted_classes
from audiocls.tuning.answers import MOST_LETTERS, packed, unpacked

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("labels", "multi_label"), [(2, False), (700, False), (3, True), (17, True)])
def test_answers_survive(labels, multi_label):
    scores = RNG.random((101, labels)).astype(np.float32)
    again = unpacked(packed(scores, multi_label), 101, labels, multi_label)
    np.testing.assert_array_equal(predicted_classes(again, multi_label), predicted_classes(scores, multi_label))


def test_many_clips_fit_and_too_many_are_not_kept():
    usual = np.eye(10, dtype=np.float32)[RNG.integers(0, 10, 50_000)]
    assert len(packed(usual, False)) < MOST_LETTERS
    assert packed(RNG.random((500_000, 2)), False) is None
