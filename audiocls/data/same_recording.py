"""Finding copies: clips that are the same recording after encoding, a change of volume, a shift or a trim.

Fingerprints with equal hashes propose pairs and how they align; the waveforms there decide. So time grows with the
number of clips and of true pairs, not with its square. What decides is coherence: whether the phases of two sounds
agree in all bands, as those of copies do and those of two hits of one drum, or two notes of one flute, do not.
"""

from collections.abc import Callable, Sequence

import numpy as np
import scipy.fft
from tqdm import tqdm

from audiocls.data.alignments import Alignment, find_alignments
from audiocls.data.fingerprints import FRAMES_PER_SECOND

Waveform = Callable[[int, int, int], np.ndarray]

_LONGEST_SECONDS = 2.0  # compared at one place
_SHORTEST_SECONDS = 0.03
_TAPER_SECONDS = 0.005
_SILENCE = 10 ** (-50 / 20)  # of the peak
_SLACK_SECONDS = 0.02  # fingerprints align to 10 ms
_LOWEST_HZ, _HIGHEST_HZ, _BANDS = 150.0, 3500.0, 10
_FAINT = 1e-6  # of the energy: a band with less is a codec's own noise
_WHITENING = 0.6  # 0 is plain correlation, 1 is phase only
_ENOUGH_PARTNERS = 4  # for clips that are in one set already: bounds the time for thousands of copies of one sound
_LEAST_SHARE = 0.55  # of the shorter clip that both must have
_LEAST = (0.85, 0.90, 0.80)  # of each kind of coherence: copies reach 0.9 and more, other hits of a drum do not


def find_copies(
    fingerprints: Sequence[np.ndarray], lengths: Sequence[int] | np.ndarray, sampling_rate: int, waveform: Waveform
) -> list[tuple[int, int]]:
    """Pairs of clips that are the same recording.

    Args:
        fingerprints: of each clip, from `audiocls.data.fingerprints.fingerprint`.
        lengths: of each clip, in samples.
        sampling_rate: of what `waveform` gives, in Hz; 8000 is enough.
        waveform: gives samples start to stop of clip i, float32 (time,), at most two seconds at a time.

    Returns:
        Pairs (first, second) with first < second, sorted. Of very many copies of one sound each is paired with some of
        the others, such that the pairs connect them all.
    """
    found: set[tuple[int, int]] = set()
    partners = [0] * len(fingerprints)
    set_of = list(range(len(fingerprints)))  # a clip that leads to the one that stands for its set

    def leader(clip: int) -> int:
        while set_of[clip] != clip:
            set_of[clip] = set_of[set_of[clip]]
            clip = set_of[clip]
        return clip

    for near in tqdm(find_alignments(fingerprints), desc="Looking for copies", unit="pair", delay=1):
        first, second = near.first, near.second
        if (first, second) in found:
            continue
        if min(partners[first], partners[second]) >= _ENOUGH_PARTNERS and leader(first) == leader(second):
            continue
        if _is_copy(near, sampling_rate, waveform, int(lengths[first]), int(lengths[second])):
            found.add((first, second))
            partners[first] += 1
            partners[second] += 1
            set_of[leader(second)] = leader(first)
    return sorted(found)


def _is_copy(near: Alignment, sampling_rate: int, waveform: Waveform, first_length: int, second_length: int) -> bool:
    """Whether the two clips, aligned so, agree in what both have; long ones are compared at two places."""
    ahead = near.offset * sampling_rate // FRAMES_PER_SECOND  # sample t of the first clip is t + ahead of the second
    start, stop = max(0, -ahead), min(first_length, second_length - ahead)
    if stop - start < max(_SHORTEST_SECONDS * sampling_rate, _LEAST_SHARE * min(first_length, second_length)):
        return False
    most = int(_LONGEST_SECONDS * sampling_rate)
    places = near.places if stop - start > most else near.places[:1]
    for place in places:
        middle = place * sampling_rate // FRAMES_PER_SECOND
        low = int(np.clip(middle - most // 2, start, max(start, stop - most)))
        high = min(stop, low + most)
        first, second = waveform(near.first, low, high), waveform(near.second, low + ahead, high + ahead)
        agreement = coherence(first, second, sampling_rate)
        if any(value < least for value, least in zip(agreement, _LEAST, strict=True)):
            return False
    return True


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
    size, low, high, cross = _cross_spectrum(first, second, sampling_rate)
    if cross is None:
        return 0.0, 0.0, 0.0
    magnitude = np.abs(cross[0])
    white = np.zeros(high, np.complex64)
    white[low:] = cross[0] / np.maximum(magnitude, 1e-6 * float(magnitude.max()) + 1e-30) ** _WHITENING
    points = scipy.fft.next_fast_len(2 * high, True)
    correlation = np.abs(scipy.fft.irfft(white, points))
    slack = int(_SLACK_SECONDS * sampling_rate * points / size) + 1
    lag = int(np.concatenate([correlation[-slack:], correlation[: slack + 1]]).argmax()) - slack  # in size / points
    lag_seconds = lag * size / points / sampling_rate
    cut = abs(round(lag_seconds * sampling_rate))
    if 0 < cut < len(first):  # what only one has is cut off: it may be the loudest, such as the stroke of a drum
        ends = (slice(None, -cut), slice(cut, None)) if lag > 0 else (slice(cut, None), slice(None, -cut))
        first, second = first[ends[0]], second[ends[1]]
        lag_seconds -= np.sign(lag) * cut / sampling_rate
    both = _both_sound(first, second, sampling_rate)
    if both is None:
        return 0.0, 0.0, 0.0
    size, low, high, cross = _cross_spectrum(first[both], second[both], sampling_rate)
    if cross is None:
        return 0.0, 0.0, 0.0
    return _agreement(*cross, np.arange(low, high) * (sampling_rate / size), lag_seconds)


def _both_sound(first: np.ndarray, second: np.ndarray, sampling_rate: int) -> slice | None:
    """Where neither is silent: a copy may have silence where its start was. None when that is too short."""
    spans = []
    for waveform in (first, second):
        loud = np.flatnonzero(np.abs(waveform) > _SILENCE * float(np.abs(waveform).max(initial=0)))
        if not len(loud):
            return None
        spans.append((int(loud[0]), int(loud[-1]) + 1))
    start, stop = max(span[0] for span in spans), min(span[1] for span in spans)
    needed = max(_SHORTEST_SECONDS * sampling_rate, _LEAST_SHARE * min(span[1] - span[0] for span in spans))
    return slice(start, stop) if stop - start >= needed else None


def _cross_spectrum(
    first: np.ndarray, second: np.ndarray, sampling_rate: int
) -> tuple[int, int, int, tuple[np.ndarray, np.ndarray, np.ndarray] | None]:
    """Size of the transform, first and last bin, and there cross-spectrum and both power spectra (None: silence)."""
    size = scipy.fft.next_fast_len(max(len(first), len(second)) + int(_SLACK_SECONDS * sampling_rate), True)
    low = max(1, int(_LOWEST_HZ * size / sampling_rate) + 1)
    high = max(low + 2, int(min(_HIGHEST_HZ, 0.45 * sampling_rate) * size / sampling_rate))
    spectra = [scipy.fft.rfft(_tapered(waveform, sampling_rate), size)[low:high] for waveform in (first, second)]
    powers = [spectrum.real**2 + spectrum.imag**2 for spectrum in spectra]
    if not all(power.sum() > 0 for power in powers):
        return size, low, high, None
    return size, low, high, (spectra[1] * spectra[0].conj(), powers[0], powers[1])


def _tapered(waveform: np.ndarray, sampling_rate: int) -> np.ndarray:
    """Without jumps at the ends: they would spread over all frequencies."""
    length = min(len(waveform) // 8, int(_TAPER_SECONDS * sampling_rate))
    ramp = np.sin(np.linspace(0, np.pi / 2, length, dtype=np.float32)) ** 2
    tapered = np.array(waveform, np.float32)
    tapered[:length] *= ramp
    tapered[len(tapered) - length :] *= ramp[::-1]
    return tapered


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
