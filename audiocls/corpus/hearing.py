"""One recording: sound in, its part and its own files out (scores, labels, timeline), each whole or absent."""

import contextlib
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audiocls.audio.decoding import CUT
from audiocls.audio.streaming import AudioStream
from audiocls.corpus.overview import Overview
from audiocls.corpus.parts import FAILED, OK, PARTIAL, Part, Parts, file_stamp
from audiocls.corpus.places import LABELS, TIMELINES, place
from audiocls.corpus.recording_times import recorded_at, time_in_table
from audiocls.corpus.score_tables import ScoreWriter
from audiocls.corpus.timeline import Timeline, write_timeline
from audiocls.detection.detector import Detector
from audiocls.detection.event import Event
from audiocls.detection.options import DetectOptions
from audiocls.detection.plan import Plan
from audiocls.detection.scan import Windows
from audiocls.errors import AudioReadError
from audiocls.inference.classifier import AudioClassifier
from audiocls.recordings.finding import shown_path
from audiocls.recordings.label_tables import TableEvent
from audiocls.recordings.label_writing import FORMAT_SUFFIXES, write_events
from audiocls.whole_files import whole_file

SCORES, TIMELINE = "scores", "timeline"  # what may be made besides events
OWN_TABLES = ("audacity", "raven")  # label formats that a recording has a file of
BLOCK_SECONDS = 60.0  # the more at once, the fewer calls


class Stopped(Exception):
    """The run was stopped while a recording was being heard."""


@dataclass(frozen=True)
class Job:
    """What is to be done with each recording. `detector`: what all recordings' are like.
    `wanted`: of SCORES and TIMELINE. `labels`: those that are reported. `num_threads`: batches of one recording that
    are worked on at a time."""

    classifier: AudioClassifier
    options: DetectOptions
    detector: Detector
    output_dir: Path
    wanted: tuple[str, ...]
    exports: tuple[str, ...]
    labels: tuple[str, ...]
    batch_size: int
    stop: threading.Event
    num_threads: int = 1

    @property
    def parts(self) -> Parts:
        """Where the parts are kept."""
        return Parts(self.output_dir)


def hear(
    path: str,
    job: Job,
    begin: Callable[[str, float | None], None] = lambda path, seconds: None,
    advance: Callable[[str, float], None] = lambda path, seconds: None,
) -> Part:
    """Find the events of a recording and write all that is made of it, the part last.

    Args:
        begin: called with the path and the expected seconds once the recording is open.
        advance: called with the path and the seconds heard so far.

    Raises:
        OutputError: something cannot be written.
        Stopped: `job.stop` was set; nothing was written.
    """
    stamp = file_stamp(path)
    try:
        with ExitStack() as files:
            part = _heard(path, stamp, job, files, begin, advance)
    except AudioReadError as error:
        part = Part(path, stamp, FAILED, error.reason, recorded_at=_told_time(path))
        for room, suffix in ((TIMELINES, ".png"), *((LABELS, FORMAT_SUFFIXES[form]) for form in OWN_TABLES)):
            place(job.output_dir, room, path, suffix).unlink(missing_ok=True)  # of what the file held before
        job.parts.scores_path(path).unlink(missing_ok=True)
    else:
        write_label_files(part, job)
    job.parts.write(part)
    return part


def write_label_files(part: Part, job: Job, only_missing: bool = False) -> None:
    """Write the label files of one recording that were asked for.

    Raises:
        OutputError: one cannot be written.
    """
    for form in OWN_TABLES:
        if form in job.exports and part.status != FAILED:
            path = place(job.output_dir, LABELS, part.recording, FORMAT_SUFFIXES[form])
            if not (only_missing and path.exists()):
                rows = [TableEvent(None, event) for event in part.events]
                write_events(rows, path, form, high_hz=job.classifier.sampling_rate / 2)


def _heard(
    path: str,
    stamp: str,
    job: Job,
    files: ExitStack,
    begin: Callable[[str, float | None], None],
    advance: Callable[[str, float], None],
) -> Part:
    rate = job.classifier.sampling_rate
    stream = AudioStream(path, rate, BLOCK_SECONDS)
    silent, begun = True, False
    scores: ScoreWriter | None = None

    def on_windows(windows: Windows) -> None:
        nonlocal silent
        silent = silent and bool(np.isneginf(windows.known).all())
        if scores is not None:
            scores.add(windows)

    detector = Detector(job.classifier, job.options, on_windows, job.batch_size, job.detector, job.num_threads)
    plan = detector.plan
    overview: Overview | None = None
    events: list[Event] = []
    with contextlib.closing(_blocks(stream)) as blocks:  # also when stopped: its thread ends
        for block in blocks:
            if job.stop.is_set():
                raise Stopped
            if not begun:
                begun = True
                begin(path, stream.expected_seconds)
                if SCORES in job.wanted:
                    beside = files.enter_context(whole_file(job.parts.scores_path(path)))
                    scores = files.enter_context(
                        ScoreWriter(beside, shown_path(path), plan.labels, plan.window_length, plan.hop_length, rate)
                    )
                if TIMELINE in job.wanted:
                    overview = Overview(rate, stream.expected_seconds)
            events += detector.push(block)
            if overview is not None:
                overview.push(block)
            advance(path, stream.seconds)
    events += detector.finish()
    if scores is not None:
        scores.flush(stream.seconds)
    notes = [*stream.notes, *remarks(silent, stream.seconds, plan)]
    part = Part(
        path,
        stamp,
        PARTIAL if CUT in notes else OK,
        "; ".join(notes),
        stream.seconds,
        _told_time(path),
        in_order(events),
        job.wanted,
    )
    if overview is not None:
        write_timeline(
            Timeline(shown_path(path), part.duration_seconds, overview, part.events, job.labels, part.recorded_at),
            place(job.output_dir, TIMELINES, path, ".png"),
        )
    return part


def in_order(events: Sequence[Event]) -> list[Event]:
    """Events as the tables have them: by start, end, label."""
    return sorted(events, key=lambda event: (event.start_seconds, event.end_seconds, event.label))


def remarks(silent: bool, seconds: float, plan: Plan) -> list[str]:
    """What is to be said of a recording in which little can be found."""
    told = ["silent throughout"] if silent else []
    if seconds < plan.window_length / plan.sampling_rate - 1e-9:
        told.append(f"shorter than a window of {plan.window_length / plan.sampling_rate:g} s")
    return told


def _blocks(stream: AudioStream) -> Generator[np.ndarray, None, None]:
    yield from stream


def _told_time(path: str) -> str:
    moment = time_in_table(path) or recorded_at(path)
    return moment.isoformat(timespec="seconds") if moment else ""


def reported_labels(detector: Detector) -> Sequence[str]:
    """The labels that a detector reports as events."""
    return [label for label, told in zip(detector.plan.labels, detector.plan.reported, strict=True) if told]
