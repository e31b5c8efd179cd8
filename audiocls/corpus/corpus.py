"""`detect`: the events of many long recordings; every one of them is heard once, whatever happens in between."""

import dataclasses
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from audiocls.corpus.hearing import SCORES, TIMELINE, Job, reported_labels, write_label_files
from audiocls.corpus.listening import Listening
from audiocls.corpus.parts import FAILED, Part
from audiocls.corpus.progress import Progress
from audiocls.corpus.recording_times import forget_tables, time_in_table
from audiocls.corpus.run_record import open_folder, run_record, sole_writer
from audiocls.corpus.sharing import Processes, shares
from audiocls.corpus.summary import Corpus, format_corpus
from audiocls.corpus.tables import EVENTS_CSV, RESULTS_CSV
from audiocls.detection.detector import Detector
from audiocls.detection.options import DetectOptions
from audiocls.detection.thresholds import told_thresholds
from audiocls.errors import UsageError
from audiocls.inference.classifier import AudioClassifier
from audiocls.recordings.finding import find_recordings
from audiocls.recordings.label_writing import FORMAT_SUFFIXES


def detect_recordings(
    model: AudioClassifier | str | Path | Callable[[], AudioClassifier],
    inputs: Iterable[str | os.PathLike],
    output_dir: str | Path,
    options: DetectOptions | None = None,
    *,
    exports: Sequence[str] = ("audacity", "raven"),
    scores: bool = False,
    pictures: bool = True,
    num_workers: int = 0,
    batch_size: int = 32,
    overwrite: bool = False,
    verbose: bool = False,
) -> Corpus:
    """Find the events of recordings and write tables, label files and pictures.

    Results are kept recording by recording: after Ctrl-C or a crash the same call goes on with the recordings that are
    not done; recordings that changed since, could not be read, or lack something that is asked for now, are heard
    again. Recordings of earlier calls with the same model and settings stay in the tables. Under `accelerate launch`
    each process takes a share of the recordings; all must see the same `output_dir`.

    Args:
        model: a classifier, the model folder or Hub id of one, or what loads it: with several processes it should be
            loaded in here, when this process has been given its GPU.
        inputs: files, folders, patterns and "-", as of `find_recordings`.
        output_dir: a new folder, or that of an earlier call.
        options: how events are found.
        exports: "csv" (events.csv is always written), "json" (events.json), "audacity" and "raven" (a file a recording
            in labels/).
        scores: also write scores.parquet: a row a window.
        pictures: draw a timeline of each recording, in timelines/, and summary.png.
        num_workers: recordings heard at a time, each in a thread; 0 means one per core.
        batch_size: windows that go through the model at once.
        overwrite: forget the results in `output_dir`.
        verbose: show progress and print a summary.

    Raises:
        DataError: an input is missing or holds no audio. (Recordings that cannot be read are in the result.)
        UsageError: options do not fit the model, or the folder holds results of other settings.
        OutputError: the folder holds other things or cannot be written.
    """
    for form in exports:
        if form not in FORMAT_SUFFIXES:
            raise UsageError(f"--export is {form!r}; choose from {', '.join(FORMAT_SUFFIXES)}")
    if num_workers < 0:
        raise UsageError(f"num_workers is {num_workers}; it must be 0 (one per core) or more")
    options = options or DetectOptions()
    folder = Path(output_dir)
    processes = Processes()
    if isinstance(model, AudioClassifier):
        classifier = model
    else:
        classifier = AudioClassifier.from_pretrained(model) if isinstance(model, str | Path) else model()
    detector = Detector(classifier, options, batch_size=batch_size)
    job = Job(
        classifier=classifier,
        options=options,
        detector=detector,
        output_dir=folder,
        wanted=(*((SCORES,) if scores else ()), *((TIMELINE,) if pictures else ())),
        exports=tuple(exports),
        labels=tuple(reported_labels(detector)),
        batch_size=batch_size,
        stop=threading.Event(),
    )
    forget_tables()
    given, record = list(inputs), run_record(classifier, detector, options)
    with ExitStack() as held:
        plan = processes.from_main(lambda: _prepare(given, job, record, overwrite, held))
        share = shares(plan["sizes"], processes.count)[processes.rank]
        pending = {plan["pending"][index]: plan["sizes"][index] for index in share}
        run = Listening(job, plan["asked"], plan["earlier"], tuple(detector.plan.labels))
        started = time.monotonic()
        with Progress(pending, len(plan["asked"]) - len(plan["pending"]), verbose and processes.is_main) as progress:
            try:
                run.hear_all(list(pending), num_workers or processes.cores, progress, renew=processes.is_main)
                processes.wait()
            except BaseException:
                if processes.is_main and run.any_heard:
                    run.write_tables()
                raise
        corpus = run.finish(scores, pictures) if processes.is_main else Corpus(folder, job.labels)
        if verbose and processes.is_main:
            took = max(time.monotonic() - started, 1e-3)
            speed = (
                f", heard at {progress.seconds / took:.0f}x real time"
                if processes.count == 1 and progress.seconds
                else ""
            )
            told = [format_corpus(corpus, speed), told_thresholds(detector.plan, record["thresholds_origin"])]
            print("\n".join([*told, "", f"{folder / RESULTS_CSV}, {EVENTS_CSV} and more beside them"]))
        processes.wait()
    processes.leave()
    return corpus


def _prepare(
    given: list[str | os.PathLike], job: Job, record: dict[str, Any], overwrite: bool, held: ExitStack
) -> dict[str, Any]:
    """Find the recordings and see which are still to be heard; the folder is then ours until `held` is closed."""
    asked = find_recordings(given)
    held.enter_context(sole_writer(job.output_dir))
    open_folder(job.output_dir, record, overwrite)
    pending = []
    for path in asked:
        part = job.parts.finished(path, job.wanted)
        if part is not None:
            _freshen(part, job)
        else:
            pending.append(path)
            job.parts.drop_outdated(path)
    known = set(asked)
    earlier = [part.recording for part in job.parts if part.recording not in known and not _is_gone(part)]
    return {"asked": asked, "pending": pending, "earlier": earlier, "sizes": [_size(path) for path in pending]}


def _freshen(part: Part, job: Job) -> None:
    """Bring what was found before up to date with what is asked now and does not take hearing it again."""
    write_label_files(part, job, only_missing=True)
    moment = time_in_table(part.recording)
    told = moment.isoformat(timespec="seconds") if moment else part.recorded_at
    if told != part.recorded_at:
        job.parts.write(dataclasses.replace(part, recorded_at=told))


def _is_gone(part: Part) -> bool:
    """Whether an earlier call could not read a file that is not there, so nothing is to be told of it."""
    return part.status == FAILED and not part.stamp


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except (OSError, ValueError):
        return 0
