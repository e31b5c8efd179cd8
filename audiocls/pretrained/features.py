"""What a frozen pretrained model hears in clips: its pooled output for each window, after every layer.

The numbers are those that the head of the same model would be given, so a classifier solved on them can be written
into that head.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import xxhash
from torch import nn
from tqdm import tqdm

from audiocls.audio.windows import window_starts
from audiocls.data.clips import Clips
from audiocls.data.feature_cache import cached_features
from audiocls.errors import ModelError
from audiocls.inference.windows import SHORTEST_SECONDS, denoised, denoiser_of, window_samples
from audiocls.models.last_layer import final_linear
from audiocls.pretrained.windows import fixed_window

VERSION = 2  # of the method; raise it when the numbers change
WINDOWS_AT_ONCE = 16


def clip_features(model: Any, extractor: Any, clips: Clips, progress_bar: bool = False) -> list[np.ndarray]:
    """Pooled hidden states of each clip, from the cache where they are known.

    Args:
        model: as `build_classifier` gives it, anywhere.
        extractor: its feature extractor.
        clips: at its sampling rate.

    Returns:
        For each clip float32 (windows, states, width). The last state is what the classifier is given. Before it come
        the hidden states that `use_weighted_layer_sum` weighs, first the input of the first layer, as far as the
        architecture has such a choice; the last of them is left out where it is what the classifier is given anyway.

    Raises:
        ModelError: the model gives values that are no numbers.
    """
    return cached_features(
        clips,
        {"features": "pooled hidden states", "version": VERSION, "model": _fingerprint(model, extractor)},
        lambda indices: _compute(model, extractor, clips, indices, progress_bar),
    )


def make_head_transparent(model: Any) -> None:
    """Make the projector before the last layer, where there is one, hand on its input unchanged."""
    projector = getattr(model, "projector", None)
    if projector is not None:
        with torch.no_grad():
            nn.init.eye_(projector.weight)
            nn.init.zeros_(projector.bias)


def model_inputs(extractor: Any, windows: list[np.ndarray], device: Any) -> Any:
    """What a model takes for windows float32 (time,) of one length (any up to the window for Whisper and AST)."""
    least = round(SHORTEST_SECONDS * extractor.sampling_rate)
    padded = [np.pad(window, (0, max(0, least - len(window)))) for window in windows]
    return extractor(padded, sampling_rate=extractor.sampling_rate, return_tensors="pt").to(device)


def _compute(model: Any, extractor: Any, clips: Clips, indices: list[int], progress_bar: bool) -> Iterator[np.ndarray]:
    """Features of the chosen clips in their order; clips are gone through shortest first, so that batches fill."""
    make_head_transparent(model)
    length = window_samples(model.config, extractor)
    denoiser = denoiser_of(model.config, extractor.sampling_rate)
    windows = [(row, start) for row in indices for start in window_starts(int(clips.lengths[row]), length)]
    windows.sort(key=lambda window: clips.lengths[window[0]])
    found: dict[int, list[np.ndarray]] = {row: [] for row in indices}
    with tqdm(total=len(windows), desc="Listening", unit="window", disable=not progress_bar) as bar:
        for batch in _batches(windows, clips.lengths, length, fixed_window(model.config.model_type)):
            pieces = denoised(denoiser, [clips.waveform(row, start, start + length) for row, start in batch])
            pooled = pooled_states(model, model_inputs(extractor, pieces, model.device))
            for (row, _), values in zip(batch, pooled, strict=True):
                found[row].append(values)
            bar.update(len(batch))
    return (np.stack(found[row]) for row in indices)


def _batches(
    windows: list[tuple[int, int]], lengths: np.ndarray, length: int, mixed: bool
) -> Iterator[list[tuple[int, int]]]:
    """Consecutive windows, sorted by length; only of equal lengths unless the extractor pads all to the same."""
    batch: list[tuple[int, int]] = []
    for window in windows:
        other = batch and not mixed and min(lengths[batch[-1][0]], length) != min(lengths[window[0]], length)
        if other or len(batch) == WINDOWS_AT_ONCE:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


@torch.inference_mode()
def pooled_states(model: Any, inputs: Any) -> np.ndarray:
    """Float32 (batch, states, width) for a batch of inputs; see `clip_features` for the states.

    Raises:
        ModelError: the model gives values that are no numbers.
    """
    received: list[torch.Tensor] = []
    frames: list[torch.Tensor] = []
    hooks = [final_linear(model).register_forward_pre_hook(lambda module, args: received.append(args[0]))]
    layered = hasattr(model.config, "use_weighted_layer_sum")
    if layered:  # a copy, because some heads write zeros over what is padding
        hooks.append(model.projector.register_forward_pre_hook(lambda module, args: frames.append(args[0].clone())))
    try:
        output = model(**inputs, output_hidden_states=layered)
    finally:
        for hook in hooks:
            hook.remove()
    last = received[0].float()
    if not torch.isfinite(last).all():
        raise ModelError("the pretrained model gives values that are not finite numbers; its weights may be damaged")
    pooled = last[:, None]
    if frames:  # the projector's input, which the head pools, shows whether it pools as `_pool` does
        mask = inputs.get("attention_mask")
        if not _alike(_pool(model, frames[0], mask), last):
            return pooled.cpu().numpy()
        states = torch.stack([_pool(model, state, mask) for state in output.hidden_states], 1)
        pooled = states if _alike(states[:, -1], last) else torch.cat([states, pooled], 1)
    return pooled.cpu().numpy()


def _alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    return bool((one - other).abs().max() <= 1e-3 * other.abs().max())


def _pool(model: Any, states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Mean over the frames (batch, time, width) that are no padding, as the heads of transformers take it."""
    if mask is None or not hasattr(model, "_get_feature_vector_attention_mask"):
        return states.float().mean(1)
    valid = model._get_feature_vector_attention_mask(states.shape[1], mask)[..., None]
    return (states.float() * valid).sum(1) / valid.sum(1)


def _fingerprint(model: Any, extractor: Any) -> str:
    """Hash of all that decides the features: the body's weights, and both configurations without the labels."""
    digest = xxhash.xxh3_128()
    for name, tensor in sorted(model.state_dict().items()):
        if not name.startswith(("classifier.", "projector.", "layer_weights")) or "layernorm" in name:
            digest.update(name.encode())
            digest.update(tensor.detach().float().cpu().contiguous().numpy().data)
    config = {
        name: value
        for name, value in model.config.to_diff_dict().items()
        if name not in ("id2label", "label2id", "problem_type", "transformers_version", "use_weighted_layer_sum")
    }
    digest.update(repr(sorted(config.items())).encode())
    digest.update(extractor.to_json_string().encode())
    return digest.hexdigest()
