"""Costs known before a fit: from pilots on a few clips, they must come out as the real fit does."""

import dataclasses

import numpy as np
import pytest
from accelerate import Accelerator

from audiocls.comparison import budget
from audiocls.comparison.budget import Budget, finetune_cost, pilot_cost, spread
from audiocls.config import TrainConfig
from audiocls.training.run import Run


def test_a_budget_runs_down():
    now = [5.0]
    spent = Budget(60, lambda: now[0])
    now[0] += 45
    assert (spent.elapsed(), spent.left()) == (45, 15)


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(budget.time, "perf_counter", lambda: now[0])
    return now


def audio_of(tones, copies):
    clips = tones.train
    for _ in range(copies - 1):
        clips = clips.followed_by(tones.train)
    return dataclasses.replace(tones, train=clips)


def test_a_network_costs_its_epochs(tones, clock):
    """0.5 s around, 0.01 s a clip and epoch, 7 s for whatever comes first in a process."""
    audio = audio_of(tones, 10)
    sizes = []

    def fit(config, audio, run):
        sizes.append((config.num_epochs, len(audio.train)))
        clock[0] += 0.5 + 0.01 * len(audio.train) * config.num_epochs + 7 * (len(sizes) == 1)

    config = TrainConfig()
    number = len(audio.train) + len(audio.validation)
    cost = pilot_cost(config, audio, Run(Accelerator(cpu=True)), fit)
    assert cost.fit == pytest.approx(0.5 + 0.01 * number * config.epochs(number), rel=1e-6)
    assert all(epochs <= 4 and clips <= budget.PILOT_CLIPS + 3 for epochs, clips in sizes)


def test_features_are_paid_for_once(tones, clock):
    known = set()

    def fit(config, audio, run):
        clock[0] += 0.2 * len(set(audio.train.contents) - known) + 1
        known.update(audio.train.contents)

    audio = audio_of(tones, 1)
    number = len(audio.train) + len(audio.validation)
    cost = pilot_cost(TrainConfig(model="forest"), audio, Run(Accelerator(cpu=True)), fit)
    assert cost.once == pytest.approx(0.2 * number)
    assert cost.fit == pytest.approx(1)
    assert cost.of_fits(4) == pytest.approx(0.2 * number + 4)


def test_finetune_costs_what_its_probe_foretells():
    config = TrainConfig(model="finetune:x")
    seen = config.epochs(200) * 200
    assert finetune_cost(config, 200, 10.0).fit == pytest.approx(seen * 0.03)


def test_a_few_clips_stand_for_all_classes(tones):
    chosen = spread(tones.train, 6)
    assert len(chosen) <= 9
    assert set(tones.train.targets[chosen]) == {0, 1, 2}
    rare = tones.train.subset([0, *np.flatnonzero(tones.train.targets == 2)])
    assert set(rare.targets[spread(rare, 2)]) == {0, 2} or rare.targets[0] == 2
