"""Trees as tensors must say what scikit-learn says, for every kind of target."""

import numpy as np
import pytest
import torch
from scipy.special import expit

from audiocls.classical.fit import GROW
from audiocls.classical.growing import staged_scores
from audiocls.classical.samples import Samples
from audiocls.classical.tensors import rounded_down, tree_tensors
from audiocls.models.clip_statistics import num_statistics
from audiocls.models.configuration_audiocls import AudioClsConfig
from audiocls.models.trees import Boosting, Forest

STATISTICS = num_statistics(2, None)


def samples(targets, seed=0):
    """Clips whose statistics lean towards their labels, every third with two windows."""
    targets = np.asarray(targets, np.float32)
    owners = np.sort(np.concatenate([np.arange(len(targets)), np.arange(0, len(targets), 3)]))
    rng = np.random.default_rng(seed)
    statistics = rng.normal(size=(len(owners), STATISTICS)).astype(np.float32)
    statistics[:, : targets.shape[1]] += targets[owners]
    statistics = statistics.round(1)  # with values that many share, as thresholds then lie on them
    return Samples(statistics, owners, targets, np.arange(len(targets)))


def classes(count, num_labels, used=None):
    used = range(num_labels) if used is None else used
    return np.eye(num_labels)[[list(used)[clip % len(used)] for clip in range(count)]]


def several(count, num_labels, seed=0):
    return (np.random.default_rng(seed).random((count, num_labels)) < 0.4).astype(float)


def network(kind, grown, num_labels, multi_label):
    sizes, state = tree_tensors(grown)
    config = AudioClsConfig(
        features="mfcc", n_mfcc=2, id2label={label: str(label) for label in range(num_labels)}, network=sizes,
        problem_type="multi_label_classification" if multi_label else "single_label_classification",
    )  # fmt: skip
    made = {"forest": Forest, "boosting": Boosting}[kind](config, 2)
    made.load_state_dict(state)
    made.check()
    return made.eval()


def scores(made, statistics, multi_label):
    logits = made.from_statistics(torch.from_numpy(statistics)).double()
    return (logits.sigmoid() if multi_label else logits.softmax(-1)).detach().numpy()


def probabilities(kind, grown, statistics, num_labels, multi_label):
    """What scikit-learn's predict_proba says of all labels; 0 of those it never saw."""
    found = np.zeros((len(statistics), num_labels))
    if not multi_label:
        estimator = grown.estimators[0]
        found[:, estimator.classes_] = estimator.predict_proba(statistics)
    elif kind == "forest":
        estimator = grown.estimators[0]
        for label, shares in enumerate(estimator.predict_proba(statistics)[:num_labels]):
            known = estimator.classes_[label].tolist()
            found[:, label] = shares[:, known.index(1)] if 1 in known else 0.0
    else:
        found[:] = expit(grown.start)
        for estimator, columns in zip(grown.estimators, grown.columns, strict=True):
            found[:, columns[0]] = estimator.predict_proba(statistics)[:, 1]
    return found


TARGETS = {
    "five classes": (classes(60, 5), False),
    "two classes": (classes(40, 2), False),
    "a class is missing": (classes(40, 4, used=[0, 1, 3]), False),
    "all but two are missing": (classes(30, 4, used=[1, 3]), False),
    "two clips a class": (classes(6, 3), False),
    "several labels": (several(60, 4), True),
    "labels that none and all have": (np.hstack([several(40, 2), np.zeros((40, 1)), np.ones((40, 1))]), True),
    "one label": (several(40, 1), True),
}


@pytest.mark.parametrize("case", TARGETS)
@pytest.mark.parametrize("kind", ["forest", "boosting"])
def test_scores_are_those_of_scikit_learn(kind, case):
    targets, multi_label = TARGETS[case]
    known = samples(targets)
    weights = np.linspace(0.5, 2, targets.shape[1]).astype(np.float32)
    grown = GROW[kind](known, multi_label, weights, 20, seed=3)
    unknown = samples(classes(300, targets.shape[1]), seed=1)
    made = network(kind, grown, targets.shape[1], multi_label)
    for statistics in (known.statistics, unknown.statistics):
        wanted = probabilities(kind, grown, statistics, targets.shape[1], multi_label)
        found = scores(made, statistics, multi_label)
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)
        *_, last = staged_scores(grown, statistics, [1, 20])
        np.testing.assert_allclose(last, wanted, rtol=0, atol=1e-6)
    assert np.ptp(found, axis=0).max() > 0.1


@pytest.mark.parametrize("kind", ["forest", "boosting"])
def test_a_single_class_is_all_it_knows(kind):
    known = samples(classes(8, 3, used=[2]))
    grown = GROW[kind](known, False, np.ones(3, np.float32), 5, seed=0)
    found = scores(network(kind, grown, 3, False), known.statistics, False)
    np.testing.assert_allclose(found, np.tile([0, 0, 1], (len(found), 1)), atol=1e-6)
    *_, last = staged_scores(grown, known.statistics, [5])
    np.testing.assert_allclose(last, found, atol=1e-6)


@pytest.mark.parametrize("kind", ["forest", "boosting"])
def test_the_seed_decides(kind):
    known = samples(classes(60, 5))
    made = [tree_tensors(GROW[kind](known, False, np.ones(5, np.float32), 5, seed))[1] for seed in (0, 0, 1)]
    assert all(torch.equal(made[0][name], made[1][name]) for name in made[0])
    assert made[0]["thresholds"].tolist() != made[2]["thresholds"].tolist()


def test_weights_of_classes_count():
    targets = classes(60, 2)
    known = samples(targets)
    known.statistics[:] = np.random.default_rng(0).normal(size=known.statistics.shape)  # nothing to learn but frequency
    for kind in ("forest", "boosting"):
        means = []
        for weights in ([1, 1], [1, 9]):
            grown = GROW[kind](known, False, np.array(weights, np.float32), 30, seed=0)
            *_, last = staged_scores(grown, samples(targets, seed=5).statistics, [30])
            means.append(last[:, 1].mean())
        assert means[1] > means[0] + 0.1 or kind == "forest"  # grown to the end, a forest's leaves hold one clip each


def test_a_clips_windows_share_its_weight():
    known = samples(classes(9, 3))
    weights = known.weights(np.array([1.0, 2.0, 3.0], np.float32))
    assert np.bincount(known.owners, weights).tolist() == pytest.approx([1, 2, 3] * 3)


def test_thresholds_are_rounded_so_that_no_comparison_changes():
    exact = np.random.default_rng(0).normal(size=1000)
    rounded = rounded_down(exact)
    assert rounded.dtype == np.float32
    values = np.concatenate([rounded, np.nextafter(rounded, np.float32(np.inf)), exact.astype(np.float32)])
    exact, rounded = np.tile(exact, 3), np.tile(rounded, 3)
    assert ((values.astype(np.float64) <= exact) == (values <= rounded)).all()
