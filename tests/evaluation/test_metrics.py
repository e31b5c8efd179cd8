import json
import socket
import subprocess
import sys

import evaluate
import numpy as np
import pytest
from sklearn import metrics as reference

from audiocls.errors import DataError, ModelError
from audiocls.evaluation.metrics import (
    F1,
    Accuracy,
    BalancedAccuracy,
    ConfusionMatrix,
    Precision,
    Recall,
    label_thresholds,
    predicted_classes,
    score_predictions,
    summary_scores,
)

TARGETS = np.array([0, 0, 1, 1, 2, 2])
GIVEN = np.array([0, 1, 1, 1, 2, 0])


def scores_for(given: np.ndarray, num_labels: int) -> np.ndarray:
    return np.eye(num_labels)[given] * 0.8 + 0.2 / num_labels


def test_each_metric_is_an_evaluate_metric():
    found = {}
    for kind in (Accuracy, BalancedAccuracy, Precision, Recall, F1, ConfusionMatrix):
        metric = kind()
        assert isinstance(metric, evaluate.Metric)
        found |= metric.compute(predictions=GIVEN, references=TARGETS)
    precision, recall, f1, _ = reference.precision_recall_fscore_support(TARGETS, GIVEN, average="macro")
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["balanced_accuracy"] == pytest.approx(recall)
    assert (found["macro_precision"], found["macro_f1"]) == (pytest.approx(precision), pytest.approx(f1))
    assert found["confusion_matrix"] == [[1, 1, 0], [0, 2, 0], [1, 0, 1]]


def test_batches_add_up():
    metric = F1()
    for start in range(0, 6, 2):
        metric.add_batch(predictions=GIVEN[start : start + 2], references=TARGETS[start : start + 2])
    assert metric.compute() == F1().compute(predictions=GIVEN, references=TARGETS)


def test_metrics_combine():
    combined = evaluate.combine([Accuracy(), Recall(num_labels=4)])
    found = combined.compute(predictions=GIVEN.tolist(), references=TARGETS.tolist())
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["class_recall"] == [0.5, 1.0, 0.5, 0.0]


def test_several_labels_a_clip():
    wanted, given = np.array([[1, 0], [1, 1], [0, 1]]), np.array([[1, 0], [1, 0], [1, 1]])
    combined = evaluate.combine([Accuracy("multilabel"), F1("multilabel"), ConfusionMatrix("multilabel")])
    found = combined.compute(predictions=given, references=wanted)
    assert found["accuracy"] == pytest.approx(1 / 3)
    assert found["class_f1"] == pytest.approx([0.8, 2 / 3])
    assert found["micro_f1"] == pytest.approx(reference.f1_score(wanted, given, average="micro"))
    assert found["confusion_matrix"] == reference.multilabel_confusion_matrix(wanted, given).tolist()


def test_nothing_is_written_and_nothing_is_fetched(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(evaluate, "load", refuse)
    cache = tmp_path / "cache"
    Accuracy(cache_dir=str(cache)).compute(predictions=GIVEN, references=TARGETS)
    score_predictions(TARGETS, scores_for(GIVEN, 3), ["a", "b", "c"])
    assert not cache.exists()


def test_importing_needs_no_network_and_warns_of_nothing():
    program = (
        "import socket\n"
        "def refuse(*_): raise SystemExit('the network was used')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "import audiocls.evaluation.metrics"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_one_epoch_in_short():
    precision, recall, f1, _ = reference.precision_recall_fscore_support(TARGETS, GIVEN, average="macro")
    expected = {"accuracy": 4 / 6, "precision": precision, "recall": recall, "f1": f1}
    assert summary_scores(TARGETS, GIVEN) == pytest.approx(expected)
    rows = np.eye(3, dtype=int)
    assert summary_scores(rows[TARGETS], rows[GIVEN], multi_label=True)["f1"] == pytest.approx(f1)


def test_all_scores_survive_json_and_carry_size_and_interval():
    metrics = score_predictions(TARGETS, scores_for(GIVEN, 3), ["a", "b", "c"], groups=["x", "x", "y", "y", "z", "z"])
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    assert (metrics["size"], metrics["interval_units"], metrics["interval_unit"]) == (6, 3, "group")
    row = metrics["per_class"]["b"]
    assert (row["precision"], row["recall"], row["f1"], row["support"]) == (2 / 3, 1.0, 0.8, 2)
    for name, (low, high) in row["intervals"].items():
        assert 0 <= low <= row[name] <= high <= 1
    for name, (low, high) in metrics["intervals"].items():
        assert 0 <= low <= metrics[name] <= high <= 1
    assert {"accuracy", "balanced_accuracy", "macro_precision", "macro_recall", "macro_f1"} == set(metrics["intervals"])


def test_several_labels_apply_above_one_half():
    scores = np.array([[0.51, 0.5], [0.2, 0.9]])
    metrics = score_predictions(np.array([[1, 0], [0, 1]], np.float32), scores, ["a", "b"], multi_label=True)
    assert metrics["accuracy"] == metrics["micro_f1"] == 1.0
    assert metrics["confusion_matrix"] == {"labels": ["a", "b"], "counts": [[[1, 0], [0, 1]], [[1, 0], [0, 1]]]}


def test_several_labels_apply_above_their_own_thresholds():
    scores = np.array([[0.3, 0.6], [0.2, 0.9]])
    assert predicted_classes(scores, True, np.array([0.25, 0.7])).tolist() == [[1, 0], [0, 1]]
    targets, thresholds = np.array([[1, 0], [0, 1]], np.float32), {"b": 0.7, "a": 0.25}
    metrics = score_predictions(targets, scores, ["a", "b"], multi_label=True, thresholds=thresholds)
    assert metrics["accuracy"] == 1.0
    assert metrics["thresholds"] == thresholds
    assert score_predictions(targets, scores, ["a", "b"], multi_label=True)["accuracy"] == 0.5


def test_of_two_classes_the_second_is_given_above_its_threshold():
    scores = np.array([[0.7, 0.3], [0.8, 0.2], [0.1, 0.9]])
    thresholds = {"no": 0.75, "yes": 0.25}
    assert predicted_classes(scores, thresholds=label_thresholds(thresholds, ["no", "yes"])).tolist() == [1, 0, 1]
    metrics = score_predictions(np.array([1, 0, 1]), scores, ["no", "yes"], thresholds=thresholds)
    assert metrics["per_class"]["yes"]["recall"] == 1.0
    assert score_predictions(np.array([1, 0, 1]), scores, ["no", "yes"])["per_class"]["yes"]["recall"] == 0.5


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        ({"a": 0.5}, "none for class b"),
        ({"a": 0.5, "b": 1.5}, "1.5 of class b is no number between 0 and 1"),
        ({"a": "high", "b": 0.5}, "'high' of class a"),
        ({"a": float("nan"), "b": 0.5}, "nan of class a"),
    ],
)
def test_thresholds_that_cannot_be_used_are_named(thresholds, message):
    with pytest.raises(ModelError, match=message):
        score_predictions(np.array([0, 1]), np.full((2, 2), 0.5), ["a", "b"], thresholds=thresholds)


def test_thresholds_are_not_for_one_answer_among_many():
    with pytest.raises(ModelError, match="not among 3"):
        predicted_classes(np.full((2, 3), 1 / 3), thresholds=[0.5] * 3)


def test_the_calibration_before_stands_beside_the_one_after():
    generator = np.random.default_rng(0)
    after = generator.dirichlet([1, 1, 1], 400)
    targets = np.array([generator.choice(3, p=row) for row in after])
    before = after**4 / (after**4).sum(1, keepdims=True)
    calibration = score_predictions(targets, after, list("abc"), scores_before=before)["calibration"]
    assert calibration["ece"] < 0.1 < calibration["ece_before"]
    low, high = calibration["interval_before"]
    assert low <= calibration["ece_before"] <= high
    assert "ece_before" not in score_predictions(targets, after, list("abc"))["calibration"]


def test_how_many_clips_were_rejected_is_passed_on():
    rejection = {"accepted": 0.9, "interval": [0.8, 1.0], "negatives": None}
    metrics = score_predictions(TARGETS, scores_for(GIVEN, 3), list("abc"), rejection=rejection)
    assert metrics["rejection"] == rejection


def test_a_class_that_never_occurs_scores_zero_without_a_warning():
    metrics = score_predictions(TARGETS, scores_for(GIVEN, 5), list("abcde"))
    nothing = dict.fromkeys(("precision", "recall", "f1"))
    assert metrics["per_class"]["e"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0, "intervals": nothing}
    assert metrics["macro_recall"] == pytest.approx(2 / 3)


def test_scores_repeat_and_leave_the_global_generator_alone():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 (the global one is what is watched)
    first, second = (score_predictions(TARGETS, scores_for(GIVEN, 3), list("abc")) for _ in range(2))
    assert first == second
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


@pytest.mark.parametrize(
    ("targets", "scores", "labels", "error", "message"),
    [
        (np.zeros(0, int), np.zeros((0, 2)), ["a", "b"], DataError, "no clip"),
        (np.array([0, 2]), np.full((2, 2), 0.5), ["a", "b"], DataError, "outside the 2 labels"),
        (np.array([0, -1]), np.full((2, 2), 0.5), ["a", "b"], DataError, "outside the 2 labels"),
        (np.array([0, 1]), np.full((2, 3), 0.5), ["a", "b"], ModelError, "shape"),
        (np.array([0, 1]), np.array([[0.5, np.nan], [0.5, 0.5]]), ["a", "b"], ModelError, "not finite"),
        (np.array([[0, 1]]), np.full((1, 2), 0.5), ["a", "b"], DataError, "multi_label=False"),
        (np.array([0, 1]), np.full((2, 2), 0.5), ["a", "a"], DataError, "same name"),
    ],
)
def test_what_cannot_be_scored_is_said(targets, scores, labels, error, message):
    with pytest.raises(error, match=message):
        score_predictions(targets, scores, labels)
