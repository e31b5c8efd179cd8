"""Logits of whole clips, batched by similar length."""

import numpy as np
import torch
from torch import nn

from audiocls.data.dataset import Clips
from audiocls.training.waveforms import pad_waveforms

CLIPS_AT_ONCE = 32


@torch.inference_mode()
def clip_logits(model: nn.Module, clips: Clips, indices: np.ndarray, device: torch.device) -> np.ndarray:
    """Logits float32 `(len(indices), labels)` of whole clips, batched by similar length."""
    order = sorted(range(len(indices)), key=lambda k: int(clips.lengths[indices[k]]))
    results: list[np.ndarray] = [np.empty(0)] * len(indices)
    for start in range(0, len(order), CLIPS_AT_ONCE):
        chosen = order[start : start + CLIPS_AT_ONCE]
        batch = pad_waveforms([clips.waveform(int(indices[k])) for k in chosen]).to(device)
        mask = torch.arange(batch.samples.shape[1], device=device) < batch.lengths[:, None]
        logits = model(batch.samples, mask.long()).logits.float().cpu().numpy()
        for k, row in zip(chosen, logits, strict=True):
            results[k] = row
    return np.stack(results) if results else np.empty((0, 0), dtype=np.float32)
