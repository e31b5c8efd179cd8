"""A recording of any length, seen at once: a spectrogram and an envelope of a bounded size, made while it goes by."""

import numpy as np

FRAMES = 2048  # at most; a picture has fewer pixels
FRAME_LENGTH = 1024
HALF = FRAME_LENGTH // 2
FINEST_HOP = 160
BANDS = 72
LOWEST_HZ = 60.0
_FLOOR = 1e-12  # of power: -120 dB


class Overview:
    """Takes the sound in blocks and keeps evenly spaced frames of it.

    When there are more than FRAMES, every second one is dropped and the spacing doubles: memory stays the same whatever
    the length, and so does the cost of a frame. The envelope holds the largest sample of each stretch, all of them.

    Args:
        sampling_rate: in Hz.
        expected_seconds: how long the recording is said to be, so that frames are not taken in vain; it may be wrong.
    """

    def __init__(self, sampling_rate: int, expected_seconds: float | None = None) -> None:
        self.sampling_rate = sampling_rate
        expected = int((expected_seconds or 10.0) * sampling_rate)
        self.hop = max(FINEST_HOP, expected // (5 * FRAMES // 8))
        self.band_hz, self._bands = _bands(sampling_rate)
        self._window = np.hanning(FRAME_LENGTH).astype(np.float32)
        self._frames = np.empty((FRAMES, BANDS), np.float32)
        self._peaks = np.zeros(FRAMES, np.float32)
        self._count = 0
        self._rest = np.zeros(HALF, np.float32)  # sound from half a frame before stretch `_count` on

    def push(self, samples: np.ndarray) -> None:
        """Take the next samples, float32 (time,)."""
        sound = np.concatenate([self._rest, samples])
        while (count := self._complete(len(sound))) > 0:
            count = min(count, FRAMES - self._count)
            end = self._count + count
            stretches = sound[HALF : HALF + count * self.hop].reshape(count, self.hop)
            self._peaks[self._count : end] = np.maximum(stretches.max(axis=1), -stretches.min(axis=1))
            self._frames[self._count : end] = self._powers(sound, count)
            self._count = end
            sound = sound[count * self.hop :]
            if self._count == FRAMES:
                self._halve()
        self._rest = sound.copy()

    def spectrogram(self) -> np.ndarray:
        """Power in dB relative to full scale, float32 (bands, frames), low frequencies first."""
        count = -(-(len(self._rest) - HALF) // self.hop)  # stretches that the end cuts short, or their frames
        frames = self._frames[: self._count]
        if count:
            padded = np.pad(self._rest, (0, self.hop * count + FRAME_LENGTH))
            frames = np.concatenate([frames, self._powers(padded, count)])
        return 10 * np.log10(frames.T + _FLOOR)

    def envelope(self) -> np.ndarray:
        """The largest absolute sample of each stretch, float32 (stretches,); as many as frames."""
        rest = np.abs(self._rest[HALF:])
        tail = [rest[start : start + self.hop].max() for start in range(0, len(rest), self.hop)]
        return np.append(self._peaks[: self._count], np.array(tail, np.float32))

    def _complete(self, length: int) -> int:
        """How many stretches, with their frames, so many samples hold."""
        return min((length - HALF) // self.hop, (length - self.hop // 2 - FRAME_LENGTH) // self.hop + 1)

    def _powers(self, sound: np.ndarray, count: int) -> np.ndarray:
        """Mean power in each band of the first frames, one in the middle of each stretch: float32 (count, bands)."""
        frames = np.lib.stride_tricks.sliding_window_view(sound[self.hop // 2 :], FRAME_LENGTH)
        spectra = np.fft.rfft(frames[: count * self.hop : self.hop] * self._window, axis=1)
        return ((np.abs(spectra) ** 2).astype(np.float32) @ self._bands) / FRAME_LENGTH

    def _halve(self) -> None:
        half = FRAMES // 2
        self._frames[:half] = self._frames[::2].copy()
        self._peaks[:half] = self._peaks.reshape(half, 2).max(axis=1)
        self._count = half
        self.hop *= 2


def _bands(sampling_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Centres in Hz (bands,), and the matrix float32 (frequencies, bands) that averages a spectrum over bands.

    The bands are equally wide on the mel scale (O'Shaughnessy 1987), which gives low and high voices room alike.
    """
    mels = np.linspace(_mel(LOWEST_HZ), _mel(sampling_rate / 2), BANDS + 1)
    edges = 700 * (10 ** (mels / 2595) - 1)
    hz = np.fft.rfftfreq(FRAME_LENGTH, 1 / sampling_rate)
    matrix = np.zeros((len(hz), BANDS), np.float32)
    for band in range(BANDS):
        inside = (hz >= edges[band]) & (hz < edges[band + 1])
        if not inside.any():  # narrower than the spacing of the frequencies
            inside[np.abs(hz - (edges[band] + edges[band + 1]) / 2).argmin()] = True
        matrix[inside, band] = 1 / inside.sum()
    return (edges[:-1] + edges[1:]) / 2, matrix


def _mel(hz: float) -> float:
    return float(2595 * np.log10(1 + hz / 700))
