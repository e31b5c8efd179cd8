"""Events of a file, and of blocks that arrive one after the other without end."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr

from audiocls.audio.streaming import AudioStream
from audiocls.detection.detector import Detector
from audiocls.detection.event import Event
from audiocls.detection.options import DetectOptions
from audiocls.inference.inputs import array_to_waveform, is_single, to_waveform

if TYPE_CHECKING:
    from audiocls.inference.classifier import AudioClassifier


@dataclass(frozen=True)
class Detected:
    """What was found in one recording.

    events: in order of their start. seconds: how long the recording is, as far as it could be read. notes: what was
    wrong with it ("ends early; what is there was used").
    """

    events: list[Event]
    seconds: float
    notes: list[str] = field(default_factory=list)


def live_events(
    classifier: "AudioClassifier", blocks: Iterable[Any], sampling_rate: int, options: DetectOptions | None = None
) -> Iterator[Event]:
    """Yield the events of a sound that comes in blocks, each when it is over; the blocks may never end.

    Args:
        blocks: arrays or tensors as `AudioClassifier` takes them, of any length, one behind the other.
        sampling_rate: of the blocks, in Hz.

    Raises:
        AudioReadError: a block holds samples that are not numbers.
        UsageError: options that do not fit the model, or blocks that are no audio.
    """
    detector = Detector(classifier, options)
    for block in resampled(blocks, sampling_rate, classifier.sampling_rate):
        yield from detector.push(block)
    yield from detector.finish()


def detect_events(classifier: "AudioClassifier", source: Any, options: DetectOptions | None = None) -> Detected:
    """Find the events of one recording: a path, bytes, a file object, or an array as `AudioClassifier` takes it.

    Raises:
        AudioReadError: nothing of it can be read.
        UsageError: options that do not fit the model.
    """
    detector = Detector(classifier, options)
    events: list[Event] = []
    if hasattr(source, "shape") or not is_single(source) or isinstance(source, dict | tuple):
        waveform = to_waveform(source, classifier.sampling_rate)
        events += detector.push(waveform)
        seconds, notes = len(waveform) / classifier.sampling_rate, list[str]()
    else:
        stream = AudioStream(source, classifier.sampling_rate)
        for block in stream:
            events += detector.push(block)
        seconds, notes = stream.seconds, list(stream.notes)
    events += detector.finish()
    return Detected(sorted(events, key=lambda event: (event.start_seconds, event.end_seconds)), seconds, notes)


def resampled(blocks: Iterable[Any], sampling_rate: int, target_rate: int) -> Iterator[np.ndarray]:
    """Mono float32 (time,) at `target_rate` Hz of blocks at `sampling_rate`, as if they had come in one piece."""
    stream = None if sampling_rate == target_rate else soxr.ResampleStream(sampling_rate, target_rate, 1, "float32")
    for block in blocks:
        if 0 in getattr(block, "shape", ()):
            continue
        waveform = array_to_waveform(block, sampling_rate, sampling_rate)
        yield waveform if stream is None else stream.resample_chunk(waveform)
    if stream is not None:
        yield stream.resample_chunk(np.empty(0, np.float32), last=True)
