"""Noise to lay clips into where there are no recordings of any: shaped like the data's own quiet parts, or tilted.

Noise is drawn in any length from a generator. It knows nothing of folders and training.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft

from audiocls.data.clips import Clips

SPECTRUM_BINS = 257  # of a quiet part's spectrum, from 0 to half the sampling rate
MOST_CLIPS = 500  # whose quiet parts are looked for
QUIET_SECONDS = 0.2  # length of a quiet part
QUIET_DB = 20.0  # below the clip's loudest part; what is nearer is the sound itself
QUIETEST_POWER = 1e-9  # -90 dBFS; below it there is nothing but the rounding of samples
OWN_SHARE = 0.5  # of the noises drawn that have the spectrum of a quiet part, where there are some
TILT_DB = (-9.0, 3.0)  # per octave: from rumble to slightly blue
OWN_TILT_DB = (-2.0, 2.0)  # another place, another microphone
BENDS, BEND_STD_DB = 8, 3.0  # of a smooth random gain over the octaves
BAND_SHARE, BAND_OCTAVES, BAND_DB = (
    0.3,
    (0.15, 1.0),
    (10.0, 30.0),
)  # noises with a band that stands out, and by how much
HUM_SHARE, HUM_HZ, HUM_DB, MOST_HARMONICS = 0.25, (40.0, 400.0), (-10.0, 20.0), 8  # noises with a hum, beside the rest
LOWEST_HZ = 40.0
LEVEL_DB = (-60.0, -30.0)  # dBFS
SWELL_HZ = (0.2, 3.0)  # how fast the level changes
SWELL_STD_DB = (0.0, 5.0)
SWELL_STEP = 64  # samples, between which the gain is interpolated


@dataclass(frozen=True)
class Noise:
    """Noise of one sampling rate.

    spectra: float32 (n, SPECTRUM_BINS), power spectra of quiet parts with mean 1; none where there are no quiet parts.
    """

    sampling_rate: int
    spectra: np.ndarray

    def draw(self, length: int, rng: np.random.Generator) -> np.ndarray:
        """`length` samples of noise, float32, whose level swells slowly around one drawn from LEVEL_DB."""
        size = scipy.fft.next_fast_len(max(length, 2 * SPECTRUM_BINS), real=True)
        frequencies = np.fft.rfftfreq(size, 1 / self.sampling_rate)
        octaves = np.log2(np.maximum(frequencies, LOWEST_HZ) / LOWEST_HZ)
        if len(self.spectra) and rng.random() < OWN_SHARE:
            power = self.spectra[rng.integers(len(self.spectra))]
            bins = np.linspace(0, self.sampling_rate / 2, SPECTRUM_BINS)
            gain_db = 10 * np.log10(np.interp(frequencies, bins, power) + 1e-9)
            gain_db += rng.uniform(*OWN_TILT_DB) * octaves
        else:
            gain_db = rng.uniform(*TILT_DB) * octaves
            gain_db += np.interp(octaves, np.linspace(0, octaves[-1], BENDS), rng.normal(0, BEND_STD_DB, BENDS))
        if rng.random() < BAND_SHARE:  # insects, a brook, a fan
            middle, width = rng.uniform(0, octaves[-1]), rng.uniform(*BAND_OCTAVES)
            floor = np.clip(np.abs(octaves - middle) / width, 0, 1)
            gain_db += rng.uniform(*BAND_DB) * (0.5 + 0.5 * np.cos(np.pi * floor))
        gain = 10 ** ((gain_db - gain_db.max()) / 20)
        gain[frequencies < LOWEST_HZ / 2] = 0.0
        white = scipy.fft.rfft(rng.standard_normal(size, np.float32))
        noise = scipy.fft.irfft(white * gain.astype(np.float32), size)[:length]
        if rng.random() < HUM_SHARE:
            noise += self._hum(length, rng) * np.float32(noise.std() * 10 ** (rng.uniform(*HUM_DB) / 20))
        noise *= self._swell(length, rng)
        level = 10 ** (rng.uniform(*LEVEL_DB) / 20)
        return (noise * (level / max(float(np.sqrt(np.mean(noise**2))), 1e-20))).astype(np.float32)

    def _hum(self, length: int, rng: np.random.Generator) -> np.ndarray:
        """A tone with harmonics, as of mains and motors, float32 (length,) with mean power 1."""
        hz = HUM_HZ[0] * (HUM_HZ[1] / HUM_HZ[0]) ** rng.random()
        count = int(min(rng.integers(1, MOST_HARMONICS + 1), 0.45 * self.sampling_rate / hz))
        weights, phases = rng.random(count) / np.arange(1, count + 1), rng.uniform(0, 2 * np.pi, count)
        angle = 2 * np.pi * hz / self.sampling_rate * np.arange(length)
        tone = sum(w * np.sin(k * angle + p) for k, (w, p) in enumerate(zip(weights, phases, strict=True), 1))
        return (tone / np.sqrt(max(float((weights**2).sum() / 2), 1e-12))).astype(np.float32)

    def _swell(self, length: int, rng: np.random.Generator) -> np.ndarray:
        """A gain that changes smoothly, float32 (length,)."""
        rate, std_db = rng.uniform(*SWELL_HZ), rng.uniform(*SWELL_STD_DB)
        knots = rng.normal(0, std_db, int(length / self.sampling_rate * rate) + 3)
        steps = np.arange(0, length + SWELL_STEP, SWELL_STEP)
        at = steps * (rate / self.sampling_rate)
        below = np.minimum(at.astype(np.int64), len(knots) - 2)
        blend = 0.5 - 0.5 * np.cos(np.pi * (at - below))
        gain = 10 ** ((knots[below] * (1 - blend) + knots[below + 1] * blend) / 20)
        return np.interp(np.arange(length), steps, gain).astype(np.float32)


def noise_of(clips: Clips) -> Noise:
    """Noise with the spectra of the quietest parts of clips, as far as they have parts that are quiet beside the rest.

    A clip that sounds all the time has none: what is quietest in it is the sound itself.
    """
    chosen = np.linspace(0, len(clips) - 1, min(len(clips), MOST_CLIPS)).astype(int)
    found = [quiet_spectrum(clips.waveform(index), clips.sampling_rate) for index in chosen.tolist()]
    spectra = [spectrum for spectrum in found if spectrum is not None]
    empty = np.zeros((0, SPECTRUM_BINS), np.float32)
    return Noise(clips.sampling_rate, np.stack(spectra) if spectra else empty)


def quiet_spectrum(waveform: np.ndarray, sampling_rate: int) -> np.ndarray | None:
    """Power spectrum float32 (SPECTRUM_BINS,) with mean 1 of the quietest QUIET_SECONDS; None if they are not quiet."""
    length = max(round(QUIET_SECONDS * sampling_rate), 2)
    if len(waveform) < 2 * length:
        return None
    sums = np.cumsum(np.concatenate([[0.0], waveform.astype(np.float64) ** 2]))
    powers = (sums[length:] - sums[:-length]) / length
    start = int(powers.argmin())
    if powers[start] < QUIETEST_POWER or powers[start] > powers.max() / 10 ** (QUIET_DB / 10):
        return None
    return mean_spectrum([waveform[start : start + length]])


def mean_spectrum(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Mean power spectrum of parts, smoothed over neighbouring bins, float32 (SPECTRUM_BINS,) with mean 1."""
    size = 2 * (SPECTRUM_BINS - 1)
    window = np.hanning(size)
    total = np.zeros(SPECTRUM_BINS)
    for part in parts:
        padded = np.pad(part, (0, max(0, size - len(part))))
        frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 2]
        total += (np.abs(np.fft.rfft(frames * window, axis=1)) ** 2).sum(0)
    smooth = np.convolve(np.pad(total, 2, mode="edge"), np.ones(5) / 5, mode="valid")
    return (smooth / max(float(smooth.mean()), 1e-30)).astype(np.float32)
