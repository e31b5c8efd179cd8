"""A recording block by block at one sampling rate with one number of channels, whatever happens to these on its way."""

from collections.abc import Iterator

import numpy as np
import soxr

from audiocls.audio.decoding import CUT, Source
from audiocls.audio.native_blocks import NativeBlocks
from audiocls.errors import AudioReadError

BLOCK_SECONDS = 10.0


class UniformBlocks:
    """Iterate over float32 (frames, channels) at the recording's own rate and channels, those of its first block.

    Args:
        source: a path, bytes or a seekable binary file.
        sampling_rate: another rate to resample to, in Hz.
        denoise: "no", or a method of `StreamDenoiser`, for each channel by itself.

    Attributes, known from the first block on:
        sampling_rate, channels: of the blocks. format: such as "WAV PCM_16".
        notes: what was wrong, in a few words each; final after the last block.

    Raises:
        AudioReadError: while iterating: nothing can be read, or samples are not numbers.
    """

    def __init__(self, source: Source, sampling_rate: int | None = None, denoise: str = "no") -> None:
        self.sampling_rate = sampling_rate or 0
        self.channels = 0
        self.notes: list[str] = []
        self._native = NativeBlocks(source, BLOCK_SECONDS)
        self._denoise = denoise
        self._resampler: soxr.ResampleStream | None = None

    @property
    def format(self) -> str:
        return self._native.format

    def __iter__(self) -> Iterator[np.ndarray]:
        blocks = self._resampled()
        yield from blocks if self._denoise == "no" else self._denoised(blocks)

    def _resampled(self) -> Iterator[np.ndarray]:
        current, seconds = 0, 0.0
        for rate, native in self._native:
            if not np.isfinite(native).all():
                raise AudioReadError(self._native.name, "it holds samples that are not numbers (NaN or infinite)")
            if not self.channels:
                self.channels, self.sampling_rate = native.shape[1], self.sampling_rate or rate
            block = native
            if native.shape[1] != self.channels:
                self._note(f"changes from {self.channels} to {native.shape[1]} channels at {seconds:.1f} s")
                block = np.repeat(native.mean(axis=1, keepdims=True), self.channels, axis=1)
            if current and rate != current:
                self._note(f"changes from {current} to {rate} Hz at {seconds:.1f} s")
                yield self._flushed()
            if rate != current:
                same = rate == self.sampling_rate
                self._resampler = (
                    None if same else soxr.ResampleStream(rate, self.sampling_rate, self.channels, "float32", "HQ")
                )
                current = rate
            seconds += len(native) / rate
            yield self._resampler.resample_chunk(np.ascontiguousarray(block)) if self._resampler else block
        yield self._flushed()
        if self._native.cut:
            self._note(CUT)

    def _flushed(self) -> np.ndarray:
        rest = np.empty((0, self.channels), np.float32)
        return self._resampler.resample_chunk(rest, last=True) if self._resampler else rest

    def _denoised(self, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        from audiocls.audio.denoising import StreamDenoiser

        gates: list[StreamDenoiser] = []
        for block in blocks:
            gates = gates or [StreamDenoiser(self.sampling_rate, self._denoise) for _ in range(self.channels)]
            yield np.stack([gate.push(block[:, i].copy()) for i, gate in enumerate(gates)], axis=1)
        if gates:
            yield np.stack([gate.finish() for gate in gates], axis=1)

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
