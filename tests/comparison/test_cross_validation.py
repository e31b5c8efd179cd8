"""Cross-validation: each clip is scored by a model that has not seen its fold; folds can end it; labels stay whole."""

import dataclasses

import numpy as np
import pytest
from accelerate import Accelerator

from audiocls.comparison.cross_validation import cross_validate
from audiocls.comparison.folds import learning_clips, make_folds
from audiocls.config import TrainConfig
from audiocls.training.run import Run
from tests.small_models import small_model


def test_every_clip_is_scored_by_a_model_that_never_saw_its_fold(tones, seen):
    folds = make_folds(tones, 3, 0)
    folds[learning_clips(tones).targets == 0] = (
        0  # the first class in one fold alone: its own model knows nothing of it
    )
    found = cross_validate(TrainConfig(), tones, folds, Run(Accelerator(cpu=True)))
    files = learning_clips(tones).files
    for fold, call in enumerate(seen):
        assert set(call.audio.test.files) == {files[i] for i in np.flatnonzero(folds == fold)}
        assert set(call.audio.train.files) == set(files) - set(call.audio.test.files)
        assert len(call.audio.validation) == 0
        assert call.audio.labels == tones.labels
        assert not set(tones.test.files) & {*call.audio.train.files, *call.audio.test.files}
    assert found.scores.shape == (len(files), 3)
    assert np.isfinite(found.scores).all()
    np.testing.assert_allclose(found.scores.sum(1), 1, rtol=1e-5)
    assert (found.scores[folds == 0, 0] < 1e-6).all()
    assert found.fold_scores[0]["accuracy"] < 1
    assert len(found.seconds) == len(found.fold_scores) == 3
    assert found.num_bytes == sum(t.nbytes for t in small_model(tones.labels).state_dict().values())
    assert found.latency_ms > 0
    assert found.mean("accuracy") == pytest.approx(np.mean([each["accuracy"] for each in found.fold_scores]))


def test_validation_clips_are_divided_too(tones, seen):
    half = len(tones.train) // 2
    audio = dataclasses.replace(
        tones, train=tones.train.subset(range(half)), validation=tones.train.subset(range(half, len(tones.train)))
    )
    found = cross_validate(TrainConfig(), audio, np.arange(len(tones.train)) % 2, Run(Accelerator(cpu=True)))
    assert len(found.scores) == len(tones.train)
    assert len(seen[0].audio.train) == len(tones.train) // 2


def test_it_can_be_ended_after_a_fold(tones, seen):
    told = []

    class Enough(Exception):
        pass

    def stop(number, scores):
        told.append((number, scores))
        raise Enough

    with pytest.raises(Enough):
        cross_validate(TrainConfig(), tones, make_folds(tones, 3, 0), Run(Accelerator(cpu=True)), stop)
    assert len(seen) == 1
    assert told[0][0] == 0
    assert set(told[0][1]) == {"accuracy", "balanced_accuracy", "macro_f1"}


def test_a_real_kind_learns_tones(tones):
    found = cross_validate(TrainConfig(model="forest"), tones, make_folds(tones, 2, 0), Run(Accelerator(cpu=True)))
    assert found.mean("accuracy") > 0.6  # a third by chance; there are eight clips to train on
    assert all(seconds > 0 for seconds in found.seconds)


def test_a_real_network_is_trained_and_scored(tones):
    config = TrainConfig(num_epochs=1)
    runs = [cross_validate(config, tones, make_folds(tones, 2, 0), Run(Accelerator(cpu=True))) for _ in range(2)]
    np.testing.assert_array_equal(runs[0].scores, runs[1].scores)
    np.testing.assert_allclose(runs[0].scores.sum(1), 1, rtol=1e-5)


def test_held_out_clips_can_be_played_at_other_speeds(tones, seen, monkeypatch):
    """An octave faster, a tone has half its length; each clip is scored once at each speed, by the same model."""
    lengths = []

    def stream(self, clips, batch_size):
        for clip in clips:
            lengths.append(len(clip["array"]))
            yield np.full(3, len(clip["array"]), np.float32)

    monkeypatch.setattr("audiocls.inference.classifier.AudioClassifier.stream_scores", stream)
    folds = make_folds(tones, 2, 0)
    found = cross_validate(TrainConfig(), tones, folds, Run(Accelerator(cpu=True)), speeds=(1.0, 2.0))
    count = len(tones.train) + len(tones.validation)
    assert found.scores.shape == (2 * count, 3)
    np.testing.assert_allclose(found.scores[count:, 0] * 2, found.scores[:count, 0], atol=2)
    assert len(lengths) == 2 * count
    assert len(seen) == 2
