"""Training batches: which clips, which part of each, and the random draws that belong to a clip.

Everything random here depends on (seed, epoch, clip) alone. So a run cut off and resumed, and a run spread over
several processes, see exactly the clips and draws that one uninterrupted process sees.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch

from audiocls.config import TrainConfig
from audiocls.data.backgrounds import Backgrounds
from audiocls.data.clips import Clips
from audiocls.data.placing import alone_length
from audiocls.training.augment import Augmentation, draw
from audiocls.training.waveforms import Waveforms, pad_waveforms

Item = TypeVar("Item")
Made = TypeVar("Made")


def epoch_batches(count: int, batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Shuffle `count` clips into batches of nearly equal size, each clip once; no batch is over `batch_size`.

    Equal sizes, because a last batch of one clip would give batch normalisation nothing to measure.
    """
    order = np.random.default_rng([seed, epoch]).permutation(count)
    return np.array_split(order, max(1, -(-count // batch_size)))


def clip_generator(seed: int, epoch: int, index: int) -> np.random.Generator:
    """The random numbers of one clip in one epoch."""
    return np.random.default_rng([seed, epoch, index, 1])


def soft_targets(clips: Clips, num_labels: int) -> np.ndarray:
    """Targets as float32 `(n, num_labels)`: one-hot, or the given 0/1 rows of several labels a clip."""
    if clips.targets.ndim == 2:
        return clips.targets.astype(np.float32)
    return np.eye(num_labels, dtype=np.float32)[clips.targets]


def nothing_targets(count: int, num_labels: int, multi_label: bool) -> np.ndarray:
    """Targets float32 `(count, num_labels)` of windows in which nothing of the classes sounds: none of several labels,
    or where a clip has one, all in equal shares.

    Source: Hendrycks et al. 2019, "Deep anomaly detection with outlier exposure", for the equal shares.
    """
    return np.full((count, num_labels), 0.0 if multi_label else 1 / num_labels, np.float32)


def own_share(batch: np.ndarray, process: int, processes: int) -> np.ndarray:
    """The clips of a batch that one process trains on. Neighbours stay together: they are mixup partners."""
    pairs = [batch[start : start + 2] for start in range(0, len(batch), 2)]
    return np.concatenate([batch[:0], *pairs[process::processes]])


def partners(count: int) -> list[int]:
    """Who is mixed with whom in a share of `count` clips: 0 with 1, 2 with 3, ...; an odd last one with itself."""
    return [min(k ^ 1, count - 1) for k in range(count)]


@dataclass(frozen=True)
class Batch:
    """One process's share of a step: waveforms, soft targets `(batch, labels)`, and what was drawn for each clip.

    is_clip: bool `(batch,)`, False for windows of background alone.
    backgrounds: float32 `(batch, time)`, what clips lie in, zeros for a clip that lies in none; None when all do.
    """

    waveforms: Waveforms
    targets: torch.Tensor
    draws: list[Augmentation]
    partners: list[int]
    is_clip: np.ndarray
    backgrounds: torch.Tensor | None = None


def load_batch(
    clips: Clips,
    targets: np.ndarray,
    indices: np.ndarray,
    epoch: int,
    config: TrainConfig,
    window_length: int,
    backgrounds: Backgrounds | None = None,
) -> Batch:
    """Read a random part of each clip, at most `window_length` samples once treated, with its draws.

    Args:
        targets: of the clips, and of windows of background alone as `nothing_targets` gives them.
        indices: of the clips; those behind the last clip are of windows of background alone.
        backgrounds: of a run that trains for the field.
    """
    waveforms, draws = [], []
    behind: np.ndarray | None = None
    for row, index in enumerate(indices.tolist()):
        generator = clip_generator(config.seed, epoch, index)
        if index >= len(clips) and backgrounds is not None:
            length = alone_length(window_length, config.sampling_rate, generator)
            drawn = draw(config, length, window_length, generator, alone=True)
            whole = backgrounds.draw(length, generator)
            waveforms.append(whole[drawn.start : drawn.start + drawn.take])
        else:
            drawn = draw(config, int(clips.lengths[index]), window_length, generator)
            waveforms.append(clips.waveform(index, drawn.start, drawn.start + drawn.take))
        draws.append(drawn)
        if backgrounds is not None and drawn.background_snr_db is not None:
            behind = np.zeros((len(indices), window_length), np.float32) if behind is None else behind
            behind[row, : drawn.window] = backgrounds.draw(drawn.window, generator)
    return Batch(
        pad_waveforms(waveforms),
        torch.from_numpy(targets[indices]),
        draws,
        partners(len(indices)),
        indices < len(clips),
        None if behind is None else torch.from_numpy(behind),
    )


def one_ahead(make: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[Made]:
    """`map(make, items)`, with the next item made in a second thread while the present one is used."""
    with ThreadPoolExecutor(1) as executor:
        pending: Future[Made] | None = None
        for item in items:
            following = executor.submit(make, item)
            if pending is not None:
                yield pending.result()
            pending = following
        if pending is not None:
            yield pending.result()
