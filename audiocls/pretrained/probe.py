"""A linear probe: a frozen pretrained model with a solved classifier on what it hears.

The clips go through the model once; the layers to listen to and the strength of the regularisation are chosen by
grouped cross-validation inside the training part; the classifier is written into the model's own head. So the result
is an ordinary model of its architecture whose scores are the solver's.
"""

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from audiocls.config import TrainConfig
from audiocls.data.dataset import AudioData
from audiocls.data.field import BACKGROUND_SHARE, field_snr_db
from audiocls.data.mixed_clips import clip_shares, without_copies
from audiocls.evaluation.counts import count
from audiocls.evaluation.evaluation import scores_in_short
from audiocls.evaluation.metrics import predicted_classes
from audiocls.pretrained.backbone import base_model_id, build_classifier, window_for
from audiocls.pretrained.features import clip_features, final_linear, make_head_transparent
from audiocls.pretrained.linear import Linear, Rows, fit_linear, held_out_scores, make_folds, mean_loss
from audiocls.training.batches import soft_targets
from audiocls.training.factory import chosen_denoise
from audiocls.training.losses import class_weights
from audiocls.training.run import Fitted, HeldOut, Run

# Of the L2 penalty beside a mean loss, on standardised features; from strong to weak.
STRENGTHS = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
DEFAULT_STRENGTH = 0.01  # with which layers are compared, and when there are too few clips to choose
_OTHER_LAYER = -30.0  # softmax of this beside zeros is nothing, in float32

Layers = tuple[int, ...] | None  # that are averaged; None for what the head is given as it is


def fit_probe(config: TrainConfig, audio: AudioData, run: Run) -> Fitted:
    """Fit a linear classifier on the frozen model `config.backbone`, by `audio.train`.

    Returns:
        The model with the classifier in its head, and a history of one row a candidate: layers (0 is the input of the
        first; several are averaged; "final" is what the head is given without a choice) and a strength of the
        regularisation, with scores of held-out clips.

    Raises:
        ModelError: the pretrained model is missing or cannot be used.
    """
    started = time.perf_counter()
    name = str(config.backbone)
    window_seconds = window_for(config, without_copies(audio.train))
    denoise = chosen_denoise(config)
    model, extractor = build_classifier(name, audio.labels, audio.multi_label, window_seconds, denoise)
    model.to(run.accelerator.device)
    with run.accelerator.main_process_first():  # the first process listens, the others find what it heard in the cache
        features = clip_features(model, extractor, audio.train, run.progress_bar)
        # What is no class is learnt as being no more of one than of another, where the model is to meet it.
        others = clip_features(model, extractor, audio.negatives, run.progress_bar) if field_snr_db(config) else []
    run.say(f"{len(features)} clips heard in windows of {window_seconds:g} s; choosing layers and a classifier")
    with threadpool_limits(1):  # these matrices are so small that threads would wait for one another
        num_layers = getattr(model.config, "num_hidden_layers", 0) + 1
        linear, layers, history, held_out = _solve(config, audio, features, others, num_layers)
    write_head(model, linear, layers)
    best = history[_best(history)]
    line = f"layers {best['layers']}, strength {best['strength']:g}"
    if held_out is not None:
        short = scores_in_short(held_out.targets, held_out.scores, audio.multi_label, held_out.groups)
        line += f"; on {held_out.origin}: loss {best['validation_loss']:.3f}, {short}"
    run.say(line)
    return Fitted(
        model.eval(),
        extractor,
        history,
        axis="candidate",
        best=best["candidate"],
        seconds=time.perf_counter() - started,
        base_model=base_model_id(name),
        details={"layers": best["layers"], "strength": best["strength"], "window_seconds": window_seconds},
        held_out=held_out,
    )


def write_head(model: Any, linear: Linear, layers: Layers) -> None:
    """Put a classifier of the mean of these layers' pooled states into the model."""
    make_head_transparent(model)
    head = final_linear(model)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(linear.weight))
        head.bias.copy_(torch.from_numpy(linear.bias))
        if layers is not None:
            weights = torch.full((model.config.num_hidden_layers + 1,), _OTHER_LAYER, device=head.weight.device)
            weights[list(layers)] = 0.0
            model.layer_weights = torch.nn.Parameter(weights)
            model.config.use_weighted_layer_sum = True


def _solve(
    config: TrainConfig, audio: AudioData, features: list[np.ndarray], others: list[np.ndarray], num_layers: int
) -> tuple[Linear, Layers, list[dict[str, Any]], HeldOut | None]:
    """The classifier, the layers it listens to, a row for every candidate, and what the best said of held-out clips."""
    clips, num_labels = audio.train, len(audio.labels)
    owners = np.repeat(np.arange(len(features)), [len(windows) for windows in features])
    states = np.concatenate(features)  # (windows, layers, width)
    nothing = np.concatenate([*others, states[:0]])
    weights = class_weights(soft_targets(clips, num_labels).sum(0), config.class_weights).astype(np.float64)
    shares = clip_shares(clips)
    clip_weights = shares * (1.0 if audio.multi_label else weights[clips.targets])
    folds = make_folds(clips.targets, clips.groups, config.seed)
    history: list[dict[str, Any]] = []
    held_out: list[np.ndarray | None] = []  # scores of each candidate

    def rows_of(layers: Layers) -> Rows:
        rows = Rows(heard(states, layers), owners, clips.targets, clip_weights)
        return rows.and_nothing(heard(nothing, layers), num_labels, BACKGROUND_SHARE) if len(nothing) else rows

    def heard(every: np.ndarray, layers: Layers) -> np.ndarray:
        return every[:, -1] if layers is None else every[:, list(layers)].mean(1)

    def judge(layers: Layers, strengths: Sequence[float]) -> None:
        rows = rows_of(layers)
        named = "final" if layers is None else "+".join(map(str, layers))
        all_scores: Any = [None]
        if folds.any():
            spare = np.arange(len(rows.targets) - len(clips)) % (folds.max() + 1)
            both = np.concatenate([folds, spare])
            all_scores = held_out_scores(rows, num_labels, strengths, both)[:, : len(clips)]
        for strength, scores in zip(strengths, all_scores, strict=True):
            told = {"candidate": len(history) + 1, "layers": named, "strength": strength}
            history.append({**told, **_judged(scores, clips.targets, shares)})
            held_out.append(scores)

    judge(None, [DEFAULT_STRENGTH])
    chosen: Layers = None
    if folds.any():
        tried: list[Layers] = [None]
        for layers in _single_layers(states.shape[1], num_layers):
            judge(layers, [DEFAULT_STRENGTH])
            tried.append(layers)
        if len(tried) > 1:
            for layers in _around(tried[_best(history)], num_layers):
                judge(layers, [DEFAULT_STRENGTH])
                tried.append(layers)
        chosen = tried[_best(history)]
        judge(chosen, [strength for strength in STRENGTHS if strength != DEFAULT_STRENGTH])
    best = _best(history)
    linear = fit_linear(rows_of(chosen), num_labels, [history[best]["strength"]])[0]
    scores = held_out[best]
    if scores is None:
        return linear, chosen, history, None
    origin = f"{len(np.unique(folds))} grouped folds of the training part"
    return linear, chosen, history, HeldOut(scores.astype(np.float32), clips.targets, list(clips.groups), origin)


def _single_layers(num_states: int, num_layers: int) -> list[Layers]:
    """Each layer that can be listened to instead of the final state; see `clip_features` for the states."""
    if num_states == 1:
        return []
    return [(layer,) for layer in range(min(num_layers, num_states - 1))]


def _around(layers: Layers, num_layers: int) -> list[Layers]:
    """Two and three neighbouring layers with this one among them."""
    (centre,) = layers or (num_layers - 1,)
    runs = [range(first, first + count) for count in (2, 3) for first in range(centre - count + 1, centre + 1)]
    return [tuple(run) for run in runs if run[0] >= 0 and run[-1] < num_layers]


def _best(history: list[dict[str, Any]]) -> int:
    """Where in the history the least held-out loss is; the first where there is none."""
    return min(range(len(history)), key=lambda row: history[row]["validation_loss"])


def _judged(scores: np.ndarray | None, targets: np.ndarray, shares: np.ndarray) -> dict[str, float]:
    """Scores of held-out clips; NaN where there are none."""
    if scores is None:
        return dict.fromkeys(("validation_loss", "validation_accuracy", "validation_f1"), math.nan)
    counts = count(targets, predicted_classes(scores, targets.ndim == 2), scores.shape[1])
    return {
        "validation_loss": mean_loss(scores, targets, shares),
        "validation_accuracy": float(counts.accuracy()),
        "validation_f1": float(counts.macro(counts.f1())),
    }
