"""A model that can be cross-validated in a second or two: the linear probe where a run listens with a pretrained model
anyway, else a small random forest. Its features come from the cache as far as the run computed them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from audiocls.comparison.candidates import suitable
from audiocls.config import TrainConfig
from audiocls.data.clips import Clips
from audiocls.data.dataset import AudioData
from audiocls.kind_names import BACKBONE_KINDS, TREE_KINDS
from audiocls.training.losses import class_weights
from audiocls.training.run import Run

TREES = 50

Scores = Callable[[np.ndarray], np.ndarray]


def cheap_model(
    config: TrainConfig, audio: AudioData, clips: Clips, targets: np.ndarray, run: Run
) -> tuple[str, Scores]:
    """Prepare the features of clips for any number of cross-validations.

    Args:
        config: its kind and pretrained model decide which features are looked at.
        audio: where the clips are from, at `config.sampling_rate`.
        targets: int64 (clips,) from 0 up without gaps, or float32 0/1 (clips, labels); its labels may be other ones
            than those of `audio`.

    Returns:
        How people call the model, and a function from folds int (clips,) to probabilities (clips, labels) of each clip
        by a model that has not learnt its fold.

    Raises:
        ModelError: the pretrained model cannot be used.
    """
    listening = _listening(config, audio)
    if listening:
        name = Path(str(listening.backbone)).name
        return f"a linear probe on {name}", _probe(listening, audio, clips, targets, run)
    if config.kind not in TREE_KINDS:
        changed: dict[str, Any] = {} if config.kind == "auto" else {"features": "mfcc", "image_size": None}
        config = config.replaced(model="forest", **changed)
    features = config.features.replace("_", " ").replace("+", ", ").replace("mfcc", "MFCC")
    return f"a random forest on {features}", _forest(config, audio, clips, targets)


def _listening(config: TrainConfig, audio: AudioData) -> TrainConfig | None:
    """Settings with the pretrained model whose features are at hand: of the run, or of the first that auto tries."""
    if config.kind in BACKBONE_KINDS:
        return config
    if config.kind != "auto":
        return None
    from audiocls.pretrained.backbone import backbone_sampling_rate

    tried = [candidate.config for candidate in suitable(config) if candidate.config.kind == "probe"]
    fitting = (each for each in tried if backbone_sampling_rate(str(each.backbone)) == audio.sampling_rate)
    return next(fitting, None)


def _probe(config: TrainConfig, audio: AudioData, clips: Clips, targets: np.ndarray, run: Run) -> Scores:
    from audiocls.pretrained.backbone import build_classifier, window_for
    from audiocls.pretrained.features import clip_features
    from audiocls.pretrained.linear import Rows, held_out_scores
    from audiocls.pretrained.probe import DEFAULT_STRENGTH
    from audiocls.training.factory import chosen_denoise

    num_labels = _num_labels(targets)
    window_seconds = window_for(config, audio.train)
    model, extractor = build_classifier(
        str(config.backbone), audio.labels, audio.multi_label, window_seconds, chosen_denoise(config)
    )
    features = clip_features(model.to(run.accelerator.device), extractor, clips)
    owners = np.repeat(np.arange(len(features)), [len(windows) for windows in features])
    rows = Rows(np.concatenate(features)[:, -1], owners, targets, np.ones(len(features)))

    def scores(folds: np.ndarray) -> np.ndarray:
        with threadpool_limits(1):  # these matrices are so small that threads would wait for one another
            return held_out_scores(rows, num_labels, [DEFAULT_STRENGTH], folds)[0]

    return scores


def _forest(config: TrainConfig, audio: AudioData, clips: Clips, targets: np.ndarray) -> Scores:
    from audiocls.classical.fit import model_settings
    from audiocls.classical.growing import grow_forest, staged_scores
    from audiocls.classical.samples import Samples, collect
    from audiocls.models.configuration_audiocls import AudioClsConfig
    from audiocls.models.modeling_audiocls import AudioClsForAudioClassification

    bare = AudioClsForAudioClassification(AudioClsConfig(**model_settings(config, audio)))
    found = collect(bare, clips, len(audio.labels))
    multi_label = targets.ndim == 2
    wanted = targets if multi_label else np.eye(_num_labels(targets), dtype=np.float32)[targets]
    samples = Samples(found.statistics, found.owners, wanted, found.groups)
    weights = class_weights(wanted.sum(0), config.class_weights)

    def scores(folds: np.ndarray) -> np.ndarray:
        found = np.zeros(wanted.shape)
        for fold in np.unique(folds):
            held = np.flatnonzero(folds == fold)
            learnt, judged = samples.of_clips(np.flatnonzero(folds != fold)), samples.of_clips(held)
            grown = grow_forest(learnt, multi_label, weights, TREES, config.seed)
            found[held] = judged.mean_scores(next(staged_scores(grown, judged.statistics, [TREES])))
        return found

    return scores


def _num_labels(targets: np.ndarray) -> int:
    return targets.shape[1] if targets.ndim == 2 else int(targets.max()) + 1
