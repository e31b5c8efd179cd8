import numpy as np
import pytest
from sklearn import metrics as reference

from audiocls.evaluation.counts import confusion, count, ratio


@pytest.fixture
def answers() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    targets = generator.integers(0, 5, 200)
    return targets, np.where(generator.random(200) < 0.6, targets, generator.integers(0, 5, 200))


def test_scores_agree_with_scikit_learn(answers):
    targets, given = answers
    counts = count(targets, given, 5)
    precision, recall, f1, support = reference.precision_recall_fscore_support(targets, given)
    np.testing.assert_allclose(counts.precision(), precision)
    np.testing.assert_allclose(counts.recall(), recall)
    np.testing.assert_allclose(counts.f1(), f1)
    np.testing.assert_array_equal(counts.support, support)
    assert counts.accuracy() == pytest.approx(reference.accuracy_score(targets, given))
    assert counts.balanced_accuracy(False) == pytest.approx(reference.balanced_accuracy_score(targets, given))
    np.testing.assert_array_equal(confusion(targets, given, 5), reference.confusion_matrix(targets, given))


def test_several_labels_a_clip_agree_with_scikit_learn():
    generator = np.random.default_rng(1)
    targets = (generator.random((100, 4)) < 0.4).astype(int)
    given = np.where(generator.random((100, 4)) < 0.8, targets, 1 - targets)
    counts = count(targets, given, 4)
    for average, scores in (("macro", counts), ("micro", counts.micro())):
        precision, recall, f1, _ = reference.precision_recall_fscore_support(targets, given, average=average)
        assert scores.macro(scores.precision()) == pytest.approx(precision)
        assert scores.macro(scores.recall()) == pytest.approx(recall)
        assert scores.macro(scores.f1()) == pytest.approx(f1)
    assert counts.accuracy() == pytest.approx(reference.accuracy_score(targets, given))
    each = [reference.balanced_accuracy_score(targets[:, k], given[:, k]) for k in range(4)]
    assert counts.balanced_accuracy(True) == pytest.approx(np.mean(each))
    np.testing.assert_array_equal(confusion(targets, given, 4), reference.multilabel_confusion_matrix(targets, given))


def test_a_class_without_clips_counts_in_no_mean():
    targets, given = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2])
    with_spare, without = count(targets, given, 6), count(targets, np.array([0, 0, 1, 0]), 2)
    assert with_spare.macro(with_spare.recall()) == without.macro(without.recall()) == 0.75
    assert with_spare.balanced_accuracy(False) == 0.75
    assert with_spare.recall()[2:].tolist() == [0, 0, 0, 0]


def test_a_label_that_every_clip_has_is_judged_by_its_recall():
    counts = count(np.array([[1], [1]]), np.array([[1], [0]]), 1)
    assert counts.balanced_accuracy(True) == 0.5


def test_nothing_divided_by_nothing_is_zero():
    assert ratio(np.array([0.0, 1.0]), np.array([0.0, 2.0])).tolist() == [0.0, 0.5]
