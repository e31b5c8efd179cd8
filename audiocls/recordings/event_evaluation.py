"""`evaluate --events`: how well a model finds the events of recordings, against tables that say what is in them."""

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from audiocls.audio.streaming import AudioStream
from audiocls.data.listing import shown
from audiocls.detection.options import DetectOptions
from audiocls.detection.sweep import Sweep
from audiocls.detection.thresholds import write_thresholds
from audiocls.errors import AudioReadError, DataError, OutputError, UsageError
from audiocls.evaluation.event_curves import GRID, best_thresholds, event_curve, segment_curves
from audiocls.evaluation.event_plots import COUNTS_PNG, PRECISION_RECALL_PNG, counts_figure, precision_recall_figure
from audiocls.evaluation.event_scores import COLLAR_SECONDS, SEGMENT_SECONDS, Findings, score_events, tally_events
from audiocls.evaluation.plots import save_png
from audiocls.evaluation.segment_scores import segment_scores
from audiocls.inference.classifier import AudioClassifier
from audiocls.model_folder import explained
from audiocls.recordings.event_report import event_text, score_rows
from audiocls.recordings.finding import find_recordings, shown_path
from audiocls.recordings.label_tables import TableEvent
from audiocls.recordings.label_writing import write_events
from audiocls.recordings.truth import Truth, check_ends, read_truth
from audiocls.whole_files import write_text

METRICS_JSON = "metrics.json"
EVENTS_CSV = "events.csv"
EVENT_SCORES_CSV = "event_scores.csv"


@dataclasses.dataclass(frozen=True)
class _Listened:
    """A recording after it was heard: what was found with the options' thresholds, and its segments' scores."""

    sweep: Sweep
    findings: Findings
    scores: np.ndarray
    notes: list[str]

    def at(self, thresholds: np.ndarray | float) -> Findings:
        """What other thresholds would have found."""
        return dataclasses.replace(self.findings, found=self.sweep.events(thresholds))


def evaluate_events(
    model: AudioClassifier | str | Path,
    data: str | Path | Iterable[str | Path],
    truth: str | Path,
    output_dir: str | Path | None = None,
    options: DetectOptions | None = None,
    *,
    collar_seconds: float = COLLAR_SECONDS,
    segment_seconds: float = SEGMENT_SECONDS,
    choose_thresholds: str | Path | None = None,
    unnamed_are_empty: bool = False,
    batch_size: int = 32,
    verbose: bool = False,
) -> dict[str, Any]:
    """Find the events of recordings and score them against what is there.

    Args:
        model: a classifier, a model folder or a Hub id.
        data: recordings: files, folders, patterns.
        truth: what is in them, as `truth.read_truth` takes it.
        output_dir: where to write metrics.json, events.csv (what was found), event_scores.csv, precision_recall.png and
            counts.png; must not exist.
        options: how events are looked for.
        collar_seconds: by how much the start of an event may be off. segment_seconds: of the segment-based scores.
        choose_thresholds: a file to write: the thresholds with the best F1 of events on these recordings, for
            `--threshold`. Scores on the same recordings then flatter the model: keep others to report.
        unnamed_are_empty: recordings that the truth does not tell of hold no events, instead of being left out.
        verbose: print what is left out, and the scores.

    Returns:
        As `event_scores.score_events`, with "model", "thresholds", "window_seconds", "hop_seconds",
        "average_precision" on segments, "notes"; and with `choose_thresholds` "threshold_curve" and
        "chosen_thresholds" {"file", "thresholds", "f1", "f1_before"}.

    Raises:
        DataError: recordings or truth cannot be used: see `find_recordings` and `read_truth`; an event behind the end
            of its recording; a recording that cannot be read.
        ModelError: the model cannot be loaded.
        OutputError: `output_dir` exists, or something cannot be written.
        UsageError: options out of range or unfit for the model.
    """
    for name, value in (("collar_seconds", collar_seconds), ("segment_seconds", segment_seconds)):
        if not 0.001 <= value <= 3600:
            raise UsageError(f"{name} is {value:g}; it must lie between 0.001 and 3600")
    if output_dir is not None and Path(output_dir).exists():
        raise OutputError(f"{output_dir} exists; choose another --output_dir")
    classifier = model if isinstance(model, AudioClassifier) else AudioClassifier.from_pretrained(model)
    recordings = find_recordings([data] if isinstance(data, str | Path) else data)
    known = read_truth(truth, recordings, classifier.labels, unnamed_are_empty)
    listened = [
        _listen(classifier, file, rows, options or DetectOptions(), segment_seconds, batch_size)
        for file, rows in known.events.items()
    ]
    plan = listened[0].sweep.plan
    labels = [label for label, reported in zip(plan.labels, plan.reported, strict=True) if reported]
    metrics = _metrics(classifier, listened, labels, known, collar_seconds, segment_seconds)
    if choose_thresholds is not None:
        metrics |= _choose(classifier, listened, labels, Path(choose_thresholds), collar_seconds)
    if output_dir is not None:
        _write(Path(output_dir), metrics, listened)
    if verbose:
        for note in metrics["notes"]:
            print(f"warning: {note}")
        print(event_text(metrics))
        if choose_thresholds is not None:
            print(_chosen_line(metrics["chosen_thresholds"], collar_seconds))
    return metrics


def _listen(
    classifier: AudioClassifier,
    file: str,
    rows: list[TableEvent],
    options: DetectOptions,
    segment_seconds: float,
    batch_size: int,
) -> _Listened:
    """Find the events of one recording; memory does not grow with its length but for a score a window."""
    sweep = Sweep(classifier, options, batch_size)
    stream = AudioStream(file, classifier.sampling_rate)
    try:
        for block in stream:
            if (
                stream.expected_seconds is not None and not sweep.heard
            ):  # tell of a wrong table before hours of listening
                check_ends(rows, file, stream.expected_seconds)
            sweep.push(block)
    except AudioReadError as error:
        raise DataError(f"{error}; take the recording or its table out") from error
    sweep.finish()
    check_ends(rows, file, stream.seconds)
    plan = sweep.plan
    reported = {label for label, is_event in zip(plan.labels, plan.reported, strict=True) if is_event}
    true = [row.event for row in rows if row.event.label in reported]
    findings = Findings(shown_path(file), stream.seconds, true, sweep.events())
    scores = segment_scores(sweep.heard, plan, stream.seconds, segment_seconds)
    return _Listened(sweep, findings, scores, [f"{shown(file)}: {note}" for note in stream.notes])


def _metrics(
    classifier: AudioClassifier,
    listened: list[_Listened],
    labels: list[str],
    known: Truth,
    collar_seconds: float,
    segment_seconds: float,
) -> dict[str, Any]:
    plan, recordings = listened[0].sweep.plan, [each.findings for each in listened]
    curves = segment_curves(recordings, [each.scores for each in listened], labels, segment_seconds)
    thresholds = dict(zip(plan.labels, plan.thresholds.tolist(), strict=True))
    return {
        "model": classifier.origin,
        **score_events(recordings, labels, collar_seconds, segment_seconds),
        "thresholds": {label: thresholds[label] for label in labels},
        "window_seconds": plan.window_seconds,
        "hop_seconds": plan.hop_seconds,
        "average_precision": curves["average_precision"],
        "precision_recall": curves["curves"],
        "notes": known.notes + [note for each in listened for note in each.notes],
    }


def _choose(
    classifier: AudioClassifier, listened: list[_Listened], labels: list[str], file: Path, collar_seconds: float
) -> dict[str, Any]:
    """Find the best thresholds on these recordings and write them."""
    if not any(each.findings.truth for each in listened):
        raise DataError("thresholds cannot be chosen: the truth holds no event of a class that is reported")
    tallies = [tally_events([each.at(step) for each in listened], labels, collar_seconds) for step in GRID]
    chosen = dict(zip(labels, best_thresholds(tallies, GRID).tolist(), strict=True))
    plan = listened[0].sweep.plan
    all_labels = [chosen.get(label, float(used)) for label, used in zip(plan.labels, plan.thresholds, strict=True)]
    before, after = (
        score_events(recordings, labels, collar_seconds)["events"]["overall"]["f1"]
        for recordings in ([each.findings for each in listened], [each.at(np.array(all_labels)) for each in listened])
    )
    origin = f"{len(listened)} recordings, {sum(each.findings.seconds for each in listened) / 60:.1f} min"
    write_thresholds(file, classifier, chosen, fitted_on=origin, event_f1=after, collar_seconds=collar_seconds)
    return {
        "threshold_curve": event_curve(tallies, GRID, labels),
        "chosen_thresholds": {"file": str(file), "thresholds": chosen, "f1": after, "f1_before": before},
    }


def _chosen_line(chosen: dict[str, Any], collar_seconds: float) -> str:
    return (
        f"\n{chosen['file']} holds thresholds with an F1 of events of {chosen['f1']:.3f} on these recordings (before: "
        f"{chosen['f1_before'] or 0:.3f}; starts within {collar_seconds:g} s). They were chosen on them, so new "
        "recordings will score lower"
    )


def _write(folder: Path, metrics: dict[str, Any], listened: list[_Listened]) -> None:
    with explained(folder):
        folder.mkdir(parents=True)
    write_text(folder / METRICS_JSON, json.dumps(metrics, indent=2, ensure_ascii=False) + "\n")
    found = [TableEvent(each.findings.recording, event) for each in listened for event in each.findings.found]
    write_events(found, folder / EVENTS_CSV, "csv")
    write_text(folder / EVENT_SCORES_CSV, score_rows(metrics))
    figure = precision_recall_figure(
        metrics["precision_recall"],
        metrics["average_precision"]["per_class"],
        metrics["segments"]["per_class"],
        metrics["segments"]["segment_seconds"],
    )
    save_png(figure, folder / PRECISION_RECALL_PNG)
    save_png(counts_figure(metrics["counts"]["per_recording"], metrics["labels"]), folder / COUNTS_PNG)
