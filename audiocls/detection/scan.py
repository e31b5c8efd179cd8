"""Sliding windows of a model over samples that come in blocks of any size; what they mean is for others to say.

Window i covers the samples from i * hop_length on, window_length of them. There are as many as are needed to reach the
end: full windows, then one of what is left, given to the model with its own length as a short clip is.
"""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from audiocls.detection.fast_windows import FastWindows
from audiocls.errors import UsageError

if TYPE_CHECKING:
    from audiocls.inference.classifier import AudioClassifier

BATCH_SIZE = 32


def fitting_hop(classifier: "AudioClassifier", hop_length: int) -> int:
    """The hop nearest to `hop_length`, in samples, with which windows start on a model's frames and can share them."""
    features = getattr(classifier.model, "features", None)
    step = getattr(features, "hop_length", 1)
    return max(1, round(hop_length / step)) * step


@dataclass(frozen=True)
class Windows:
    """Consecutive windows, from number `first` on.

    scores: float32 (windows, labels), as `AudioClassifier.predict_known` gives them, to 1e-4.
    known: float32 (windows,), likewise: -inf for silence, NaN where the model cannot tell.
    """

    first: int
    scores: np.ndarray
    known: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)


class Scanner:
    """Push samples, get the windows that are complete; `finish` gives the last one, which the end cuts short.

    The scores do not depend on the blocks. Networks of audiocls are run in a form made for speed; see `FastWindows`.

    Args:
        classifier: any model.
        window_length, hop_length: in samples at `classifier.sampling_rate`.
        batch_size: windows that go through the model at once.
        num_threads: batches worked on at a time, on a CPU; as many as torch would use unless
            given. Other models leave threads to torch.
        fast: the form for speed, if it has been made already.

    Raises:
        UsageError: a window longer than the model hears at once, a hop longer than the window, or a length below 1.
    """

    def __init__(
        self,
        classifier: "AudioClassifier",
        window_length: int,
        hop_length: int,
        batch_size: int = BATCH_SIZE,
        num_threads: int | None = None,
        fast: FastWindows | None = None,
    ) -> None:
        longest = classifier.window_length
        if window_length > longest:
            rate = classifier.sampling_rate
            raise UsageError(
                f"window_length is {window_length} samples ({window_length / rate:g} s), but the model hears at most "
                f"{longest} ({longest / rate:g} s) at once; choose a shorter window"
            )
        if not 1 <= hop_length <= window_length:
            raise UsageError(
                f"hop_length is {hop_length} and window_length {window_length} samples; a hop must be at least 1 and "
                "at most a window, or sound between windows would not be heard"
            )
        if batch_size < 1:
            raise UsageError(f"batch_size is {batch_size}; it must be at least 1")
        self.window_length, self.hop_length = window_length, hop_length
        self._classifier, self._batch_size = classifier, batch_size
        self._fast = fast or FastWindows.of(classifier, window_length, hop_length)
        self._num_threads = max(1, torch.get_num_threads() if num_threads is None else num_threads)
        self._threads: ThreadPoolExecutor | None = None
        self._held = np.empty(0, np.float32)  # from the start of the next window on
        self._next = 0

    def push(self, samples: np.ndarray) -> list[Windows]:
        """Take the next samples, float32 (time,); give the windows, none or many, that they complete."""
        self._held = np.concatenate([self._held, samples]) if len(self._held) else np.asarray(samples, np.float32)
        count = (len(self._held) - self.window_length) // self.hop_length + 1
        if count <= 0:
            if np.may_share_memory(self._held, samples):
                self._held = self._held.copy()
            return []
        found = list(self._scored(self._held, count))
        self._held = self._held[count * self.hop_length :].copy()
        return found

    def finish(self) -> list[Windows]:
        """The end is reached: give the window of what no full one covers, if there is any. Push no more."""
        if self._threads is not None:
            self._threads.shutdown()
            self._threads = None
        covered = self.window_length - self.hop_length if self._next else 0
        if len(self._held) <= covered:
            return []
        scores, known = self._classifier.predict_known([self._held])
        self._next += 1
        return [Windows(self._next - 1, scores, known)]

    def _scored(self, samples: np.ndarray, count: int) -> Iterator[Windows]:
        """The first `count` windows of samples, in runs that share batches.

        How they are divided must not depend on the threads: in other company, last digits are others.
        """
        runs = -(-count // self._batch_size)
        threads = self._num_threads if self._classifier.model.device.type == "cpu" else 1
        edges = np.linspace(0, count, min(runs, count) + 1).astype(int)
        pieces = [
            samples[first * self.hop_length : (end - 1) * self.hop_length + self.window_length]
            for first, end in itertools.pairwise(edges)
        ]
        if threads > 1 and len(pieces) > 1:
            if self._threads is None:
                # torch's own threads inside of these would only stand in each other's way
                self._threads = ThreadPoolExecutor(threads, "scan", torch.set_num_threads, (1,))
            before = torch.get_num_threads()
            results = self._threads.map(self._run, pieces)
        else:
            before, results = 0, map(self._run, pieces)
        for scores, known in results:
            self._next += len(scores)
            yield Windows(self._next - len(scores), scores, known)
        if before:
            torch.set_num_threads(before)

    def _run(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores (windows, labels) and known scores (windows,) of all full windows of samples (time,)."""
        if self._fast is not None:
            return self._fast(samples)
        views = np.lib.stride_tricks.sliding_window_view(samples, self.window_length)[:: self.hop_length]
        return self._classifier.predict_known(list(views), self._batch_size)
