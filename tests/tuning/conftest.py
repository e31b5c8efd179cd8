"""A quick search: real data and folds, a made score in place of the cross-validation, no training at the end."""

from types import SimpleNamespace

import numpy as np
import pytest
import sqlalchemy

from audiocls.comparison.cross_validation import CrossValidated
from audiocls.comparison.folds import learning_clips
from audiocls.config import TrainConfig
from audiocls.experiment import Experiment
from audiocls.tuning import trials, tune


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk():
    """SQLite waits for the disk at every commit; no test pulls the plug."""

    def switch_off(connection, _):
        connection.execute("PRAGMA synchronous=OFF")

    sqlalchemy.event.listen(sqlalchemy.Engine, "connect", switch_off)
    yield
    sqlalchemy.event.remove(sqlalchemy.Engine, "connect", switch_off)


@pytest.fixture(scope="session")
def tones(make_tone, tmp_path_factory):
    """Six clips of each of two classes."""
    root = tmp_path_factory.mktemp("tuning") / "tones"
    for number, label in enumerate(("high", "low")):
        for clip in range(6):
            make_tone(root / label / f"{label}_{clip}.wav", hz=(2000.0, 300.0)[number] + 7 * clip)
    return root


@pytest.fixture
def quick_config():
    return TrainConfig(num_workers=1, test_size=0.2, num_epochs=1, clip_seconds=0.3)


@pytest.fixture
def made(monkeypatch):
    """What the trials were: (config, folds). `made.score` gives the score of a fold, `made.trained` the refits.

    The settings as they were are in `made.starts`; all answer the first clips of a fold rightly, as many as they score.
    """
    world = SimpleNamespace(calls=[], starts=[], trained=[], score=lambda config, fold: 1 - abs(config.mixup - 0.3))

    def cross_validate(config, audio, folds, run, on_fold=None):
        (world.starts if on_fold is None else world.calls).append((config, audio, folds))
        targets = learning_clips(audio).targets
        answers = 1 - targets
        for fold in range(int(folds.max()) + 1):
            score = world.score(config, fold)
            right = np.flatnonzero(folds == fold)
            right = right[: round(score * len(right))]
            answers[right] = targets[right]
            if on_fold is not None:
                on_fold(fold, {"accuracy": 0.0, "balanced_accuracy": score, "macro_f1": np.nan})
        return CrossValidated(np.eye(2, dtype=np.float32)[answers])

    def train(data, output_dir, config, *, overwrite, verbose, add_files):
        world.trained.append(config)
        output_dir.mkdir(parents=True)
        (output_dir / "README.md").write_text("# A card\n")
        add_files(output_dir)
        return Experiment(output_dir, {"accuracy": 0.5}, [])

    monkeypatch.setattr(trials, "cross_validate", cross_validate)
    monkeypatch.setattr(tune, "train", train)
    return world
