"""Filter banks as numpy arrays: windows, mel, chroma, cosine transform, octave bands.

Designed once per model in float64 and handed out as float32; nothing here touches audio. The formulas are those
of librosa 0.11 (https://librosa.org), so features made with them carry librosa's values.
"""

import numpy as np

OCTAVE_FMIN_HZ = 200.0  # upper edge of spectral contrast's lowest band, librosa's default
MAX_OCTAVES = 6  # librosa's default number of octaves above that edge
CONTRAST_QUANTILE = 0.02  # share of a band's bins that count as its peak, and as its valley
A440_HZ = 440.0


def hann_window(length: int) -> np.ndarray:
    """Periodic Hann window, (length,) float64."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)


def hz_to_mel(frequency_hz: float, mel_scale: str) -> float:
    """Hz to mel: "slaney" is linear below 1 kHz (Auditory Toolbox, 1998), "htk" is 2595 log10(1 + f / 700)."""
    if mel_scale == "htk":
        return float(2595.0 * np.log10(1.0 + frequency_hz / 700.0))
    if frequency_hz < 1000.0:
        return frequency_hz * 3 / 200
    return 15.0 + float(np.log(frequency_hz / 1000.0)) * 27 / float(np.log(6.4))


def mel_to_hz(mel: np.ndarray, mel_scale: str) -> np.ndarray:
    """Inverse of `hz_to_mel`, element by element."""
    if mel_scale == "htk":
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    return np.where(mel < 15.0, mel * 200 / 3, 1000.0 * np.exp((mel - 15.0) * np.log(6.4) / 27))


def mel_edges_hz(n_mels: int, fmin_hz: float, fmax_hz: float, mel_scale: str) -> np.ndarray:
    """(n_mels + 2,) frequencies; band i rises from edge i to edge i + 1 and falls to edge i + 2."""
    low, high = hz_to_mel(fmin_hz, mel_scale), hz_to_mel(fmax_hz, mel_scale)
    return mel_to_hz(np.linspace(low, high, n_mels + 2), mel_scale)


def mel_filters(
    sampling_rate: int, n_fft: int, n_mels: int, fmin_hz: float, fmax_hz: float, mel_scale: str
) -> np.ndarray:
    """Triangular mel filters of unit area in Hz (Slaney's norm), (n_mels, n_fft // 2 + 1) float32.

    Raises:
        ValueError: a filter is so narrow that no bin of the transform falls into it.
    """
    bins_hz = np.fft.rfftfreq(n_fft, 1.0 / sampling_rate)

    def every_band_has_a_bin(count: int) -> bool:
        edges = mel_edges_hz(count, fmin_hz, fmax_hz, mel_scale)
        inside = np.searchsorted(bins_hz, edges[2:], "left") - np.searchsorted(bins_hz, edges[:-2], "right")
        return bool(np.all(inside > 0))

    if not every_band_has_a_bin(n_mels):
        largest = next((count for count in range(n_mels - 1, 0, -1) if every_band_has_a_bin(count)), 0)
        limit = f"at most n_mels = {largest} works" if largest else "no n_mels works"
        raise ValueError(
            f"n_mels is {n_mels}; with n_fft = {n_fft}, sampling_rate = {sampling_rate} and bands from {fmin_hz:g} "
            f"to {fmax_hz:g} Hz some mel bands contain no bin of the transform: {limit}, or raise n_fft"
        )
    edges = mel_edges_hz(n_mels, fmin_hz, fmax_hz, mel_scale)
    widths = np.diff(edges)
    distances = edges[:, None] - bins_hz
    rising = -distances[:-2] / widths[:-1, None]
    falling = distances[2:] / widths[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


def cosine_transform(n_out: int, n_in: int) -> np.ndarray:
    """The first rows of the orthonormal DCT-II, (n_out, n_in) float32."""
    rows = np.cos(np.pi / n_in * np.outer(np.arange(n_out), np.arange(n_in) + 0.5)) * np.sqrt(2.0 / n_in)
    rows[0] /= np.sqrt(2.0)
    return rows.astype(np.float32)


def chroma_filters(sampling_rate: int, n_fft: int) -> np.ndarray:
    """Twelve pitch classes from C, A = 440 Hz, (12, n_fft // 2 + 1) float32.

    Gaussian bumps one semitone wide around each pitch, weighted towards the octaves around 440 Hz
    (D. Ellis, "Chroma feature analysis and synthesis", 2007; librosa.filters.chroma with tuning=0).
    """
    frequencies_hz = np.linspace(0, sampling_rate, n_fft, endpoint=False)[1:]
    semitones = 12 * np.log2(frequencies_hz / (A440_HZ / 16))
    semitones = np.concatenate(([semitones[0] - 18], semitones))  # 0 Hz: 1.5 octaves under the first bin
    widths = np.concatenate((np.maximum(np.diff(semitones), 1.0), [1.0]))
    distances = np.remainder(semitones - np.arange(12)[:, None] + 6 + 120, 12) - 6
    weights = np.exp(-0.5 * (2 * distances / widths) ** 2)
    weights /= np.linalg.norm(weights, axis=0, keepdims=True)
    weights *= np.exp(-0.5 * ((semitones / 12 - 5.0) / 2.0) ** 2)
    weights = np.roll(weights, -3, axis=0)  # rows from A to rows from C
    return np.ascontiguousarray(weights[:, : n_fft // 2 + 1], dtype=np.float32)


def split_bands(filters: np.ndarray, bands_at_once: int = 16) -> tuple[list[slice], list[np.ndarray]]:
    """Cut a filter bank into the dense blocks that matter, for spectra of squared (real, imaginary) pairs.

    Mel filters are mostly zeros: sixteen neighbours together touch few bins, and a product with each block in turn
    takes about half the time of one with the whole matrix. A pair's two columns carry the same weight, which spares
    adding them up first.

    Args:
        filters: (bands, bins).

    Returns:
        The columns of each block among 2 * bins, and its weights (columns, bands of the block) float32.
    """
    columns, blocks = [], []
    for band in range(0, len(filters), bands_at_once):
        rows = filters[band : band + bands_at_once]
        bins = np.flatnonzero(rows.any(axis=0))
        first, end = int(bins[0]), int(bins[-1]) + 1
        columns.append(slice(2 * first, 2 * end))
        blocks.append(np.ascontiguousarray(np.repeat(rows[:, first:end], 2, axis=1).T))
    return columns, blocks


def octave_averages(octaves: list[tuple[int, int, int]]) -> np.ndarray:
    """Matrix that averages the bins in each band's peak, then in each band's valley, (2 * bins, 2 * bands) float32."""
    counts = np.array([count for _, _, count in octaves] * 2)
    return np.repeat(np.diag(1.0 / counts), counts, axis=0).astype(np.float32)


def octave_bands(sampling_rate: int, n_fft: int) -> list[tuple[int, int, int]]:
    """Bands of spectral contrast as (first bin, end bin, bins in its peak and in its valley).

    0 to 200 Hz, then octaves up to the Nyquist frequency: six as in librosa, or as many as fit under it
    (Jiang et al., "Music type classification by spectral contrast feature", 2002).

    Raises:
        ValueError: the rate is too low for one octave, or the transform too short to resolve the lowest band.
    """
    starts_hz = OCTAVE_FMIN_HZ * 2.0 ** np.arange(MAX_OCTAVES)
    num_octaves = int(np.sum(starts_hz < sampling_rate / 2))
    if num_octaves == 0:
        raise ValueError(
            f"sampling_rate is {sampling_rate}; spectral_contrast needs more than {2 * OCTAVE_FMIN_HZ:g} Hz"
        )
    if n_fft < sampling_rate / OCTAVE_FMIN_HZ:
        raise ValueError(
            f"n_fft is {n_fft}; spectral_contrast at {sampling_rate} Hz needs at least "
            f"{int(np.ceil(sampling_rate / OCTAVE_FMIN_HZ))} to resolve its lowest band, 0 to {OCTAVE_FMIN_HZ:g} Hz"
        )
    bins_hz = np.fft.rfftfreq(n_fft, 1.0 / sampling_rate)
    edges_hz = np.concatenate(([0.0], OCTAVE_FMIN_HZ * 2.0 ** np.arange(num_octaves + 1)))
    bands = []
    for k in range(num_octaves + 1):
        inside = np.flatnonzero((bins_hz >= edges_hz[k]) & (bins_hz <= edges_hz[k + 1]))
        first = int(inside[0]) - (k > 0)  # librosa lets a band begin with the bin under it ...
        end = len(bins_hz) if k == num_octaves else int(inside[-1]) + 1
        quantile_bins = max(1, round(CONTRAST_QUANTILE * (end - first)))  # Python's and numpy's rint both round to even
        bands.append((first, end if k == num_octaves else end - 1, quantile_bins))  # ... and end before its last
    return bands
