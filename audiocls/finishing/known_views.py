"""The views by which `KnownSounds` tells unknown sounds, fitted on windows of clips, and honest values of theirs.

Honest is what a clip would get if it had not been there: its neighbours are of other groups, and the regression was
solved without its fold.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from audiocls.data.clips import Clips
from audiocls.inference.windows import Listener
from audiocls.models.rejection import best_output, nearest, surest
from audiocls.pretrained.linear import make_folds

NEIGHBOURS = 3
MOST_REFERENCES = 2000  # windows kept in the model
CLIPS_AT_ONCE = 64  # held in memory
# Of the ridge regression, beside the mean squares of standardised features, as a share of their sum.
STRENGTH = 1 / 384
LARGEST = 6e4  # of a reference, in float16

Values = dict[str, np.ndarray]  # of each view, float64 (clips,); NaN for a clip in which nothing is heard


@dataclass(frozen=True)
class Windows:
    """What a model makes of every window of some clips in which something can be heard.

    owners: int64 (windows,), the clip of each. logits: float32 (windows, labels), not calibrated. features: float32
    (windows, width), or None. num_clips: of all, heard or not.
    """

    owners: np.ndarray
    logits: np.ndarray
    features: np.ndarray | None
    num_clips: int

    def mean_by_clip(self, values: np.ndarray) -> np.ndarray:
        """Values (windows,) averaged over each clip, NaN for one without a window: float64 (clips,)."""
        counts = np.bincount(self.owners, minlength=self.num_clips)
        sums = np.bincount(self.owners, weights=values, minlength=self.num_clips)
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)

    def sureness(self, multi_label: bool) -> np.ndarray:
        """The view `sure` of each clip."""
        return self.mean_by_clip(surest(torch.from_numpy(self.logits), multi_label).numpy())


def heard_windows(listener: Listener, clips: Clips) -> Windows:
    """All windows of clips that are not silent."""
    parts = list(_heard(listener, clips))
    features = [part[2] for part in parts if part[2] is not None]
    return Windows(
        np.concatenate([part[0] for part in parts]) if parts else np.zeros(0, np.int64),
        np.concatenate([part[1] for part in parts]) if parts else np.zeros((0, listener.num_labels), np.float32),
        np.concatenate(features) if parts and len(features) == len(parts) else None,
        len(clips),
    )


def _heard(listener: Listener, clips: Clips) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    for first in range(0, len(clips), CLIPS_AT_ONCE):
        some = range(first, min(first + CLIPS_AT_ONCE, len(clips)))
        owners, logits, features = listener.states([clips.waveform(index) for index in some])
        yield owners + first, logits, features


class FeatureViews:
    """The views `near` and `head`, fitted on windows of the classes' own clips and of clips of no class.

    Args:
        windows: of the classes' own, with features.
        targets: float 0/1 (clips, labels). groups: of the clips, None for one that is alone.
        negatives: windows of no class, maybe none.
    """

    def __init__(
        self, windows: Windows, targets: np.ndarray, groups: list[str | None], negatives: Windows, seed: int
    ) -> None:
        assert windows.features is not None
        self.num_labels, self.seed = targets.shape[1], seed
        self.windows, self.targets, self.groups = windows, targets, groups
        self.centre = windows.features.mean(0)
        spread = windows.features.std(0)
        self.spread = np.where(spread > 1e-6 * max(float(spread.max()), 1e-12), spread, np.inf)
        self.features = self._standard(windows)
        self.others = self._standard(negatives)[: len(self.features)]
        rng = np.random.default_rng([seed, 2])
        self.kept = np.sort(rng.permutation(len(self.features))[:MOST_REFERENCES])
        self.references = self.features[self.kept].clip(-LARGEST, LARGEST).astype(np.float16)
        self.weight, self.bias = regression(self.features, targets[windows.owners], self.others)

    def _standard(self, windows: Windows) -> np.ndarray:
        if windows.features is None:
            return np.zeros((0, len(self.centre)))
        return ((windows.features - self.centre) / self.spread).astype(np.float64)

    def tensors(self) -> dict[str, torch.Tensor]:
        """The state dict of `KnownSounds`."""
        exact = {"centre": self.centre, "spread": self.spread, "weight": self.weight, "bias": self.bias}
        tensors = {name: _bits(values) for name, values in exact.items()}
        return tensors | {"references": torch.from_numpy(self.references).view(torch.int16)}

    def of(self, windows: Windows) -> Values:
        """Values of other clips."""
        given = torch.from_numpy(self._standard(windows))
        near = -nearest(given, torch.from_numpy(self.references.astype(np.float64)), NEIGHBOURS)
        head = best_output(given @ torch.from_numpy(self.weight).T + torch.from_numpy(self.bias), self.num_labels)
        return {"near": windows.mean_by_clip(near.numpy()), "head": windows.mean_by_clip(head.numpy())}

    def honest(self) -> Values:
        """Values of the clips it was fitted on, as if they had not been there."""
        head = best_output(torch.from_numpy(self._out_of_folds()), self.num_labels).numpy()
        return {
            "near": self.windows.mean_by_clip(-self._to_other_groups()),
            "head": self.windows.mean_by_clip(head),
        }

    def _to_other_groups(self) -> np.ndarray:
        """Mean distance (windows,) to the nearest references of other groups."""
        names = [f"group {name}" if name is not None else f"clip {n}" for n, name in enumerate(self.groups)]
        groups = np.unique(names, return_inverse=True)[1][self.windows.owners]
        references = torch.from_numpy(self.references.astype(np.float64))
        features, found = torch.from_numpy(self.features), np.full(len(self.features), np.nan)
        for group in np.unique(groups):
            inside, others = groups == group, groups[self.kept] != group
            if others.any():
                found[inside] = nearest(features[inside], references[others], NEIGHBOURS).numpy()
        return found

    def _out_of_folds(self) -> np.ndarray:
        """Outputs (windows, outputs) of regressions that were solved without a window's fold."""
        owners = self.windows.owners
        classes = self.targets.argmax(1) if (self.targets.sum(1) == 1).all() else self.targets
        folds = make_folds(classes, self.groups, self.seed)[owners]
        found = np.full((len(owners), len(self.bias)), np.nan)
        for fold in np.unique(folds):
            inside = folds == fold
            if not inside.all():
                wanted = self.targets[owners[~inside]]
                weight, bias = regression(self.features[~inside], wanted, self.others)
                found[inside] = self.features[inside] @ weight.T + bias
        return found


def regression(features: np.ndarray, targets: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ridge regression of standardised features on 0/1 targets, with one output more where there are others.

    Args:
        features: float64 (windows, width). targets: (windows, labels). others: (others, width), of no class.

    Returns:
        weight (outputs, width) and bias (outputs,); outputs are features @ weight.T + bias.
    """
    wanted = targets.astype(np.float64)
    if len(others):
        features = np.concatenate([features, others])
        wanted = np.concatenate([wanted, np.zeros((len(others), wanted.shape[1]))])
        wanted = np.concatenate([wanted, np.arange(len(wanted))[:, None] >= len(targets)], axis=1)
    centre, mean = features.mean(0), wanted.mean(0)
    moved = features - centre
    count, width = moved.shape
    penalty = max(STRENGTH * float((moved**2).sum()), 1e-9)
    if count < width:
        weight = np.linalg.solve(moved @ moved.T + penalty * np.eye(count), wanted - mean).T @ moved
    else:
        weight = np.linalg.solve(moved.T @ moved + penalty * np.eye(width), moved.T @ (wanted - mean)).T
    return weight, mean - weight @ centre


def _bits(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32)).view(torch.int32)
