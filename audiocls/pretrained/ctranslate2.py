"""Whisper's encoder out of a CTranslate2 file (`model.bin`, format versions up to 6), as transformers names it.

The layout is that of CTranslate2's `ModelSpec._serialize` (python/ctranslate2/specs/model_spec.py): little-endian
numbers, strings with their length before them and a zero after. The decoder is left out: a classifier needs none.
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch

from audiocls.errors import ModelError

NEWEST_FORMAT = 6
_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
_ATTENTION_HEAD = 64  # width of a head in every Whisper


def read_ctranslate2(path: Path) -> dict[str, np.ndarray]:
    """All tensors of a CTranslate2 file by name, as read-only views of its content.

    Raises:
        ModelError: it is cut off or no such file.
        OSError: it cannot be read.
    """
    reader = _Reader(path.read_bytes())
    try:
        format_version = reader.number("I")
        if not 1 <= format_version <= NEWEST_FORMAT:
            raise ValueError("its first bytes are no known version")
        reader.text()  # the name of the architecture,
        reader.number("I")  # and its revision
        tensors = dict(reader.tensor() for _ in range(reader.number("I")))
        if format_version >= 3:  # other names of the same tensors
            tensors |= {alias: tensors[name] for alias, name in reader.aliases()}
        reader.end()
    except (struct.error, ValueError, KeyError) as error:
        raise ModelError(f"{path} is cut off or no CTranslate2 model: {error}") from error
    return tensors


class _Reader:
    """Goes through the bytes of a file from start to end."""

    def __init__(self, content: bytes) -> None:
        self.content, self.position = content, 0

    def number(self, kind: str) -> int:
        (value,) = struct.unpack_from("<" + kind, self.content, self.position)
        self.position += struct.calcsize(kind)
        return value

    def bytes(self, count: int) -> bytes:
        taken = self.content[self.position : self.position + count]
        if len(taken) < count:
            raise ValueError(f"{count - len(taken)} bytes are missing at its end")
        self.position += count
        return taken

    def text(self) -> str:
        return self.bytes(self.number("H"))[:-1].decode()

    def tensor(self) -> tuple[str, np.ndarray]:
        name = self.text()
        shape = [self.number("I") for _ in range(self.number("B"))]
        data_type = _TYPES[self.number("B")]
        values = np.frombuffer(self.bytes(self.number("I")), data_type)
        return name, values.reshape(shape)

    def aliases(self) -> list[tuple[str, str]]:
        return [(self.text(), self.text()) for _ in range(self.number("I"))]

    def end(self) -> None:
        if self.position != len(self.content):
            raise ValueError("something follows its end")


def whisper_encoder(tensors: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """The encoder's weights, float32, under the names that `WhisperForAudioClassification` gives them.

    Raises:
        ModelError: the file holds no Whisper.
    """
    state: dict[str, torch.Tensor] = {}

    def get(name: str) -> torch.Tensor:
        if name not in tensors:
            raise ModelError(f"the CTranslate2 file holds no Whisper model: it has no {name}")
        return torch.from_numpy(tensors[name].astype(np.float32))

    def linear(source: str, target: str) -> None:
        state[f"{target}.weight"], state[f"{target}.bias"] = get(f"{source}/weight"), get(f"{source}/bias")

    def norm(source: str, target: str) -> None:
        state[f"{target}.weight"], state[f"{target}.bias"] = get(f"{source}/gamma"), get(f"{source}/beta")

    linear("encoder/conv1", "encoder.conv1")
    linear("encoder/conv2", "encoder.conv2")
    state["encoder.embed_positions.weight"] = get("encoder/position_encodings/encodings")
    layer = 0
    while f"encoder/layer_{layer}/ffn/linear_0/weight" in tensors:
        source, target = f"encoder/layer_{layer}", f"encoder.layers.{layer}"
        # Queries, keys and values lie above one another in one matrix; Whisper's keys have no bias.
        weights = get(f"{source}/self_attention/linear_0/weight").chunk(3)
        biases = get(f"{source}/self_attention/linear_0/bias").chunk(3)
        for part, weight, bias in zip("qkv", weights, biases, strict=True):
            state[f"{target}.self_attn.{part}_proj.weight"] = weight.contiguous()
            if part != "k":
                state[f"{target}.self_attn.{part}_proj.bias"] = bias.contiguous()
        linear(f"{source}/self_attention/linear_1", f"{target}.self_attn.out_proj")
        norm(f"{source}/self_attention/layer_norm", f"{target}.self_attn_layer_norm")
        norm(f"{source}/ffn/layer_norm", f"{target}.final_layer_norm")
        linear(f"{source}/ffn/linear_0", f"{target}.fc1")
        linear(f"{source}/ffn/linear_1", f"{target}.fc2")
        layer += 1
    norm("encoder/layer_norm", "encoder.layer_norm")
    return state


def whisper_sizes(state: dict[str, torch.Tensor]) -> dict[str, Any]:
    """Settings of `WhisperConfig` that fit the weights `whisper_encoder` gives."""
    width, num_mel_bins, _ = state["encoder.conv1.weight"].shape
    layers = sum(name.endswith("fc1.weight") for name in state)
    feed_forward = len(state["encoder.layers.0.fc1.weight"])
    heads = max(1, width // _ATTENTION_HEAD)
    return {
        "d_model": width,
        "num_mel_bins": num_mel_bins,
        "max_source_positions": len(state["encoder.embed_positions.weight"]),
        "encoder_layers": layers,
        "encoder_attention_heads": heads,
        "encoder_ffn_dim": feed_forward,
        # Not built, but part of the configuration; as in every Whisper, they mirror the encoder.
        "decoder_layers": layers,
        "decoder_attention_heads": heads,
        "decoder_ffn_dim": feed_forward,
    }
