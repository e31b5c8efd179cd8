"""What sounds right now: the label of a sound while it goes on, within a fraction of a second.

`Detector` waits for a sound's end and for the noise after it, and is right more often; this one cannot wait. It holds a
few seconds of sound, and reads and resamples nothing.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audiocls.inference.answers import Answer, decide

if TYPE_CHECKING:
    from audiocls.inference.classifier import AudioClassifier

LONGEST_SECONDS = 2.0  # that is heard at a time; less while a sound is younger
LEAST_SECONDS = 0.2  # of sound that is worth hearing
FRAME_SECONDS = 0.02
NOISE_SECONDS = 30.0  # the noise is what was quietest in these
NOISE_QUANTILE = 0.1
LOUDEST_NOISE_DB = -45.0  # what is louder all the time is a sound that goes on
OVER_NOISE_DB = 10.0
QUIETEST_DB = -60.0
PAUSE_SECONDS = 0.3  # shorter quiet does not end a sound
NEWEST_SHARE = 0.6  # of the smoothed scores, that of the newest
_FLOOR = 1e-12


@dataclass(frozen=True)
class Moment:
    """What is said of a stretch of time, in seconds from the beginning.

    label: None where it is quiet or none of the classes. score: of the label, or of the closest one; 0 where quiet.
    closest: the label with the highest score, "" where it is quiet. level_db: the loudest 20 ms, 0 dB is a power of 1.
    sound: number of the sound that it belongs to, 0 where it is quiet.
    """

    start: float
    end: float
    label: str | None
    score: float
    closest: str
    level_db: float
    sound: int


class RunningLabel:
    """Push samples, get what sounds now.

    A sound is heard from where it rises out of the noise, at most LONGEST_SECONDS back: what was before it does not
    blur its beginning. Scores are smoothed within a sound and decided upon as those of a clip.

    Args:
        classifier: any model.
        hear: what answers for a waveform float32 (time,); the classifier itself unless given.
    """

    def __init__(self, classifier: "AudioClassifier", hear: Callable[[np.ndarray], Answer] | None = None) -> None:
        self._classifier = classifier
        self._hear = hear or (lambda waveform: classifier.answers((classifier.sampling_rate, waveform))[0])
        self._rate = classifier.sampling_rate
        self._frame = round(FRAME_SECONDS * self._rate)
        self._longest = min(round(LONGEST_SECONDS * self._rate), classifier.window_length)
        self._samples = np.empty(0, np.float32)  # the newest; whole frames and a rest
        self._levels: deque[float] = deque(maxlen=round(NOISE_SECONDS / FRAME_SECONDS))
        self._measured = 0  # samples that have a level
        self._sounds = 0
        self._onset: int | None = None  # sample at which the sound that goes on began
        self._began = self._last_active = self._heard = 0  # of the last sound: first and last sample; number heard
        self._scores: np.ndarray | None = None
        self._known = 0.0
        self.received = 0

    def push(self, samples: np.ndarray) -> Moment:
        """Take the next samples, float32 (time,) at the model's rate, and say what sounds at their end."""
        start = self.received
        self.received += len(samples)
        kept = self._longest + self._frame
        self._samples = np.concatenate([self._samples, samples])[-kept:] if len(samples) < kept else samples[-kept:]
        levels, first = self._new_levels()
        self._find_sound(levels, first)
        loudest = max(levels, default=self._levels[-1] if self._levels else -120.0)
        seconds = start / self._rate, self.received / self._rate
        heard = self._to_hear()
        if heard is None:
            return Moment(*seconds, None, 0.0, "", loudest, 0)
        answer = self._smoothed(self._hear(heard))
        self._heard = self._sounds
        if answer.reason == "silent":
            return Moment(*seconds, None, 0.0, "", loudest, 0)
        score = answer.label_scores[0] if answer.label is not None else answer.closest_score
        return Moment(*seconds, answer.label, float(score), answer.closest, loudest, self._sounds)

    def _to_hear(self) -> np.ndarray | None:
        """The sound that goes on, or one that has come and gone since the last push; None where there is none."""
        if self._onset is not None:
            heard = self._samples[-min(self._longest, max(self.received - self._onset, 1)) :]
            return heard if len(heard) >= LEAST_SECONDS * self._rate else None
        if self._heard == self._sounds or not self._sounds:
            return None
        begins = self.received - len(self._samples)
        self._heard = self._sounds
        stop = self._last_active + round(LEAST_SECONDS * self._rate)
        return self._samples[max(self._began - begins, 0) : max(stop - begins, 1)]

    @property
    def _threshold_db(self) -> float:
        noise = float(np.quantile(self._levels, NOISE_QUANTILE)) if self._levels else QUIETEST_DB
        return max(min(noise, LOUDEST_NOISE_DB) + OVER_NOISE_DB, QUIETEST_DB)

    def _new_levels(self) -> tuple[list[float], int]:
        """Levels in dB of the frames that are new, and the sample at which the first begins."""
        begins = self.received - len(self._samples)
        first = max(self._measured, begins)
        count = (self.received - first) // self._frame
        frames = self._samples[first - begins : first - begins + count * self._frame].reshape(count, self._frame)
        power = (frames.astype(np.float64) ** 2).mean(axis=1) if count else np.empty(0)
        levels = (10 * np.log10(power + _FLOOR)).tolist()
        self._levels.extend(levels)
        self._measured = first + count * self._frame
        return levels, first

    def _find_sound(self, levels: list[float], first: int) -> None:
        """Whether a sound begins, goes on or is over."""
        threshold, pause = self._threshold_db, PAUSE_SECONDS * self._rate
        for number, level in enumerate(levels):
            at = first + number * self._frame
            if level > threshold:
                if self._onset is None or at - self._last_active > pause:
                    self._onset, self._began, self._scores = at, at, None
                    self._sounds += 1
                self._last_active = at + self._frame
        if self._onset is not None and self.received - self._last_active > pause:
            self._onset = self._scores = None

    def _smoothed(self, answer: Answer) -> Answer:
        """The answer with the scores of the same sound until now in it."""
        if answer.reason == "silent":
            self._scores = None
            return answer
        known = np.nan if answer.known_score is None else answer.known_score
        if self._scores is None:
            self._scores, self._known = answer.scores, known
        else:
            self._scores = NEWEST_SHARE * answer.scores + (1 - NEWEST_SHARE) * self._scores
            self._known = NEWEST_SHARE * known + (1 - NEWEST_SHARE) * self._known
        model = self._classifier
        thresholds = getattr(model.model.config, "decision_thresholds", None)
        return decide(self._scores, self._known, model.labels, model.multi_label, thresholds, model.known_threshold)


class Tally:
    """How often each label was heard: a label counts that lasts, or with which a sound ends; not a first guess."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._label: str | None = None
        self._sound, self._moments = 0, 0

    def push(self, moment: Moment) -> None:
        """Take the next moment."""
        if moment.sound != self._sound:
            self.finish()
        if moment.label != self._label:
            self._label, self._moments = moment.label, 0
        self._sound = moment.sound
        self._moments += 1
        if self._moments == 2:
            self._count()

    def finish(self) -> None:
        """The sound is over."""
        if self._moments == 1:
            self._count()
        self._label, self._moments = None, 0

    def _count(self) -> None:
        if self._label is not None:
            self.counts[self._label] = self.counts.get(self._label, 0) + 1
