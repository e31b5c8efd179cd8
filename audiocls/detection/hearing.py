"""What a model says of a recording while it comes: of windows at even distances, and of each sound from edge to edge.

It decides nothing: thresholds and events are made of it elsewhere (`audiocls.detection.decision`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audiocls.audio.denoising import StreamDenoiser
from audiocls.detection.activity import Activity
from audiocls.detection.fast_sounds import FastSounds
from audiocls.detection.fast_windows import FastWindows
from audiocls.detection.plan import Plan
from audiocls.detection.scan import Scanner, Windows
from audiocls.detection.stretches import Stretches

if TYPE_CHECKING:
    from audiocls.inference.classifier import AudioClassifier

# Chosen on recordings made of training clips that the models had not learnt; see docs/experiments.md.
JOIN_SECONDS = 0.3  # pauses up to this are part of a sound
LEAST_SECONDS = 0.03
LONGEST_SECONDS = 4.0  # what goes on is heard in parts
BEFORE_SECONDS, BEHIND_SECONDS = 0.02, 0.3  # heard with it: the tail of a sound is below the noise


@dataclass(frozen=True)
class Sound:
    """Something that stands out of its surroundings, heard as one clip.

    start, stop: in samples. scores: float32 (labels,). known: known score, see `AudioClassifier.predict_known`.
    """

    start: int
    stop: int
    scores: np.ndarray
    known: float


@dataclass(frozen=True)
class Heard:
    """What is new. certain: all sounds that begin before this sample have been given."""

    windows: list[Windows]
    sounds: list[Sound]
    certain: int


class Hearing:
    """Push samples, get windows and sounds. What it gives does not depend on the blocks; it holds some seconds.

    Args:
        on_windows: is called with windows as soon as they are scored.
        batch_size: windows that go through the model at once.
        like: another of the same model, whose forms made for speed are used here, too.
    """

    _fast_windows: FastWindows | None
    _fast_sounds: FastSounds | None

    def __init__(
        self,
        classifier: "AudioClassifier",
        plan: Plan,
        on_windows: Callable[[Windows], None] | None = None,
        batch_size: int = 32,
        like: "Hearing | None" = None,
        num_threads: int | None = None,
    ) -> None:
        self._classifier, self._batch_size, self._on_windows = classifier, batch_size, on_windows
        rate = plan.sampling_rate
        self._denoiser = None if plan.denoise == "model" else StreamDenoiser(rate, plan.denoise)
        if like is None:
            self._fast_windows = FastWindows.of(classifier, plan.window_length, plan.hop_length)
            self._fast_sounds = FastSounds.of(classifier)
        else:
            self._fast_windows, self._fast_sounds = like._fast_windows, like._fast_sounds
        self._scanner = Scanner(
            classifier, plan.window_length, plan.hop_length, batch_size, num_threads, self._fast_windows
        )
        self._activity = Activity(rate)
        self._frame = self._activity.hop_length
        longest = min(round(LONGEST_SECONDS * rate), classifier.window_length)
        self._before, self._behind = round(BEFORE_SECONDS * rate), round(BEHIND_SECONDS * rate)
        longest = max(longest - self._before - self._behind, longest // 2)
        self._stretches = Stretches(
            round(JOIN_SECONDS * rate / self._frame),
            max(1, round(LEAST_SECONDS * rate / self._frame)),
            max(2, longest // self._frame),
        )
        self._blocks: list[np.ndarray] = []  # the newest samples
        self._first = 0  # sample at which they begin
        self.received = 0

    def push(self, samples: np.ndarray) -> Heard:
        """Take the next samples, float32 (time,) at the model's rate."""
        return self._hear(samples if self._denoiser is None else self._denoiser.push(samples))

    def _hear(self, samples: np.ndarray) -> Heard:
        samples = np.array(samples, np.float32)  # a copy: the caller's buffer may be used again
        self._blocks.append(samples)
        self.received += len(samples)
        windows = self._told(self._scanner.push(samples))
        stretches = self._stretches.push(self._activity.push(samples))
        return Heard(windows, self._listen(stretches), self._stretches.certain * self._frame)

    def finish(self) -> Heard:
        """The recording is over: give what is left."""
        rest = Heard([], [], 0) if self._denoiser is None else self._hear(self._denoiser.finish())
        windows = self._told(self._scanner.finish())
        stretches = self._stretches.push(self._activity.finish()) + self._stretches.finish()
        return Heard(rest.windows + windows, rest.sounds + self._listen(stretches), self.received)

    def _told(self, found: list[Windows]) -> list[Windows]:
        for windows in found:
            if self._on_windows is not None:
                self._on_windows(windows)
        return found

    def _listen(self, stretches: list[tuple[int, int]]) -> list[Sound]:
        edges = [(a * self._frame, min(b * self._frame, self.received)) for a, b in stretches]
        sounds: list[Sound] = []
        if edges:
            held = np.concatenate(self._blocks)
            self._blocks = [held]
            clips = [
                held[max(0, start - self._before - self._first) : stop + self._behind - self._first]
                for start, stop in edges
            ]
            if self._fast_sounds is not None and max(map(len, clips)) <= self._classifier.window_length:
                scores, known = self._fast_sounds(clips)
            else:
                scores, known = self._classifier.predict_known(clips, self._batch_size)
            sounds = [
                Sound(start, stop, *each) for (start, stop), *each in zip(edges, scores, known.tolist(), strict=True)
            ]
        self._forget()
        return sounds

    def _forget(self) -> None:
        """Drop samples that no stretch to come can need."""
        needed = self._stretches.certain * self._frame - self._before
        while self._blocks and self._first + len(self._blocks[0]) <= needed:
            self._first += len(self._blocks.pop(0))
        if self._blocks and needed > self._first:  # joined blocks are one, of which only the end is needed
            self._blocks[0] = self._blocks[0][needed - self._first :].copy()
            self._first = needed
