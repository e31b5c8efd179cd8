"""Losses agree with torch's own, add up over split batches, and refuse what they cannot express."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from audiocls.config import TrainConfig
from audiocls.errors import UsageError
from audiocls.training.losses import Loss, class_weights

LOGITS = torch.tensor([[1.0, -0.5, 0.2], [0.3, 2.0, -1.0], [-1.0, 0.0, 0.5]])
LABELS = torch.tensor([0, 1, 1])
ONE_HOT = F.one_hot(LABELS, 3).float()


def make(multi_label=False, weights=(1.0, 1.0, 1.0), **settings):
    config = TrainConfig(**{"label_smoothing": 0.0, **settings})
    return Loss(config, multi_label, np.array(weights, dtype=np.float32))


def test_cross_entropy_is_torchs_with_smoothing_and_weights():
    expected = F.cross_entropy(LOGITS, LABELS, label_smoothing=0.1, reduction="sum")
    assert make(label_smoothing=0.1)(LOGITS, ONE_HOT) == pytest.approx(float(expected), rel=1e-6)
    weights = (1.0, 3.0, 1.0)
    expected = F.cross_entropy(LOGITS, LABELS, weight=torch.tensor(weights), reduction="sum")
    assert make(weights=weights)(LOGITS, ONE_HOT) == pytest.approx(float(expected), rel=1e-6)


def test_binary_cross_entropy_on_two_classes_gives_softmax_scores():
    logits, targets = LOGITS[:, :2], ONE_HOT[:, :2]
    binary = make(weights=(1.0, 1.0), loss="binary_cross_entropy")(logits, targets)
    probability = logits.softmax(1)[:, 1]
    assert binary == pytest.approx(float(F.binary_cross_entropy(probability, targets[:, 1], reduction="sum")), rel=1e-5)


def test_several_labels_use_independent_sigmoids():
    targets = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
    expected = F.binary_cross_entropy_with_logits(LOGITS, targets, reduction="none").mean(1).sum()
    assert make(multi_label=True)(LOGITS, targets) == pytest.approx(float(expected), rel=1e-6)


def test_a_split_batch_adds_up():
    loss = make(weights=(0.5, 1.0, 2.0), label_smoothing=0.1)
    parts = loss(LOGITS[:1], ONE_HOT[:1]) + loss(LOGITS[1:], ONE_HOT[1:])
    assert float(parts) == pytest.approx(float(loss(LOGITS, ONE_HOT)), rel=1e-6)


def test_impossible_choices_are_refused():
    with pytest.raises(UsageError, match="two classes"):
        make(loss="binary_cross_entropy")
    with pytest.raises(UsageError, match="several labels"):
        make(multi_label=True, loss="cross_entropy")


def test_rare_classes_weigh_more_only_when_counts_differ():
    assert class_weights(np.array([10, 11]), "auto").tolist() == [1, 1]
    balanced = class_weights(np.array([10, 40]), "auto")
    assert balanced[0] == pytest.approx(4 * balanced[1])
    assert (balanced * [10, 40]).sum() == pytest.approx(50)  # mean 1 over clips
    assert class_weights(np.array([10, 40]), "none").tolist() == [1, 1]
