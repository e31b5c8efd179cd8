"""Frames that are active, joined into stretches of sound while they come: one stretch is one thing to listen to."""

import numpy as np

from audiocls.detection.activity import Frames


class Stretches:
    """Push frames, get the stretches that are over, (first frame, frame behind the last) each.

    They do not depend on how the frames are divided among calls.

    Args:
        join_frames: stretches with at most so many frames between them are one.
        least_frames: shorter ones are left out.
        most_frames: a longer one is cut, where it is least active in the second half of so many frames.
    """

    def __init__(self, join_frames: int, least_frames: int, most_frames: int) -> None:
        self._join, self._least, self._most = join_frames, least_frames, most_frames
        self._start = self._end = 0  # of the open stretch; none where they are equal
        self._excess = np.empty(0, np.float32)  # of the frames from the start of the open stretch on
        self._now = 0

    @property
    def certain(self) -> int:
        """Stretches that begin before this frame have been given."""
        return self._start if self._end > self._start else self._now

    def push(self, frames: Frames) -> list[tuple[int, int]]:
        """Take the next frames."""
        first, now = frames.first, frames.first + len(frames)
        if self._end > self._start:
            self._excess = np.concatenate([self._excess, frames.excess_db])
        edges = np.diff(np.concatenate([[0], frames.active.astype(np.int8), [0]]))
        starts, ends = np.flatnonzero(edges == 1) + first, np.flatnonzero(edges == -1) + first
        found: list[tuple[int, int]] = []
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            if self._end > self._start and start - self._end > self._join:
                found += self._close()
            if self._end <= self._start:
                self._start, self._excess = start, frames.excess_db[start - first :]
            self._end = end
            found += self._cut()
        self._now = now
        if self._end > self._start and now - self._end > self._join:
            found += self._close()
        return found

    def finish(self) -> list[tuple[int, int]]:
        """No more frames come: give the stretch that is open."""
        return self._close() if self._end > self._start else []

    def _cut(self) -> list[tuple[int, int]]:
        found = []
        while self._end - self._start > self._most:
            half = self._most // 2
            at = self._start + half + int(self._excess[half : self._most].argmin())
            found.append((self._start, at))
            self._excess = self._excess[at - self._start :]
            self._start = at
        return found

    def _close(self) -> list[tuple[int, int]]:
        found = (self._start, self._end)
        self._start = self._end
        self._excess = self._excess[:0]
        return [found] if found[1] - found[0] >= self._least else []
