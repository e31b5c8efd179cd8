"""The tables of a corpus, joined from its parts: events.csv (and .json), results.csv, scores.parquet.

Rows are sorted by recording, so a corpus gives the same bytes in however many goes and by however many processes it
was heard. Parts pass by one at a time.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from audiocls.corpus.clock import Timed, clock_notes
from audiocls.corpus.parts import FAILED, Part, Parts
from audiocls.corpus.score_tables import join_scores
from audiocls.detection.event import Event
from audiocls.recordings.finding import shown_path
from audiocls.recordings.label_tables import TableEvent
from audiocls.recordings.label_writing import COLUMNS, csv_line, event_record
from audiocls.whole_files import whole_file

EVENTS_CSV, EVENTS_JSON, RESULTS_CSV, SCORES_PARQUET = "events.csv", "events.json", "results.csv", "scores.parquet"
RESULT_COLUMNS = ("recording", "duration_seconds", "status", "reason", "recorded_at", "clock", "events")
SECONDS_DECIMALS = 3


def result_header(labels: Sequence[str]) -> list[str]:
    """The columns of results.csv. Those of a label have a colon, so they never clash with others."""
    return [*RESULT_COLUMNS, *(f"{what}:{label}" for label in labels for what in ("events", "seconds"))]


def result_row(part: Part, labels: Sequence[str], clock: str) -> list[str]:
    """The row of one recording in results.csv; a recording that could not be read has no numbers."""
    told = [part.status, part.reason, part.recorded_at.replace("T", " "), clock]
    if part.status == FAILED:
        return [shown_path(part.recording), "", *told, "", *[""] * (2 * len(labels))]
    counts, seconds = label_sums(part.events)
    cells = [cell for label in labels for cell in (str(counts[label]), _decimal(seconds[label]))]
    return [shown_path(part.recording), _decimal(part.duration_seconds), *told, str(len(part.events)), *cells]


def label_sums(events: Sequence[Event]) -> tuple[Counter[str], dict[str, float]]:
    """How many events each label has, and how many seconds they last together."""
    counts: Counter[str] = Counter()
    seconds: dict[str, float] = defaultdict(float)
    for event in events:
        counts[event.label] += 1
        seconds[event.label] += event.end_seconds - event.start_seconds
    return counts, seconds


def write_tables(
    output_dir: Path,
    recordings: Sequence[str],
    labels: Sequence[str],
    with_json: bool = False,
    use: Callable[[Part, str], None] = lambda part, clock: None,
) -> None:
    """Write events.csv, results.csv and, if asked, events.json, of all these recordings that have a part.

    Args:
        recordings: sorted.
        labels: those that are reported.
        use: called with each part and what is odd about its clock.

    Raises:
        OutputError: one cannot be written.
    """
    parts = Parts(output_dir)
    clocks = clock_notes(timed(parts, recordings))
    with ExitStack() as files:
        texts = {
            name: files.enter_context(
                files.enter_context(whole_file(output_dir / name)).open(
                    "w", encoding="utf-8", newline="", errors="backslashreplace"
                )
            )
            for name in (EVENTS_CSV, RESULTS_CSV, *((EVENTS_JSON,) if with_json else ()))
        }
        texts[EVENTS_CSV].write(csv_line(["recording", *COLUMNS]))
        texts[RESULTS_CSV].write(csv_line(result_header(labels)))
        separator = '{"events": ['
        for recording in recordings:
            part = parts.read(recording)
            if part is None:
                continue
            name, clock = shown_path(recording), clocks.get(recording, "")
            texts[RESULTS_CSV].write(csv_line(result_row(part, labels, clock)))
            for event in part.events:
                row = event_record(TableEvent(name, event), True)
                texts[EVENTS_CSV].write(csv_line(list(row.values())))
                if with_json:
                    texts[EVENTS_JSON].write(f"{separator}\n {json.dumps(row, ensure_ascii=False)}")
                    separator = ","
            use(part, clock)
        if with_json:
            texts[EVENTS_JSON].write(("\n" if separator == "," else separator) + "]}\n")


def write_scores(output_dir: Path, recordings: Sequence[str], all_labels: Sequence[str]) -> None:
    """Write scores.parquet of all these recordings that have scores.

    Raises:
        OutputError: it cannot be written.
    """
    parts = Parts(output_dir)
    with whole_file(output_dir / SCORES_PARQUET) as beside:
        join_scores([parts.scores_path(recording) for recording in recordings], beside, all_labels)


def timed(parts: Parts, recordings: Sequence[str]) -> list[Timed]:
    """The recordings whose time is known."""
    found = []
    for recording in recordings:
        part = parts.read(recording)
        if part is not None and part.recorded_at:
            found.append(Timed(recording, datetime.fromisoformat(part.recorded_at), part.duration_seconds))
    return found


def _decimal(seconds: float) -> str:
    return f"{seconds:.{SECONDS_DECIMALS}f}"
