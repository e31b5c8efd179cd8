"""How long a sound a pretrained model sees at once, and shortening that to what the clips need.

Whisper and AST have a learned or fixed position for every moment of 30 s and 10 s and pad every input to that; their
positions are sliced, so that a short clip costs a short computation. The wav2vec2 family takes any length.
"""

import math
from typing import Any

import torch
from torch import nn

from audiocls.errors import ModelError

AST = "audio-spectrogram-transformer"
# AST's filter bank looks at 25 ms every 10 ms.
_FRAME_SECONDS, _FRAME_STEP_SECONDS = 0.025, 0.010


def fixed_window(model_type: str) -> bool:
    """Whether the extractor pads every clip to the whole window."""
    return model_type in ("whisper", AST)


def fitting_seconds(config: Any, extractor: Any, wanted_seconds: float) -> float:
    """The shortest window that the architecture can have and that holds `wanted_seconds`; never more than it has."""
    if config.model_type == "whisper":
        return min(math.ceil(round(wanted_seconds, 3)), extractor.chunk_length)
    if config.model_type == AST:
        return _ast_seconds(_ast_frames(config, wanted_seconds))
    return wanted_seconds


def cut_window(model: Any, extractor: Any, window_seconds: float) -> None:
    """Shorten what the model and its extractor take to `window_seconds`, as `fitting_seconds` gives it, in place."""
    if model.config.model_type == "whisper":
        _cut_whisper(model, extractor, round(window_seconds))
    elif model.config.model_type == AST:
        _cut_ast(model, extractor, _ast_frames(model.config, window_seconds))
    else:
        model.config.window_seconds = window_seconds


def _cut_whisper(model: Any, extractor: Any, seconds: int) -> None:
    encoder = model.encoder
    # The second convolution halves the number of frames.
    frames = extractor.sampling_rate * seconds // extractor.hop_length
    positions = frames // encoder.conv2.stride[0]
    weights = encoder.embed_positions.weight
    kept = nn.Embedding(positions, weights.shape[1])
    kept.weight = nn.Parameter(weights[:positions].detach().clone(), requires_grad=weights.requires_grad)
    encoder.embed_positions = kept
    encoder.max_source_positions = model.config.max_source_positions = positions
    extractor.chunk_length = seconds
    extractor.n_samples = seconds * extractor.sampling_rate
    extractor.nb_max_frames = frames


def _ast_frames(config: Any, seconds: float) -> int:
    """Frames that end with a patch and hold `seconds` of sound, at most those the model has."""
    frames = math.ceil(round((seconds - _FRAME_SECONDS) / _FRAME_STEP_SECONDS, 3)) + 1
    patches = max(0, math.ceil((frames - config.patch_size) / config.time_stride))
    return min(config.patch_size + patches * config.time_stride, config.max_length)


def _ast_seconds(frames: int) -> float:
    return round(_FRAME_SECONDS + (frames - 1) * _FRAME_STEP_SECONDS, 3)


def _cut_ast(model: Any, extractor: Any, frames: int) -> None:
    embeddings = model.audio_spectrogram_transformer.embeddings
    config = model.config
    bands, times = embeddings.get_shape(config)
    config.max_length = extractor.max_length = frames
    _, kept_times = embeddings.get_shape(config)
    positions = embeddings.position_embeddings.detach()  # (1, 2 + bands * times, width); the first two are no patches
    grid = positions[:, 2:].unflatten(1, (bands, times))[:, :, :kept_times]
    embeddings.position_embeddings = nn.Parameter(torch.cat([positions[:, :2], grid.flatten(1, 2)], dim=1))


def default_extractor(config: Any) -> Any:
    """The feature extractor that models of this architecture usually come with.

    Raises:
        ModelError: there is none that fits for sure.
    """
    from transformers import ASTFeatureExtractor, Wav2Vec2FeatureExtractor, WhisperFeatureExtractor

    if config.model_type == "whisper":
        return WhisperFeatureExtractor(feature_size=config.num_mel_bins)
    if config.model_type == AST:
        return ASTFeatureExtractor(num_mel_bins=config.num_mel_bins, max_length=config.max_length)
    if hasattr(config, "conv_stride"):  # they take the waveform
        masked = getattr(config, "feat_extract_norm", "group") == "layer"
        return Wav2Vec2FeatureExtractor(return_attention_mask=masked)
    raise ModelError(f"a pretrained {config.model_type} needs its preprocessor_config.json, and there is none")
