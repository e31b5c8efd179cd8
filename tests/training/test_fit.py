"""The training loop: it learns, it resumes exactly, and two processes do the work of one."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from accelerate import Accelerator

from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data
from audiocls.errors import UsageError
from audiocls.training.factory import build_model
from audiocls.training.fit import Fit
from audiocls.training.logits import clip_logits
from audiocls.training.losses import Loss
from audiocls.training.network import NetworkTrainee
from audiocls.training.optimizers import learning_rate, make_optimizer

RATE = 16000
QUICK = {"clip_seconds": 0.5, "num_epochs": 4, "batch_size": 8, "validation_size": 0.0, "test_size": 0.2}


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    """Three classes that a network tells apart in a few epochs: low, middle and high tones in noise."""
    root = tmp_path_factory.mktemp("tones")
    rng = np.random.default_rng(0)
    for name, low, high in (("high", 3000, 5000), ("low", 150, 300), ("middle", 700, 1200)):
        (root / name).mkdir()
        for k in range(10):
            t = np.arange(int(rng.uniform(0.3, 0.8) * RATE)) / RATE
            tone = 0.3 * np.sin(2 * np.pi * rng.uniform(low, high) * t) + rng.normal(0, 0.05, len(t))
            soundfile.write(root / name / f"{k}.wav", tone, RATE)
    return root


def make_fit(root, checkpoint=None, on_epoch=None, **settings):
    config = TrainConfig(**{**QUICK, **settings})
    data = load_audio_data(str(root), config)
    loss = Loss(config, data.multi_label, np.ones(len(data.labels), np.float32))
    fit = Fit(
        NetworkTrainee(build_model(config, data)),
        data.train,
        data.validation,
        config,
        loss,
        Accelerator(cpu=True),
        checkpoint,
        progress_bar=False,
        on_epoch=on_epoch,
    )
    return fit, data


def equal_weights(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_it_learns_to_tell_tones_apart(tones):
    fit, data = make_fit(tones, num_epochs=40, mixup=0.0, label_smoothing=0.0)
    fit.run()
    history = fit.progress.history
    assert history[-1]["train_loss"] < 0.7 * history[0]["train_loss"]
    logits = clip_logits(fit.classifier, data.test, np.arange(len(data.test)))
    assert (logits.argmax(1) == data.test.targets).mean() >= 0.8
    assert {"epoch", "learning_rate", "train_loss", "train_accuracy", "train_f1", "seconds"} <= set(history[0])


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tones):
    first, second, other = (make_fit(tones, num_epochs=2, seed=seed)[0].run() for seed in (1, 1, 2))
    assert equal_weights(first, second)
    assert not equal_weights(first, other)


@pytest.mark.parametrize("settings", [{}, {"validation_size": 0.25, "optimizer": "adam"}])
def test_a_stopped_and_resumed_run_ends_as_an_uninterrupted_one(tones, tmp_path, settings):
    straight = make_fit(tones, **settings)[0].run()

    class Stop(Exception):
        pass

    def stop_after_two(row):
        if row["epoch"] == 2:
            raise Stop

    checkpoint = tmp_path / "checkpoint.safetensors"
    stopped, _ = make_fit(tones, checkpoint, stop_after_two, **settings)
    with pytest.raises(Stop):
        stopped.run()
    resumed, _ = make_fit(tones, checkpoint, **settings)
    resumed.resume()
    assert resumed.progress.epoch == 2
    assert equal_weights(straight, resumed.run())
    assert [row["epoch"] for row in resumed.progress.history] == [1, 2, 3, 4]


def test_resuming_with_other_settings_is_refused_by_name(tones, tmp_path):
    checkpoint = tmp_path / "checkpoint.safetensors"
    make_fit(tones, checkpoint, num_epochs=1)[0].run()
    changed, _ = make_fit(tones, checkpoint, num_epochs=1, learning_rate=0.5)
    with pytest.raises(UsageError, match="learning_rate"):
        changed.resume()


def test_patience_stops_early_and_the_best_epoch_is_kept(tones):
    fit, _ = make_fit(tones, validation_size=0.3, num_epochs=30, early_stopping_patience=2, learning_rate=1e-7)
    fit.run()
    history = fit.progress.history
    assert len(history) < 30
    scores = [(row["validation_f1"], -row["validation_loss"]) for row in history]
    assert fit.progress.best_epoch == 1 + max(range(len(scores)), key=lambda k: (scores[k], k))
    assert len(history) == fit.progress.best_epoch + 2


def test_accumulated_steps_take_fewer_but_equal_sized_updates(tones):
    single, _ = make_fit(tones, num_epochs=1)
    single.run()
    accumulated, _ = make_fit(tones, num_epochs=1, gradient_accumulation_steps=3)
    accumulated.run()
    assert single.progress.step == 3
    assert accumulated.progress.step == 1


def test_the_learning_rate_warms_up_and_ends_at_zero():
    rates = [learning_rate(step, 100, 1.0) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == 1.0
    assert rates[9] == 1.0
    assert rates[-1] < 0.001
    assert all(a >= b for a, b in itertools.pairwise(rates[10:]))


def test_only_weights_decay():
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3))
    decayed, others = make_optimizer(model, TrainConfig()).param_groups
    assert [p.ndim for p in decayed["params"]] == [2]
    assert others["weight_decay"] == 0
    assert len(others["params"]) == 3


def launch(processes, data, output_dir):
    command = [sys.executable, "-m", "accelerate.commands.launch", "--num_processes", str(processes), "--cpu"]
    script = Path(__file__).parents[2] / "train_hf.py"
    settings = [f"--{name}={value}" for name, value in {**QUICK, "num_epochs": 30, "validation_size": 0.2}.items()]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    command += [str(script), str(data), "--output_dir", str(output_dir), *settings]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240)
    assert result.returncode == 0, result.stderr
    return output_dir


def test_two_processes_end_where_one_does(tones, tmp_path):
    one, two = (launch(count, tones, tmp_path / str(count)) for count in (1, 2))
    assert json.loads((two / "training_config.json").read_text())["processes"] == 2
    answers = [
        [row.split(",")[2] for row in (folder / "predictions.csv").read_text().splitlines()] for folder in (one, two)
    ]
    same = np.mean([a == b for a, b in zip(*answers, strict=True)])
    assert same >= 0.95
    losses = [json.loads((folder / "training_hist.json").read_text())["loss"] for folder in (one, two)]
    # Rounding grows from step to step, so the first epoch is compared closely and the end by its answers.
    assert losses[0][0] == pytest.approx(losses[1][0], rel=1e-3)
