"""How far two waveforms that are aligned to 20 ms are one sound: phases that agree, energy that both share.

Two hits of one drum, or two notes of one flute, have alike spectra; only one recording has the same phases in all
bands. Transforms and a few sums: nothing is learnt.
"""

import numpy as np
import scipy.fft

SHORTEST_SECONDS = 0.03
LEAST_SHARE = 0.55  # of the shorter one that both must have
SLACK_SECONDS = 0.02  # fingerprints align to 10 ms

_TAPER_SECONDS = 0.005
_SILENCE = 10 ** (-50 / 20)  # of the peak
_LOWEST_HZ, _HIGHEST_HZ, _BANDS = 150.0, 3500.0, 10
_BASS_HZ = 40.0  # from here on energy is compared: kicks that share a click do not share their body
_FAINT = 1e-6  # of the energy: a band with less is a codec's own noise
_WHITENING = 0.6  # 0 is plain correlation, 1 is phase only
_LEAST = (0.85, 0.90, 0.80)  # of each kind of coherence: copies reach 0.9 and more, other hits of a drum do not
_LEAST_OF_SHORT = (0.90, 0.95, 0.90)  # in so few periods phases agree by chance
_SHORT_SECONDS = 0.25
_LEAST_ENERGY = 0.85  # correlation: copies reach 0.92 even in MP3 at 64 kb/s
_FINE = 8  # steps on either side of the lag, of an eighth of a step of the correlation: a shift may be half a sample


def is_same_sound(first: np.ndarray, second: np.ndarray, sampling_rate: int) -> bool:
    """Whether two waveforms that are aligned to 20 ms are one recording.

    Args:
        first, second: float32 (time,).
        sampling_rate: in Hz.
    """
    both = _both(first, second, sampling_rate)
    if both is None:
        return False
    least = _LEAST_OF_SHORT if len(both[0]) < _SHORT_SECONDS * sampling_rate else _LEAST
    agreement = _coherence(*both, sampling_rate)
    if any(value < needed for value, needed in zip(agreement, least, strict=True)):
        return False
    return _shared_energy(*both, sampling_rate) >= _LEAST_ENERGY


def coherence(first: np.ndarray, second: np.ndarray, sampling_rate: int) -> tuple[float, float, float]:
    """How far two waveforms that are aligned to 20 ms agree in phase, band by band, within 150 to 3500 Hz.

    The exact lag is the peak of the partly whitened cross-correlation (Knapp and Carter 1976, "The generalized
    correlation method for estimation of time delay").

    Args:
        first, second: float32 (time,).
        sampling_rate: in Hz.

    Returns:
        Three numbers from 0 to 1. The mean over bands, faint ones counting nearly as much as loud ones, of the partly
        whitened sounds, so that what lies between the partials counts; the same of the sounds as they are; and the sum
        over bands, which loud ones decide.
    """
    both = _both(first, second, sampling_rate)
    return (0.0, 0.0, 0.0) if both is None else _coherence(*both, sampling_rate)


def shared_energy(first: np.ndarray, second: np.ndarray, sampling_rate: int) -> float:
    """Correlation at the exact lag within 40 to 3500 Hz of two waveforms as those of `coherence`, from 0 to 1."""
    both = _both(first, second, sampling_rate)
    return 0.0 if both is None else _shared_energy(*both, sampling_rate)


def _both(first: np.ndarray, second: np.ndarray, sampling_rate: int) -> tuple[np.ndarray, np.ndarray, float] | None:
    """What both waveforms have, and the lag in seconds that is left, less than a sample; None when it is too little."""
    size, low, cross, *powers = _cross_spectrum(first, second, sampling_rate, _LOWEST_HZ)
    if not all(power.any() for power in powers):
        return None
    magnitude = np.abs(cross)
    white = np.zeros(low + len(cross), np.complex64)
    white[low:] = cross / np.maximum(magnitude, 1e-6 * float(magnitude.max()) + 1e-30) ** _WHITENING
    points = scipy.fft.next_fast_len(2 * len(white), True)
    correlation = np.abs(scipy.fft.irfft(white, points))
    slack = int(SLACK_SECONDS * sampling_rate * points / size) + 1
    lag = int(np.concatenate([correlation[-slack:], correlation[: slack + 1]]).argmax()) - slack  # in size / points
    lag_seconds = lag * size / points / sampling_rate
    cut = abs(round(lag_seconds * sampling_rate))
    if 0 < cut < len(first):  # what only one has is cut off: it may be the loudest, such as the stroke of a drum
        ends = (slice(None, -cut), slice(cut, None)) if lag > 0 else (slice(cut, None), slice(None, -cut))
        first, second = first[ends[0]], second[ends[1]]
        lag_seconds -= float(np.sign(lag)) * cut / sampling_rate
    sound = _both_sound(first, second, sampling_rate)
    return None if sound is None else (first[sound], second[sound], lag_seconds)


def _both_sound(first: np.ndarray, second: np.ndarray, sampling_rate: int) -> slice | None:
    """Where neither is silent: a copy may have silence where its start was. None when that is too short."""
    spans = []
    for waveform in (first, second):
        loud = np.flatnonzero(np.abs(waveform) > _SILENCE * float(np.abs(waveform).max(initial=0)))
        if not len(loud):
            return None
        spans.append((int(loud[0]), int(loud[-1]) + 1))
    start, stop = max(span[0] for span in spans), min(span[1] for span in spans)
    needed = max(SHORTEST_SECONDS * sampling_rate, LEAST_SHARE * min(span[1] - span[0] for span in spans))
    return slice(start, stop) if stop - start >= needed else None


def _cross_spectrum(
    first: np.ndarray, second: np.ndarray, sampling_rate: int, lowest_hz: float
) -> tuple[int, int, np.ndarray, np.ndarray, np.ndarray]:
    """Size of the transform, number of the first bin, and from it on cross-spectrum and both power spectra."""
    size = scipy.fft.next_fast_len(max(len(first), len(second)) + int(SLACK_SECONDS * sampling_rate), True)
    low = max(1, int(lowest_hz * size / sampling_rate) + 1)
    high = max(low + 2, int(min(_HIGHEST_HZ, 0.45 * sampling_rate) * size / sampling_rate))
    one, two = (scipy.fft.rfft(_tapered(waveform, sampling_rate), size)[low:high] for waveform in (first, second))
    return size, low, two * one.conj(), one.real**2 + one.imag**2, two.real**2 + two.imag**2


def _tapered(waveform: np.ndarray, sampling_rate: int) -> np.ndarray:
    """Without jumps at the ends: they would spread over all frequencies."""
    length = min(len(waveform) // 8, int(_TAPER_SECONDS * sampling_rate))
    ramp = np.sin(np.linspace(0, np.pi / 2, length, dtype=np.float32)) ** 2
    tapered = np.array(waveform, np.float32)
    tapered[:length] *= ramp
    tapered[len(tapered) - length :] *= ramp[::-1]
    return tapered


def _shared_energy(first: np.ndarray, second: np.ndarray, lag_seconds: float, sampling_rate: int) -> float:
    size, low, cross, *powers = _cross_spectrum(first, second, sampling_rate, _BASS_HZ)
    hertz = np.arange(low, low + len(cross)) * (sampling_rate / size)
    step = 1 / (2 * _FINE * _HIGHEST_HZ)
    cross = cross * np.exp(2j * np.pi * (lag_seconds - _FINE * step) * hertz)
    turn, best = np.exp(2j * np.pi * step * hertz), 0.0
    for _ in range(2 * _FINE + 1):
        best = max(best, abs(float(cross.real.sum())))
        cross *= turn
    return best / float(np.sqrt(float(powers[0].sum()) * float(powers[1].sum())) + 1e-30)


def _coherence(
    first: np.ndarray, second: np.ndarray, lag_seconds: float, sampling_rate: int
) -> tuple[float, float, float]:
    size, low, cross, one, two = _cross_spectrum(first, second, sampling_rate, _LOWEST_HZ)
    if not (one.any() and two.any()):
        return 0.0, 0.0, 0.0
    return _agreement(cross, one, two, np.arange(low, low + len(cross)) * (sampling_rate / size), lag_seconds)


def _agreement(
    cross: np.ndarray, first: np.ndarray, second: np.ndarray, hertz: np.ndarray, lag_seconds: float
) -> tuple[float, float, float]:
    cross = cross * np.exp(2j * np.pi * lag_seconds * hertz)
    edges = np.searchsorted(hertz, np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, _BANDS + 1)[:-1])
    edges = np.unique(edges[edges < len(hertz)])

    def in_bands(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values, edges)

    powers = in_bands(first) * in_bands(second) / (float(first.sum()) * float(second.sum()))
    heard = powers > _FAINT
    if not heard.any():
        return 0.0, 0.0, 0.0
    plain = np.abs(in_bands(cross)) / np.sqrt(float(first.sum()) * float(second.sum()))
    white = np.abs(in_bands(cross * np.maximum(first * second, 1e-30) ** (-_WHITENING / 2)))
    white = white / np.sqrt(
        np.maximum(in_bands(first ** (1 - _WHITENING)) * in_bands(second ** (1 - _WHITENING)), 1e-30)
    )
    weights = powers[heard] ** 0.15
    even = np.average(plain[heard] / np.sqrt(powers[heard]), weights=weights)
    return float(np.average(white[heard], weights=weights)), float(even), float(plain.sum())
