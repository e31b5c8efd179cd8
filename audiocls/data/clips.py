"""The decoded clips of one part of a data set: their samples, targets, groups and names."""

from collections.abc import Sequence

import numpy as np

from audiocls.data.copies import copies
from audiocls.data.store import Store


class Clips:
    """Decoded clips of one part, read from a memory map. Pickles cheaply (loader workers)."""

    def __init__(
        self, store: Store, rows: np.ndarray, files: list[str], targets: np.ndarray, groups: Sequence[str | None]
    ) -> None:
        self._store, self._rows = store, rows
        self.files = files
        self.lengths: np.ndarray = store.lengths[rows]  # int64 (n,), in samples
        self.targets = targets  # int64 (n,), or float32 (n, labels) when clips have several labels
        self.groups = list(groups)

    def __len__(self) -> int:
        return len(self.files)

    @property
    def sampling_rate(self) -> int:
        """Of the decoded samples, in Hz."""
        return self._store.sampling_rate

    @property
    def rows(self) -> np.ndarray:
        """The row of each clip in its store, int64 (n,)."""
        return self._rows

    @property
    def contents(self) -> list[str]:
        """Hash of each clip's encoded file: equal where the content is."""
        return [self._store.contents[row] for row in self._rows]

    def copies(self) -> list[tuple[int, int]]:
        """Pairs of clips that are the same recording, by content or by ear: (first, second) with first < second."""
        identical, similar = copies(self._store, self._rows)
        return sorted({*identical, *similar})

    def waveform(self, index: int, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Samples start to stop: float32 (time,), a read-only view of the file; only what is used is read from disk."""
        return self._store.waveform(int(self._rows[index]), start, stop)

    def subset(self, indices: Sequence[int] | np.ndarray) -> "Clips":
        """The chosen clips in the given order, sharing the same memory map."""
        chosen = np.asarray(indices, dtype=np.int64)
        return Clips(
            self._store,
            self._rows[chosen],
            [self.files[i] for i in chosen],
            self.targets[chosen],
            [self.groups[i] for i in chosen],
        )

    def followed_by(self, other: "Clips") -> "Clips":
        """These clips, then those of another part of the same data."""
        rows, targets = np.concatenate([self._rows, other._rows]), np.concatenate([self.targets, other.targets])
        return Clips(self._store, rows, self.files + other.files, targets, self.groups + other.groups)
