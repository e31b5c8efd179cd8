"""A recording of any length as mono float32 blocks at one sampling rate, in memory that does not grow with it.

As `decoding`, but it goes on where that gives up: what comes before damage is given, a change of rate or channels is
followed, and samples that are no numbers become silence; notes say so. The next block is decoded in a thread while the
last one is being used.
"""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import soxr

from audiocls.audio.decoding import CUT, Source, display_name, mono
from audiocls.audio.native_blocks import NativeBlocks
from audiocls.errors import AudioReadError, UsageError

_MOST_NOTES = 8  # a file that changes every second would tell nothing more


class AudioStream:
    """Iterate over float32 (time,) blocks of about `block_seconds`, mono, at `sampling_rate` Hz; each time anew.

    Args:
        source: a path, bytes or a binary file, which is read from its start; all into memory if it cannot seek.
        block_seconds: what is held in memory, about three times: decoded, resampled, and the one before.

    Attributes:
        seconds: how much has been given so far.
        expected_seconds: how long the file's header says it is, None where it does not tell; known with the first
            block.
        notes: what was wrong with the file, in a few words each; complete when the iteration is.

    Raises:
        AudioReadError: while iterating, if nothing at all can be read, or no sample is a number.
        UsageError: `block_seconds` or `sampling_rate` is not above 0.
    """

    def __init__(self, source: Source, sampling_rate: int, block_seconds: float = 30.0) -> None:
        if not block_seconds > 0 or sampling_rate < 1:
            raise UsageError(
                f"block_seconds is {block_seconds} and sampling_rate {sampling_rate}; both must be above 0"
            )
        self.name = display_name(source)
        self.sampling_rate = sampling_rate
        self.seconds = 0.0
        self.expected_seconds: float | None = None
        self.notes: list[str] = []
        self._source, self._block_seconds = source, block_seconds

    def __iter__(self) -> Iterator[np.ndarray]:
        self.seconds, self.notes, given = 0.0, [], 0
        blocks = self._decoded()
        try:
            with ThreadPoolExecutor(1, thread_name_prefix="decode") as thread:  # one block ahead, no more
                upcoming = thread.submit(next, blocks, None)
                while (block := upcoming.result()) is not None:
                    upcoming = thread.submit(next, blocks, None)
                    given += len(block)
                    self.seconds = given / self.sampling_rate
                    yield block
        finally:
            blocks.close()

    def _decoded(self) -> Generator[np.ndarray, None, None]:
        native = NativeBlocks(self._source, self._block_seconds)
        resampler: _Resampler | None = None
        heard = (0, 0)  # rate and channels
        seconds, usable = 0.0, False
        try:
            for rate, block in native:
                self.expected_seconds = native.expected_seconds
                now = (rate, block.shape[1])
                if resampler is None or rate != heard[0]:
                    if resampler is not None:
                        self._note(f"changes from {heard[0]} to {rate} Hz at {seconds:.1f} s")
                        yield from resampler.finish()
                    resampler = _Resampler(rate, self.sampling_rate)
                if heard[1] not in (0, now[1]):
                    self._note(f"changes from {heard[1]} to {now[1]} channels at {seconds:.1f} s")
                heard = now
                waveform, all_bad = self._numbers(mono(block), seconds, rate)
                usable = usable or (not all_bad and len(block) > 0)
                seconds += len(block) / rate
                yield from resampler.add(waveform)
        except AudioReadError:
            if resampler is None:
                raise
            native.cut = True  # a second part that is no sound
        if resampler is not None:
            yield from resampler.finish()
        if not usable:
            raise AudioReadError(self.name, "it holds no samples that are numbers (NaN or infinite throughout)")
        if native.cut:
            self.notes.append(CUT)

    def _numbers(self, waveform: np.ndarray, seconds: float, rate: int) -> tuple[np.ndarray, bool]:
        """The waveform (time,) with silence for what is no number, and whether all of it was none."""
        if np.isfinite(np.dot(waveform, waveform)):  # at the speed of memory; says nothing wrong of what is right
            return waveform, False
        bad = ~np.isfinite(waveform)
        if not bad.any():
            return waveform, False
        at = seconds + int(bad.argmax()) / rate
        if not any("not numbers" in note for note in self.notes):
            self._note(f"holds samples that are not numbers from {at:.1f} s on; silence was put in their place")
        return np.where(bad, np.float32(0), waveform), bool(bad.all())

    def _note(self, text: str) -> None:
        if len(self.notes) < _MOST_NOTES:
            self.notes.append(text)
        elif len(self.notes) == _MOST_NOTES:
            self.notes.append("goes on changing")


class _Resampler:
    """Mono blocks in, blocks at another rate out, as if all had been resampled in one piece."""

    def __init__(self, rate: int, sampling_rate: int) -> None:
        self._stream = soxr.ResampleStream(rate, sampling_rate, 1, "float32", "HQ") if rate != sampling_rate else None

    def add(self, waveform: np.ndarray) -> Iterator[np.ndarray]:
        block = waveform if self._stream is None else self._stream.resample_chunk(waveform)
        if len(block):
            yield block

    def finish(self) -> Iterator[np.ndarray]:
        if self._stream is not None:
            block = self._stream.resample_chunk(np.empty(0, np.float32), last=True)
            if len(block):
                yield block
