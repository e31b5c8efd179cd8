"""How far a corpus is: a bar over its seconds of sound, with the speed and the time left."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tqdm import tqdm

BAR = "{desc} {percentage:3.0f}%|{bar}| "
DELAY_SECONDS = 0.5  # what takes less needs no bar
GUESSED_SECONDS_PER_BYTE = 1 / 32_000  # 16 bits at 16 kHz, until a recording has told


class Progress:
    """Counts the seconds heard in all threads; how many there are in all is guessed from the sizes of the files.

    A file's header is only read when its turn comes, so a hundred thousand files do not delay the start: what is left
    is taken to hold as many seconds a byte as those of its kind (by extension) that were begun.

    Args:
        sizes: bytes of each recording that is still to be heard.
        done: recordings that were finished before, shown in the count.
        verbose: whether a bar is shown.
    """

    def __init__(self, sizes: Mapping[str, int], done: int, verbose: bool) -> None:
        self.seconds = 0.0
        self._sizes = dict(sizes)
        self._kinds = {path: Path(path).suffix.lower() for path in sizes}
        self._left: dict[str, int] = {}
        for path, size in sizes.items():
            self._left[self._kinds[path]] = self._left.get(self._kinds[path], 0) + size
        self._known: dict[str, list[float]] = {}  # by kind: seconds, bytes
        self._running: dict[str, tuple[float, float]] = {}  # by recording: heard, expected
        self._finished, self._all = done, done + len(self._sizes)
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._bar = tqdm(total=1.0, desc="Listening", bar_format=BAR, disable=not verbose, delay=DELAY_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.show()
        self._bar.close()

    def begin(self, path: str, expected_seconds: float | None) -> None:
        """A recording is opened."""
        with self._lock:
            kind, size = self._kinds[path], self._sizes[path]
            self._left[kind] -= size
            if expected_seconds:
                known = self._known.setdefault(kind, [0.0, 0.0])
                known[0] += expected_seconds
                known[1] += size
            self._running[path] = (0.0, expected_seconds or size * self._seconds_per_byte(kind))

    def advance(self, path: str, seconds: float) -> None:
        """So many seconds of a recording have been heard so far."""
        with self._lock:
            heard, expected = self._running[path]
            self.seconds += seconds - heard
            self._running[path] = (seconds, max(expected, seconds))

    def finish(self, path: str) -> None:
        """A recording is done, whether it could be read or not."""
        with self._lock:
            if self._running.pop(path, None) is None:
                self._left[self._kinds[path]] -= self._sizes[path]
            self._finished += 1

    def seconds_left(self) -> float:
        """Sound that is still to be heard, as far as can be told."""
        with self._lock:
            running = sum(expected - heard for heard, expected in self._running.values())
            return running + sum(left * self._seconds_per_byte(kind) for kind, left in self._left.items())

    def show(self) -> None:
        """Draw the bar anew."""
        left = self.seconds_left()
        speed = self.seconds / max(time.monotonic() - self._started, 1e-3)
        self._bar.total = self.seconds + left or 1.0
        self._bar.n = self.seconds
        wait = f", {clock(left / speed)} left" if speed and left else ""
        told = f"{clock(self.seconds)} of {clock(self.seconds + left)}, {self._finished} of {self._all} recordings"
        self._bar.bar_format = f"{BAR}{told}, {speed:.0f}x real time{wait}"
        if not self._bar.disable and time.monotonic() - self._started > DELAY_SECONDS:
            self._bar.refresh()

    def _seconds_per_byte(self, kind: str) -> float:
        known = [self._known[kind]] if kind in self._known else list(self._known.values())
        size = sum(each[1] for each in known)
        return sum(each[0] for each in known) / size if size else GUESSED_SECONDS_PER_BYTE


def clock(seconds: float) -> str:
    """Hours, minutes and seconds as a clock shows them: 1:02:03, or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"
