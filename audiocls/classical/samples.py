"""What trees learn from: statistics of every window of every clip, computed as the model will compute them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from audiocls.audio.windows import window_starts
from audiocls.data.clips import Clips
from audiocls.data.feature_cache import cached_features
from audiocls.data.mixed_clips import clip_shares
from audiocls.models.modeling_audiocls import AudioClsForAudioClassification
from audiocls.models.trees import Trees
from audiocls.training.batches import soft_targets
from audiocls.training.factory import FEATURE_SETTINGS

STATISTICS_VERSION = 1  # raise it when the statistics or the features change


@dataclass
class Samples:
    """Windows of clips, and what is known of the clips.

    statistics: float32 (windows, statistics). owners: int64 (windows,), the clip each window belongs to.
    targets: float32 (clips, labels), 0 or 1. groups: int64 (clips,), equal for clips that stay together.
    shares: float64 (clips,), what each counts beside a whole clip.
    """

    statistics: np.ndarray
    owners: np.ndarray
    targets: np.ndarray
    groups: np.ndarray
    shares: np.ndarray | None = None  # all are whole

    def __len__(self) -> int:
        return len(self.targets)

    def of_clips(self, chosen: np.ndarray) -> "Samples":
        """The samples of the chosen clips, int64 indices in rising order."""
        inside = np.isin(self.owners, chosen)
        owners = np.searchsorted(chosen, self.owners[inside])
        shares = None if self.shares is None else self.shares[chosen]
        return Samples(self.statistics[inside], owners, self.targets[chosen], self.groups[chosen], shares)

    def mean_scores(self, scores: np.ndarray) -> np.ndarray:
        """Scores of windows (windows, labels) averaged over each clip, (clips, labels)."""
        sums = np.zeros((len(self), scores.shape[1]))
        np.add.at(sums, self.owners, scores)
        return sums / np.bincount(self.owners, minlength=len(self))[:, None]

    def weights(self, label_weights: np.ndarray) -> np.ndarray:
        """Weight of each window, (windows,): that of its clip's labels, shared by the clip's windows."""
        counts = self.targets.sum(1)
        of_clip = np.where(counts > 0, self.targets @ label_weights / np.maximum(counts, 1), 1.0)
        if self.shares is not None:
            of_clip = of_clip * self.shares
        return (of_clip / np.bincount(self.owners, minlength=len(self)))[self.owners]


def with_nothing(samples: Samples, others: np.ndarray, multi_label: bool) -> Samples:
    """Samples, and windows of no class (windows, statistics) to learn from: without any of several labels, or where a
    clip has one, with each of them in equal shares.

    Source: Hendrycks et al. 2019, "Deep anomaly detection with outlier exposure", for the equal shares.
    """
    count, num_labels = len(others), samples.targets.shape[1]
    times = 1 if multi_label else num_labels
    shares = np.ones(len(samples)) if samples.shares is None else samples.shares
    wanted = np.zeros((count, num_labels)) if multi_label else np.tile(np.eye(num_labels), (count, 1))
    return Samples(
        np.concatenate([samples.statistics, np.repeat(others, times, axis=0)]),
        np.concatenate([samples.owners, len(samples) + np.arange(count * times)]),
        np.concatenate([samples.targets, wanted]).astype(np.float32),
        np.concatenate([samples.groups, samples.groups.max(initial=0) + 1 + np.arange(count * times)]),
        np.concatenate([shares, np.full(count * times, 1 / times)]),
    )


def collect(model: AudioClsForAudioClassification, clips: Clips, num_labels: int) -> Samples:
    """Statistics of clips, from the cache where they are known."""
    described = {name: getattr(model.config, name) for name in (*FEATURE_SETTINGS, "denoise")}
    key = {"kind": "clip statistics", "version": STATISTICS_VERSION, "window": model.config.window_length, **described}
    rows = cached_features(clips, key, lambda missing: compute(model, clips, missing))
    names = [group if group is not None else index for index, group in enumerate(clips.groups)]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return Samples(
        np.concatenate(rows) if rows else np.zeros((0, 1), np.float32),
        np.repeat(np.arange(len(rows)), [len(row) for row in rows]),
        soft_targets(clips, num_labels),
        np.array([numbers[name] for name in names], np.int64),
        clip_shares(clips),
    )


@torch.inference_mode()
def compute(model: AudioClsForAudioClassification, clips: Clips, chosen: list[int]) -> Iterator[np.ndarray]:
    """Statistics of each chosen clip, (windows, statistics) float32: window by window, as `forward` does."""
    network = model.network
    assert isinstance(network, Trees)
    length = model.config.window_length
    for index in chosen:
        rows = []
        for start in window_starts(int(clips.lengths[index]), length):
            samples = torch.from_numpy(np.array(clips.waveform(index, start, start + length)))[None]
            features, mask = model.window_features(samples, torch.tensor([samples.shape[1]]))
            rows.append(network.statistics(features, mask)[0].numpy())
        yield np.stack(rows)
