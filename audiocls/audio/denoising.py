"""Noise reduction of recordings and endless streams, by the gate that models have as their first layer.

For models that were not trained with it, and for cutting clips. The noise is estimated from some seconds around, so
that it may change in the course of a recording; a clip of up to 3.9 seconds is treated just as a model's window.
"""

import numpy as np
import torch

from audiocls.errors import UsageError
from audiocls.models.denoising import LEAD, METHODS, OVERLAP, SpectralGate, denoise_settings

STEP_SECONDS = 2.0  # worked on at a time, and heard ahead
PAST_STEPS = 4  # from which the noise is estimated, beside the step itself and the next one


class StreamDenoiser:
    """Reduces the noise in an endless stream: blocks of any length in, the same sound with less noise out.

    The result is the same, to the last bit, however the stream is cut into blocks. It comes up to four seconds late and
    needs memory for some fifteen seconds.

    Args:
        sampling_rate: of the stream, in Hz.
        method: "stationary" (against the noise level of the last eight seconds) or "nonstationary" (against one that
            follows the sound), with the usual settings of `SpectralGate`.

    Raises:
        UsageError: another method, or a sampling rate below 100 Hz.
    """

    def __init__(self, sampling_rate: int, method: str) -> None:
        if method not in METHODS:
            raise UsageError(f"denoise is {method!r}; choose from {', '.join(METHODS)}")
        if sampling_rate < 100:
            raise UsageError(f"sampling_rate is {sampling_rate}; noise can be reduced from 100 Hz up")
        self.gate = SpectralGate(denoise_settings(method, sampling_rate), sampling_rate)
        self.hop_length = self.gate.hop_length
        self.step_frames = max(1, round(STEP_SECONDS * sampling_rate / self.hop_length))
        self._start()

    def _start(self) -> None:
        self._length = 0  # samples taken
        self._given = -LEAD * self.hop_length  # samples given back; the zeros before the first count as well
        self._waiting = [np.zeros(LEAD * self.hop_length, np.float32)]  # blocks of which no frame has been made
        self._samples = LEAD * self.hop_length  # in these
        self._levels: list[torch.Tensor] = []  # of past steps, of the one to come and of the one ahead, (frames, bins)
        self._spectra: list[torch.Tensor] = []  # of steps that have not been given back
        self._past_frames = 0  # that are no longer in `_levels`
        self._tail = torch.zeros(LEAD * self.hop_length)  # what frames given back add to the next samples

    def push(self, samples: np.ndarray) -> np.ndarray:
        """Take the next samples, float32 (time,), and give what is ready, float32 (any time,)."""
        samples = np.asarray(samples, np.float32)
        self._length += len(samples)
        return self._advance(samples)

    def finish(self) -> np.ndarray:
        """Give all that is left; as many samples have then come out as went in. It can then take another stream."""
        frames_in_all = -(-self._length // self.hop_length) + LEAD
        frames_made = self._past_frames + sum(map(len, self._levels))
        missing = (frames_in_all - frames_made + LEAD) * self.hop_length - self._samples
        parts = [self._advance(np.zeros(missing, np.float32))]
        if self._samples > LEAD * self.hop_length:
            self._transform(self._samples // self.hop_length - LEAD)
        while self._spectra:
            parts.append(self._give())
        self._start()
        return np.concatenate(parts)

    @torch.inference_mode()
    def _advance(self, samples: np.ndarray) -> np.ndarray:
        self._waiting.append(samples)
        self._samples += len(samples)
        parts = [np.zeros(0, np.float32)]
        while self._samples >= (self.step_frames + LEAD) * self.hop_length:
            self._transform(self.step_frames)
            if len(self._spectra) == 2:
                parts.append(self._give())
        return np.concatenate(parts)

    @torch.inference_mode()
    def _transform(self, frames: int) -> None:
        """Make the next `frames` frames of the samples that wait."""
        joined = np.concatenate(self._waiting)
        needed = (frames + LEAD) * self.hop_length
        spectra = self.gate.spectra(torch.from_numpy(joined[None, :needed]))
        self._waiting, self._samples = [joined[frames * self.hop_length :]], len(joined) - frames * self.hop_length
        self._spectra.append(spectra)
        self._levels.append(self.gate.levels(spectra)[0])

    @torch.inference_mode()
    def _give(self) -> np.ndarray:
        """The sound of the oldest step that waits, its gates set by the steps around it."""
        spectra = self._spectra.pop(0)
        before = len(self._levels) - len(self._spectra) - 1
        first = sum(map(len, self._levels[:before]))
        levels = torch.cat(self._levels)[None]
        centres = (self._past_frames + torch.arange(levels.shape[1]) - LEAD + OVERLAP // 2) * self.hop_length
        inside = ((centres >= 0) & (centres <= self._length))[None]
        heard = (centres - self.gate.n_fft // 2 < self._length)[None]
        gates = self.gate.gates(levels, inside, heard, first, first + spectra.shape[1])
        sound = self.gate.waveform(spectra * gates)[0]
        sound[: len(self._tail)] += self._tail
        ready = spectra.shape[1] * self.hop_length
        self._tail = sound[ready:].clone()
        while before >= PAST_STEPS:
            self._past_frames += len(self._levels.pop(0))
            before -= 1
        start = self._given
        self._given += ready
        return sound[max(0, -start) : max(0, min(ready, self._length - start))].numpy().copy()


def denoise(waveform: np.ndarray, sampling_rate: int, method: str) -> np.ndarray:
    """A mono recording, float32 (time,), with less noise: what a `StreamDenoiser` makes of it.

    Raises:
        UsageError: as `StreamDenoiser`.
    """
    denoiser = StreamDenoiser(sampling_rate, method)
    return np.concatenate([denoiser.push(waveform), denoiser.finish()])
