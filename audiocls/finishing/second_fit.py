"""A second model of the same kind that has not learnt some of the training clips, to see how it hears them.

For kinds that hear each clip once and divide nothing off: their features are kept, so it takes seconds.
"""

import dataclasses
import itertools

import numpy as np

from audiocls.config import TrainConfig
from audiocls.data.clips import Clips
from audiocls.data.dataset import AudioData
from audiocls.data.field import in_the_field
from audiocls.finishing.folding import fold
from audiocls.finishing.temperature import fit_scaling
from audiocls.inference.classifier import AudioClassifier
from audiocls.kinds import fit_heard, hears_once
from audiocls.pretrained.linear import make_folds
from audiocls.training.run import Run

HELD_SHARE = 0.3  # of the clips of each class, as nearly as groups allow
LEAST_LEFT = 2  # clips of a class to learn
SEED = 11  # added to the run's


def second_fit(config: TrainConfig, audio: AudioData, run: Run) -> tuple[AudioClassifier, Clips] | None:
    """Fit the kind again without some groups of clips.

    Returns:
        The second model, calibrated as the first, and the clips that it has not learnt; None where the kind learns for
        long, several processes train, or no groups can be held out without taking a whole class along.
    """
    if not hears_once(config) or run.accelerator.num_processes > 1:
        return None
    held = _held_out(audio, config.seed)
    if held is None:
        return None
    heard = in_the_field(config, audio)
    copies = len(heard.train) // len(audio.train)  # each clip as it is, then all of them in background, and so on
    learnt = heard.train.subset(np.flatnonzero(np.tile(~held, copies)))
    nothing = audio.train.subset([])
    part = dataclasses.replace(heard, train=learnt, validation=nothing)
    fitted = fit_heard(config, part, Run(run.accelerator, curves=False))
    if config.calibrate and fitted.held_out is not None:
        fold(fitted.model, fit_scaling(fitted.held_out.scores, fitted.held_out.targets, audio.multi_label))
    return AudioClassifier.of(fitted.model, fitted.extractor), audio.train.subset(np.flatnonzero(held))


def _held_out(audio: AudioData, seed: int) -> np.ndarray | None:
    """Which training clips are held out, bool (clips,): one or two folds of groups, of each class about the share."""
    clips, num_labels = audio.train, len(audio.labels)
    if not len(clips):
        return None
    folds = make_folds(clips.targets, clips.groups, seed + SEED)
    numbers = np.unique(folds).tolist()
    has = np.eye(num_labels)[clips.targets] if clips.targets.ndim == 1 else (clips.targets > 0.5).astype(float)
    all_clips = has.sum(0)
    best, least = None, np.inf
    for some in itertools.chain(itertools.combinations(numbers, 1), itertools.combinations(numbers, 2)):
        held = np.isin(folds, some)
        of_class = has[held].sum(0)
        if (of_class < 1).any() or (all_clips - of_class < LEAST_LEFT).any():
            continue
        off = float(np.abs(of_class / all_clips - HELD_SHARE).max())
        if off < least:
            best, least = held, off
    return best
