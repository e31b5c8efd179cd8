"""What surrounds a fit, and what comes out of it: the same for every kind of model."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import Accelerator


@dataclass(frozen=True)
class Run:
    """Where and how a fit runs; nothing here changes its result.

    checkpoint: file to go on from after an interruption, None to keep nothing; `resume` says to go on from it.
    say: takes a line for the person who waits. record: takes a row of scores as soon as it is known: of an epoch, or of
        a candidate that was tried.
    curves: whether the learning curve is wanted where it costs more than the training itself.
    """

    accelerator: Accelerator
    checkpoint: Path | None = None
    resume: bool = False
    progress_bar: bool = False
    say: Callable[[str], None] = lambda line: None
    record: Callable[[dict[str, Any]], None] = lambda row: None
    curves: bool = True


@dataclass(frozen=True)
class HeldOut:
    """What models that had not learnt these clips said of them: the basis of calibration and thresholds.

    scores: float32 (n, labels), probabilities before any calibration. targets: as `Clips.targets`. groups: of each
    clip, None for one that is alone. origin: where they come from, for people ("5 grouped folds of the training part").
    """

    scores: np.ndarray
    targets: np.ndarray
    groups: list[str | None]
    origin: str


@dataclass
class Fitted:
    """A trained model in memory, and what is told about its making.

    model: in eval mode; `save_pretrained` writes it. extractor: the feature extractor saved beside it.
    history: rows of results.csv, one for each value on `axis`, which is the name of their first column: "epoch",
        "trees", "round" or "candidate". best: the value of the row that was kept.
    base_model: the pretrained model it started from, as the Hub knows it.
    details: plain values to keep in training_config.json, such as what was chosen on the way.
    held_out: predictions for clips of the training part that a kind made on the way; None where the validation part
        is what there is.
    """

    model: Any
    extractor: Any
    history: list[dict[str, Any]]
    axis: str
    best: Any
    seconds: float
    base_model: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    held_out: HeldOut | None = None
