"""Time as `auto` spends it: what is left, and what a fit will cost before it is begun."""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from audiocls.comparison.folds import learning_clips
from audiocls.config import TrainConfig
from audiocls.data.clips import Clips
from audiocls.data.dataset import AudioData
from audiocls.kind_names import NETWORK_KINDS
from audiocls.training.run import Fitted, Run

PILOT_CLIPS = 40
PILOT_EPOCHS = 3
TRAINING_PER_PREDICTION = 3.0  # time for a clip: forwards, and backwards which costs about twice as much

Fit = Callable[[TrainConfig, AudioData, Run], Fitted]


class Budget:
    """A number of seconds that begins to run when it is made."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.perf_counter) -> None:
        self.seconds, self._clock, self._started = seconds, clock, clock()

    def elapsed(self) -> float:
        """Seconds since it was made."""
        return self._clock() - self._started

    def left(self) -> float:
        """Seconds that remain; negative when it is overdrawn."""
        return self.seconds - self.elapsed()


@dataclass(frozen=True)
class Cost:
    """Seconds of training: `once` for what is kept for later fits on the same clips (features), `fit` for each fit."""

    once: float
    fit: float

    def of_fits(self, number: int) -> float:
        """Seconds of some fits, with what is needed once."""
        return self.once + number * self.fit


def pilot_cost(config: TrainConfig, audio: AudioData, run: Run, fit: Fit) -> Cost:
    """What a fit on all clips will cost, from fits on a few of them.

    Networks: the time of an epoch grows with the clips, what surrounds the epochs does not. Others: the first fit
    computes features, which are kept; the second shows what solving takes, which grows slower than the clips do.
    """
    clips = learning_clips(audio)
    few = clips.subset(spread(clips, PILOT_CLIPS))
    growth = len(clips) / len(few)
    pilot_audio = dataclasses.replace(audio, train=few, validation=clips.subset([]), test=clips.subset([]))

    def seconds(settings: TrainConfig) -> float:
        started = time.perf_counter()
        fit(settings, pilot_audio, Run(run.accelerator, curves=False))
        run.accelerator.free_memory()
        return time.perf_counter() - started

    if config.kind in NETWORK_KINDS:
        one = config.replaced(num_epochs=1)
        seconds(one)  # what happens only once in a process
        around = seconds(one)
        epoch = max(seconds(config.replaced(num_epochs=1 + PILOT_EPOCHS)) - around, 0) / PILOT_EPOCHS
        return Cost(0.0, max(around - epoch, 0) + epoch * growth * config.epochs(len(clips)))
    first, second = seconds(config), seconds(config)
    return Cost(max(first - second, 0) * growth, second * growth**0.5)


def finetune_cost(config: TrainConfig, num_clips: int, probe_latency_ms: float) -> Cost:
    """What finetuning will cost, from how long the probe of the same pretrained model takes for a clip."""
    clips_seen = config.epochs(num_clips) * num_clips
    return Cost(0.0, clips_seen * TRAINING_PER_PREDICTION * probe_latency_ms / 1000)


def spread(clips: Clips, number: int) -> np.ndarray:
    """Indices of about `number` clips with all classes in their shares, at least one clip of each: int64 (chosen,)."""
    targets = clips.targets if clips.targets.ndim == 1 else clips.targets.argmax(axis=1)
    order = np.argsort(targets, kind="stable")
    even = order[np.unique(np.linspace(0, len(order) - 1, min(number, len(order))).astype(int))]
    firsts = np.unique(targets, return_index=True)[1]
    return np.unique(np.concatenate([even, firsts]))
