"""Logits of whole clips, window by window, so that memory does not grow with a clip's length."""

import numpy as np
import torch

from audiocls.audio.windows import window_starts
from audiocls.data.dataset import Clips
from audiocls.models.modeling_audiocls import AudioClsForAudioClassification
from audiocls.training.waveforms import pad_waveforms

WINDOWS_AT_ONCE = 32


@torch.inference_mode()
def clip_logits(
    model: AudioClsForAudioClassification, clips: Clips, indices: np.ndarray, device: torch.device
) -> np.ndarray:
    """Logits float32 `(len(indices), labels)` of whole clips, as the model's `forward` gives them."""
    length = model.config.window_length
    windows = [
        (row, start)
        for row in sorted(range(len(indices)), key=lambda row: int(clips.lengths[indices[row]]))
        for start in window_starts(int(clips.lengths[indices[row]]), length)
    ]
    sums = np.zeros((len(indices), len(model.config.id2label or {})))
    for first in range(0, len(windows), WINDOWS_AT_ONCE):
        chosen = windows[first : first + WINDOWS_AT_ONCE]
        parts = [clips.waveform(int(indices[row]), start, start + length) for row, start in chosen]
        batch = pad_waveforms(parts).to(device)
        logits = model.network_logits(batch.samples, batch.lengths).float().cpu().numpy()
        np.add.at(sums, [row for row, _ in chosen], logits)
    counts = np.bincount([row for row, _ in windows], minlength=len(indices))
    return (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)
