"""A linear probe: a frozen pretrained model with a solved classifier on what it hears.

The clips go through the model once; the layer to listen to and the strength of the regularisation are chosen by
grouped cross-validation inside the training part; the classifier is written into the model's own head. So the result
is an ordinary model of its architecture whose scores are the solver's.
"""

import time
from typing import Any

import numpy as np
import torch
from accelerate.utils import broadcast_object_list

from audiocls.config import TrainConfig
from audiocls.data.dataset import AudioData
from audiocls.evaluation.metrics import predicted_classes, summary_scores
from audiocls.pretrained.backbone import base_model_id, build_classifier, window_for
from audiocls.pretrained.features import clip_features, final_linear, make_head_transparent
from audiocls.pretrained.linear import Linear, Rows, fit_linear, held_out_scores, make_folds, mean_loss
from audiocls.training.batches import soft_targets
from audiocls.training.losses import class_weights
from audiocls.training.run import Fitted, Run

# Of the L2 penalty beside a mean loss, on standardised features.
STRENGTHS = (0.3, 0.1, 0.03, 0.01, 0.003)
DEFAULT_STRENGTH = 0.03  # when there are too few clips to choose
_ONE_LAYER = 30.0  # softmax of this and zeros is one and zeros, in float32


def fit_probe(config: TrainConfig, audio: AudioData, run: Run) -> Fitted:
    """Fit a linear classifier on the frozen model `config.backbone`, by `audio.train`.

    Returns:
        The model with the classifier in its head, and a history of one row a candidate: a layer (counted from 0, the
        input of the first) and a strength of the regularisation, with scores of held-out clips.

    Raises:
        ModelError: the pretrained model is missing or cannot be used.
    """
    started = time.perf_counter()
    window_seconds = window_for(config, audio.train)
    model, extractor = build_classifier(str(config.backbone), audio.labels, audio.multi_label, window_seconds)
    model.to(run.accelerator.device)
    make_head_transparent(model)
    solution: list[Any] = [None]
    if run.accelerator.is_main_process:
        features = clip_features(model, extractor, audio.train, run.progress_bar)
        run.say(f"{len(features)} clips heard in windows of {window_seconds:g} s; fitting a classifier")
        solution = [_solve(config, audio, features)]
    broadcast_object_list(solution)
    linear, layer, history, best = solution[0]
    num_layers = 1 if layer is None else model.config.num_hidden_layers + 1
    write_head(model, linear, None if layer == num_layers - 1 else layer)
    chosen = history[best - 1]
    run.say(
        f"layer {chosen['layer']}, strength {chosen['strength']:g}: held-out loss {chosen['validation_loss']:.3f}, "
        f"accuracy {chosen['validation_accuracy']:.3f}"
    )
    return Fitted(
        model.eval(),
        extractor,
        history,
        axis="candidate",
        best=best,
        seconds=time.perf_counter() - started,
        base_model=base_model_id(str(config.backbone)),
        details={"layer": chosen["layer"], "strength": chosen["strength"], "window_seconds": window_seconds},
    )


def write_head(model: Any, linear: Linear, layer: int | None) -> None:
    """Put a classifier of the pooled hidden state after `layer` (None: of what the head is given) into the model."""
    make_head_transparent(model)
    head = final_linear(model)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(linear.weight))
        head.bias.copy_(torch.from_numpy(linear.bias))
        if layer is not None:
            weights = torch.zeros(model.config.num_hidden_layers + 1, device=head.weight.device)
            weights[layer] = _ONE_LAYER
            model.layer_weights = torch.nn.Parameter(weights)
            model.config.use_weighted_layer_sum = True


def _solve(
    config: TrainConfig, audio: AudioData, features: list[np.ndarray]
) -> tuple[Linear, int | None, list[dict[str, Any]], int]:
    """The classifier, the layer it listens to, a row for every candidate, and the number of the best."""
    clips, num_labels = audio.train, len(audio.labels)
    owners = np.repeat(np.arange(len(features)), [len(windows) for windows in features])
    stacked = np.concatenate(features)  # (windows, layers, width)
    counts = soft_targets(clips, num_labels).sum(0)
    weights = class_weights(counts, config.class_weights).astype(np.float64)
    clip_weights = np.ones(len(clips)) if audio.multi_label else weights[clips.targets]

    def rows_of(layer: int) -> Rows:
        return Rows(stacked[:, layer], owners, clips.targets, clip_weights)

    folds = make_folds(clips.targets, clips.groups, config.seed)
    history: list[dict[str, Any]] = []
    for layer in range(stacked.shape[1]):
        rows = rows_of(layer)
        for strength in STRENGTHS if folds.any() else (DEFAULT_STRENGTH,):
            scores = held_out_scores(rows, num_labels, strength, folds) if folds.any() else None
            history.append(
                {"candidate": len(history) + 1, "layer": layer, "strength": strength, **_scored(scores, clips.targets)}
            )
    best = min(history, key=lambda row: row["validation_loss"])
    linear = fit_linear(rows_of(best["layer"]), num_labels, best["strength"])
    return linear, best["layer"] if stacked.shape[1] > 1 else None, history, best["candidate"]


def _scored(scores: np.ndarray | None, targets: np.ndarray) -> dict[str, float]:
    if scores is None:
        return {"validation_loss": float("nan"), "validation_accuracy": float("nan"), "validation_f1": float("nan")}
    summary = summary_scores(targets, predicted_classes(scores, targets.ndim == 2), targets.ndim == 2)
    return {
        "validation_loss": mean_loss(scores, targets),
        "validation_accuracy": summary["accuracy"],
        "validation_f1": summary["f1"],
    }
